// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/endpoint"
)

// endpoints are where a service has endpoints that serve.
type endpoints struct {
	anywhere bool
	// nodes are those with such an endpoint.
	nodes config.NodeSet
}

// EndpointSlices says how to keep EndpointSlices in a cache: those of headless services, which cannot have a load balancer, not
// at all, and of the others on which nodes endpoints serve.
func EndpointSlices() cache.ByObject {
	shared := true
	s := &stripper{names: map[string]*string{}}
	o := cache.ByObject{Transform: s.strip, UnsafeDisableDeepCopy: &shared}
	if headless, err := labels.NewRequirement(corev1.IsHeadlessService, selection.DoesNotExist, nil); err == nil {
		o.Label = labels.NewSelector().Add(*headless)
	}
	return o
}

// someAddress is that of every endpoint that is kept: which one it is makes no difference.
var someAddress = []string{""}

// stripper strips EndpointSlices. It has the name of each node once, for all of them.
type stripper struct {
	mu    sync.Mutex
	names map[string]*string
}

// strip leaves of an EndpointSlice one endpoint that serves for each node where some do, and one without a node if some serve that
// have none. What is stripped stays the same if it is stripped again, which a cache may do.
func (s *stripper) strip(object any) (any, error) {
	slice, ok := object.(*discoveryv1.EndpointSlice)
	if !ok {
		return object, nil
	}
	stripped := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: slice.Namespace, Name: slice.Name, UID: slice.UID, ResourceVersion: slice.ResourceVersion,
			Labels: map[string]string{discoveryv1.LabelServiceName: slice.Labels[discoveryv1.LabelServiceName]},
		},
	}
	seen := map[string]bool{}
	for i := range slice.Endpoints {
		e := &slice.Endpoints[i]
		if !endpoint.Serves(e) {
			continue
		}
		name := ""
		if e.NodeName != nil {
			name = *e.NodeName
		}
		if !seen[name] {
			seen[name] = true
			stripped.Endpoints = append(stripped.Endpoints, discoveryv1.Endpoint{Addresses: someAddress, NodeName: s.once(name)})
		}
	}
	return stripped, nil
}

// once returns the name at one and the same place; nil if it is empty.
func (s *stripper) once(name string) *string {
	if name == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names[name] == nil {
		s.names[name] = &name
	}
	return s.names[name]
}

// serviceOf returns the service of a slice; without a name if it has none.
func serviceOf(slice *discoveryv1.EndpointSlice) types.NamespacedName {
	return types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
}

// endpointsOf returns where endpoints of the stripped slices serve.
func endpointsOf(slices map[string]*discoveryv1.EndpointSlice, numbers map[string]int) endpoints {
	e := endpoints{nodes: config.NewNodeSet(len(numbers))}
	for _, slice := range slices {
		for i := range slice.Endpoints {
			e.anywhere = true
			if name := slice.Endpoints[i].NodeName; name != nil {
				if number, known := numbers[*name]; known {
					e.nodes.Add(number)
				}
			}
		}
	}
	return e
}
