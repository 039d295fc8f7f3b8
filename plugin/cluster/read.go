// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/configuration"
)

// Part is what a command needs of the cluster.
type Part string

// The parts. Each is read with the rights to list what it names.
const (
	// Configuration are the objects of all kinds as written, and the ActiveConfigurations.
	Configuration Part = "the configuration"
	Nodes         Part = "nodes"
	Namespaces    Part = "namespaces"
	Services      Part = "services"
	// Endpoints are the EndpointSlices of all Services.
	Endpoints Part = "endpointslices"
	Sessions  Part = "bgpsessionstates"
	// Workloads are controller and speakers.
	Workloads Part = "the load balancer's own pods"
)

// Everything is all parts.
func Everything() []Part {
	return []Part{Configuration, Nodes, Namespaces, Services, Endpoints, Sessions, Workloads}
}

// NotInstalledError says that the API server does not know the kinds of the load balancer.
type NotInstalledError struct{ Err error }

// Error says what to do.
func (e *NotInstalledError) Error() string {
	return fmt.Sprintf("MetalLB is not installed in this cluster, or this is another cluster than you mean (see kubectl config current-context): %v", e.Err)
}

// Unwrap returns what the API server said.
func (e *NotInstalledError) Unwrap() error { return e.Err }

// Read reads the parts from the API server, all at the same time. What the user may not read is left out, and said in Unread. The error is for
// anything else, and for a configuration that may not be read.
func Read(ctx context.Context, reader client.Reader, namespace string, now time.Time, parts ...Part) (*Cluster, error) {
	c := &Cluster{Namespace: namespace, Now: now}
	functions := map[Part]func(context.Context, client.Reader) error{
		Configuration: c.readConfiguration, Nodes: c.readNodes, Namespaces: c.readNamespaces, Services: c.readServices,
		Endpoints: c.readEndpoints, Sessions: c.readSessions, Workloads: c.readWorkloads,
	}
	errs := make([]error, len(parts))
	var group sync.WaitGroup
	for i, part := range parts {
		group.Go(func() { errs[i] = functions[part](ctx, reader) })
	}
	group.Wait()
	for i, part := range parts {
		switch err := errs[i]; {
		case err == nil:
		case meta.IsNoMatchError(err):
			return nil, &NotInstalledError{err}
		case apierrors.IsForbidden(err) && part != Configuration:
			c.Unread = append(c.Unread, Unread{part, err})
		default:
			return nil, err
		}
	}
	return c, nil
}

func (c *Cluster) readConfiguration(ctx context.Context, reader client.Reader) error {
	var err error
	if c.Written, err = configuration.Read(ctx, reader, c.Namespace); err != nil {
		return err
	}
	for o := range c.Written.All() {
		o.SetManagedFields(nil)
	}
	c.Active, err = configuration.Active(ctx, reader, c.Namespace)
	return err
}

func (c *Cluster) readNodes(ctx context.Context, reader client.Reader) error {
	err := configuration.Pages(ctx, reader, string(Nodes), &corev1.NodeList{}, func(list *corev1.NodeList) {
		for i := range list.Items {
			list.Items[i].ManagedFields, list.Items[i].Status.Images = nil, nil
		}
		c.Nodes = append(c.Nodes, list.Items...)
	})
	sortByName(c.Nodes)
	return err
}

func (c *Cluster) readNamespaces(ctx context.Context, reader client.Reader) error {
	c.Namespaces = map[string]labels.Set{}
	return configuration.Pages(ctx, reader, string(Namespaces), &corev1.NamespaceList{}, func(list *corev1.NamespaceList) {
		for i := range list.Items {
			c.Namespaces[list.Items[i].Name] = list.Items[i].Labels
		}
	})
}

// lastApplied is what kubectl keeps in an object of what was applied, which is as long as the object and tells nothing more.
const lastApplied = corev1.LastAppliedConfigAnnotation

// readServices asks for those of type LoadBalancer only.
func (c *Cluster) readServices(ctx context.Context, reader client.Reader) error {
	only := client.MatchingFields{"spec.type": string(corev1.ServiceTypeLoadBalancer)}
	err := configuration.Pages(ctx, reader, string(Services), &corev1.ServiceList{}, func(list *corev1.ServiceList) {
		for i := range list.Items {
			s := &list.Items[i]
			s.ManagedFields = nil
			if s.Annotations[lastApplied] != "" { // The map of what is cached is not written to.
				delete(s.Annotations, lastApplied)
			}
		}
		c.Services = append(c.Services, list.Items...)
	}, only)
	slices.SortFunc(c.Services, func(a, b corev1.Service) int { return compare(nameOf(&a), nameOf(&b)) })
	return err
}

func (c *Cluster) readEndpoints(ctx context.Context, reader client.Reader) error {
	c.Slices = map[types.NamespacedName][]discoveryv1.EndpointSlice{}
	return configuration.Pages(ctx, reader, string(Endpoints), &discoveryv1.EndpointSliceList{}, func(list *discoveryv1.EndpointSliceList) {
		for i := range list.Items {
			c.AddSlice(&list.Items[i])
		}
	})
}

// AddSlice adds an EndpointSlice, unless it is of no Service.
func (c *Cluster) AddSlice(slice *discoveryv1.EndpointSlice) {
	name := slice.Labels[discoveryv1.LabelServiceName]
	if name == "" {
		return
	}
	if c.Slices == nil {
		c.Slices = map[types.NamespacedName][]discoveryv1.EndpointSlice{}
	}
	slice.ManagedFields = nil
	key := types.NamespacedName{Namespace: slice.Namespace, Name: name}
	c.Slices[key] = append(c.Slices[key], *slice)
}

func (c *Cluster) readSessions(ctx context.Context, reader client.Reader) error {
	err := configuration.Pages(ctx, reader, string(Sessions), &v1beta1.BGPSessionStateList{}, func(list *v1beta1.BGPSessionStateList) {
		for i := range list.Items {
			list.Items[i].ManagedFields = nil
		}
		c.Sessions = append(c.Sessions, list.Items...)
	}, client.InNamespace(c.Namespace))
	sortByName(c.Sessions)
	return err
}

// The labels of what controller and speakers run in.
const (
	componentLabel      = "component"
	controllerComponent = "controller"
	speakerComponent    = "speaker"
)

func (c *Cluster) readWorkloads(ctx context.Context, reader client.Reader) error {
	own := []client.ListOption{client.InNamespace(c.Namespace), client.MatchingLabels{"app": "metallb"}}
	var (
		deployments appsv1.DeploymentList
		daemonSets  appsv1.DaemonSetList
		pods        corev1.PodList
	)
	for _, list := range []client.ObjectList{&deployments, &daemonSets, &pods} {
		if err := reader.List(ctx, list, own...); err != nil {
			return err
		}
	}
	c.Controller = ofComponent(deployments.Items, controllerComponent)
	c.Speakers = ofComponent(daemonSets.Items, speakerComponent)
	c.Pods = pods.Items
	sortByName(c.Pods)
	c.Class = c.class()
	return nil
}

// ofComponent returns the first of the objects, by name, that is the component; nil if none is.
func ofComponent[T any, P interface {
	*T
	metav1.Object
}](list []T, component string) P {
	sortByName[T, P](list)
	for i := range list {
		if o := P(&list[i]); o.GetLabels()[componentLabel] == component {
			o.SetManagedFields(nil)
			return o
		}
	}
	return nil
}

func sortByName[T any, P interface {
	*T
	metav1.Object
}](list []T) {
	slices.SortFunc(list, func(a, b T) int { return strings.Compare(P(&a).GetName(), P(&b).GetName()) })
}

// NamespaceLabels returns the labels of a namespace.
func (c *Cluster) NamespaceLabels(name string) labels.Set { return maps.Clone(c.Namespaces[name]) }
