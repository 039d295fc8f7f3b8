// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/active"
)

// DefaultNamespace is that of the load balancer, if nothing else is said.
const DefaultNamespace = "metallb-system"

// Cluster is what the API server says, as far as it was asked. Nothing of it is modified.
type Cluster struct {
	// Namespace of the load balancer and its configuration.
	Namespace string
	// Class is the loadBalancerClass of the Services that it serves; empty stands for those without one.
	Class string
	// Now is when the API server was asked.
	Now time.Time

	// Written are the configuration objects as they are written, Active the versions that are used, as the controller has published them.
	Written config.Objects
	Active  []v1beta1.ActiveConfiguration
	// Nodes, sorted by name.
	Nodes []corev1.Node
	// Namespaces are the labels of each namespace.
	Namespaces map[string]labels.Set
	// Services are those of type LoadBalancer, of any class, sorted by namespace and name.
	Services []corev1.Service
	// Slices are the EndpointSlices of each Service.
	Slices map[types.NamespacedName][]discoveryv1.EndpointSlice
	// Sessions are sorted by name.
	Sessions []v1beta1.BGPSessionState
	// Controller and Speakers are the workloads of the load balancer, nil if there are none; Pods are theirs, sorted by name.
	Controller *appsv1.Deployment
	Speakers   *appsv1.DaemonSet
	Pods       []corev1.Pod

	// Unread are what could not be read, with the reason.
	Unread []Unread
	// Unwatched are parts that may be read and not be watched. For who follows the cluster they are some time old.
	Unwatched []Part
}

// Unread is a part that could not be read.
type Unread struct {
	Part Part
	Err  error
}

// InUse returns the configuration that controller and speakers use. An ActiveConfiguration that cannot be read does not count, as with them.
func (c *Cluster) InUse() config.Objects {
	decoded, _ := active.Decode(c.Active)
	return config.Objects(active.InUse(active.Objects(c.Written), decoded))
}

// Service returns the Service of that name, if it is one of type LoadBalancer.
func (c *Cluster) Service(key types.NamespacedName) (*corev1.Service, bool) {
	i, found := slices.BinarySearchFunc(c.Services, key, func(s corev1.Service, k types.NamespacedName) int { return compare(nameOf(&s), k) })
	if !found {
		return nil, false
	}
	return &c.Services[i], true
}

// Node returns the Node of that name.
func (c *Cluster) Node(name string) (*corev1.Node, bool) {
	i, found := slices.BinarySearchFunc(c.Nodes, name, func(n corev1.Node, name string) int { return strings.Compare(n.Name, name) })
	if !found {
		return nil, false
	}
	return &c.Nodes[i], true
}

// Session returns the state of the session of a node with a peer, if one is reported.
func (c *Cluster) Session(node, peer string) (*v1beta1.BGPSessionState, bool) {
	for i := range c.Sessions {
		if s := &c.Sessions[i].Status; s.Node == node && s.Peer == peer {
			return &c.Sessions[i], true
		}
	}
	return nil, false
}

func nameOf(s *corev1.Service) types.NamespacedName {
	return types.NamespacedName{Namespace: s.Namespace, Name: s.Name}
}

func compare(a, b types.NamespacedName) int {
	if c := strings.Compare(a.Namespace, b.Namespace); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

// Has reports whether the part may be read, so that what is not there does not exist.
func (c *Cluster) Has(part Part) bool {
	return !slices.ContainsFunc(c.Unread, func(u Unread) bool { return u.Part == part })
}
