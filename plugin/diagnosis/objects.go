// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/listing"
)

// source is a kind of objects that are collected.
type source struct {
	name    string
	kind    schema.GroupVersionKind
	options []client.ListOption
	// keep reports whether an object is one of those, nil takes all; trim removes what is not wanted of it.
	keep func(*unstructured.Unstructured) bool
	trim func(*unstructured.Unstructured)
	// take is told of each object before it is redacted.
	take func(*unstructured.Unstructured)
}

// secretive is how many sources, of the first, may have passwords.
const secretive = 5

// sources returns what is collected, in order: what may have passwords first, and Services before what is of Services.
func (c *collection) sources() []source {
	here := client.InNamespace(c.Namespace)
	own := []client.ListOption{here, client.MatchingLabels{"app": "metallb"}}
	in := func(name string, version schema.GroupVersion, kind string, options ...client.ListOption) source {
		return source{name: name, kind: version.WithKind(kind), options: options}
	}
	apps := schema.GroupVersion{Group: "apps", Version: "v1"}
	sources := []source{
		in("bgppeers", v1beta2.GroupVersion, "BGPPeer", here),
		in("activeconfigurations", v1beta1.GroupVersion, "ActiveConfiguration", here),
		in("deployments", apps, "Deployment", own...),
		in("daemonsets", apps, "DaemonSet", own...),
		in("pods", corev1.SchemeGroupVersion, "Pod", own...),
		in("ipaddresspools", v1beta1.GroupVersion, "IPAddressPool", here),
		in("bgpadvertisements", v1beta1.GroupVersion, "BGPAdvertisement", here),
		in("communities", v1beta1.GroupVersion, "Community", here),
		in("bfdprofiles", v1beta1.GroupVersion, "BFDProfile", here),
		in("bgpsessionstates", v1beta1.GroupVersion, "BGPSessionState", here),
		in("servicebgpstatuses", v1beta1.GroupVersion, "ServiceBGPStatus", here),
		in("nodes", corev1.SchemeGroupVersion, "Node"),
		in("namespaces", corev1.SchemeGroupVersion, "Namespace"),
		in("services", corev1.SchemeGroupVersion, "Service", client.MatchingFields{"spec.type": string(corev1.ServiceTypeLoadBalancer)}),
		in("endpointslices", discoveryv1.SchemeGroupVersion, "EndpointSlice"),
		in("events", corev1.SchemeGroupVersion, "Event"),
		in("webhooks", schema.GroupVersion{Group: "admissionregistration.k8s.io", Version: "v1"}, "ValidatingWebhookConfiguration"),
	}
	for i := range sources {
		switch s := &sources[i]; s.name {
		case "pods":
			s.take = c.takePod
		case "nodes":
			s.trim = func(o *unstructured.Unstructured) { unstructured.RemoveNestedField(o.Object, "status", "images") }
		case "namespaces":
			s.trim = onlyLabels
		case "services":
			s.take = func(o *unstructured.Unstructured) {
				c.services[types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}] = true
			}
		case "endpointslices":
			s.keep = func(o *unstructured.Unstructured) bool {
				return c.services[types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetLabels()[discoveryv1.LabelServiceName]}]
			}
		case "events":
			s.keep = c.isOfThese
		case "webhooks":
			s.keep = c.callsHere
		}
	}
	return sources
}

// passwords finds the passwords in objects, so that they are known wherever they are found. What cannot be read is noted later.
func (c *collection) passwords(ctx context.Context) error {
	for _, s := range c.sources()[:secretive] {
		_ = listing.Pages(ctx, c.Reader, s.name, listOf(s.kind), func(page *unstructured.UnstructuredList) {
			for i := range page.Items {
				c.redactor.Object(page.Items[i].Object)
			}
		}, s.options...)
	}
	return nil
}

func listOf(kind schema.GroupVersionKind) *unstructured.UnstructuredList {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	return list
}

// objects adds the objects, a file for each page.
func (c *collection) objects(ctx context.Context) error {
	for _, s := range c.sources() {
		count, pages := 0, 0
		var written error
		err := listing.Pages(ctx, c.Reader, s.name, listOf(s.kind), func(page *unstructured.UnstructuredList) {
			if written != nil {
				return
			}
			var content []byte
			var n int
			if content, n, written = c.page(&s, page); written != nil || n == 0 {
				return
			}
			pages, count = pages+1, count+n
			name := fmt.Sprintf("objects/%s.yaml", s.name)
			if pages > 1 {
				name = fmt.Sprintf("objects/%s-%d.yaml", s.name, pages)
			}
			written = c.archive.add(name, content)
		}, s.options...)
		if written != nil {
			return written
		}
		if err != nil {
			c.failed("%v", err)
		}
		c.count(s.name, count)
	}
	return nil
}

// page returns the objects of a page that are wanted, as YAML documents.
func (c *collection) page(s *source, page *unstructured.UnstructuredList) (content []byte, count int, err error) {
	for i := range page.Items {
		o := &page.Items[i]
		if s.keep != nil && !s.keep(o) {
			continue
		}
		if s.take != nil {
			s.take(o)
		}
		if s.trim != nil {
			s.trim(o)
		}
		c.redactor.Object(o.Object)
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, 0, fmt.Errorf("writing %s %s: %w", o.GetKind(), o.GetName(), err)
		}
		content = append(append(content, "---\n"...), text...)
		count++
	}
	return content, count, nil
}

func (c *collection) takePod(o *unstructured.Unstructured) {
	var p corev1.Pod
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &p); err != nil {
		c.failed("pod %s: %v", o.GetName(), err)
		return
	}
	c.pods = append(c.pods, p)
}

// onlyLabels leaves of a namespace its name and labels.
func onlyLabels(o *unstructured.Unstructured) {
	labels, _, _ := unstructured.NestedMap(o.Object, "metadata", "labels")
	o.Object = map[string]any{
		"apiVersion": o.GetAPIVersion(), "kind": o.GetKind(),
		"metadata": map[string]any{"name": o.GetName(), "labels": labels},
	}
}

// isOfThese reports whether an event is of an object that is collected, and not too old.
func (c *collection) isOfThese(o *unstructured.Unstructured) bool {
	var e corev1.Event
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &e); err != nil {
		return false
	}
	last := e.LastTimestamp.Time
	for _, t := range []time.Time{e.EventTime.Time, e.CreationTimestamp.Time} {
		if t.After(last) {
			last = t
		}
	}
	if e.Series != nil && e.Series.LastObservedTime.After(last) {
		last = e.Series.LastObservedTime.Time
	}
	if c.Now.Sub(last) > c.Since {
		return false
	}
	of := e.InvolvedObject
	return e.Namespace == c.Namespace || of.Namespace == c.Namespace || of.Kind == "Node" ||
		of.Kind == "Service" && c.services[types.NamespacedName{Namespace: of.Namespace, Name: of.Name}]
}

// callsHere reports whether a webhook configuration is the load balancer's.
func (c *collection) callsHere(o *unstructured.Unstructured) bool {
	hooks, _, _ := unstructured.NestedSlice(o.Object, "webhooks")
	for _, h := range hooks {
		hook, isMap := h.(map[string]any)
		if !isMap {
			continue
		}
		namespace, _, _ := unstructured.NestedString(hook, "clientConfig", "service", "namespace")
		name, _, _ := unstructured.NestedString(hook, "name")
		if namespace == c.Namespace && strings.HasSuffix(name, ".metallb.io") {
			return true
		}
	}
	return false
}
