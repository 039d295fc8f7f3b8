// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/endpoint"
)

// endpoints are where a service has endpoints that get connections, by family.
type endpoints [endpoint.Families]struct {
	anywhere bool
	// nodes are those with such an endpoint.
	nodes config.NumberSet
}

// EndpointSlices says how to keep EndpointSlices in a cache: those of headless services, which cannot have a load balancer, not
// at all, and of the others on which nodes endpoints serve.
func EndpointSlices() cache.ByObject {
	shared := true
	return cache.ByObject{Label: endpoint.WithoutHeadless(), Transform: (&nodeNames{}).strip, UnsafeDisableDeepCopy: &shared}
}

// strip leaves of an EndpointSlice its service, its family and the nodes where endpoints get connections. What is stripped stays the
// same if it is stripped again, which a cache may do.
func (n *nodeNames) strip(object any) (any, error) {
	slice, ok := object.(*discoveryv1.EndpointSlice)
	if !ok {
		return object, nil
	}
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: slice.Namespace, Name: slice.Name, UID: slice.UID, ResourceVersion: slice.ResourceVersion,
			Labels: map[string]string{discoveryv1.LabelServiceName: slice.Labels[discoveryv1.LabelServiceName]},
		},
		AddressType: slice.AddressType,
		Endpoints:   endpoint.Reduce(slice, n.once),
		Ports:       endpoint.ReducePorts(slice),
	}, nil
}

// serviceOf returns the service of a slice; without a name if it has none.
func serviceOf(slice *discoveryv1.EndpointSlice) types.NamespacedName {
	return types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
}

// sliceSet are the slices of services, by service and name. They use the numbers of the nodes that they name.
type sliceSet struct {
	nodes     *nodes
	byService map[types.NamespacedName]map[string]*discoveryv1.EndpointSlice
}

// set replaces a slice; it returns its former version, nil if there was none. The nodes of that are to be dropped when nothing
// has their numbers because of it.
func (s *sliceSet) set(slice *discoveryv1.EndpointSlice) (before *discoveryv1.EndpointSlice) {
	service := serviceOf(slice)
	if s.byService[service] == nil {
		s.byService[service] = map[string]*discoveryv1.EndpointSlice{}
	}
	before = s.byService[service][slice.Name]
	s.byService[service][slice.Name] = slice
	for e := range endpoint.In(slice) {
		if e.NodeName != nil {
			s.nodes.use(*e.NodeName)
		}
	}
	return before
}

// remove removes a slice; it returns its last version, whose nodes are to be dropped as with set.
func (s *sliceSet) remove(slice *discoveryv1.EndpointSlice) (last *discoveryv1.EndpointSlice) {
	service := serviceOf(slice)
	last = s.byService[service][slice.Name]
	delete(s.byService[service], slice.Name)
	if len(s.byService[service]) == 0 {
		delete(s.byService, service)
	}
	return last
}

// drop drops the nodes of a slice that is not there any more.
func (s *sliceSet) drop(slice *discoveryv1.EndpointSlice) {
	if slice == nil {
		return
	}
	for e := range endpoint.In(slice) {
		if e.NodeName != nil {
			s.nodes.drop(*e.NodeName)
		}
	}
}

// of returns where endpoints of the service get connections.
func (s *sliceSet) of(service types.NamespacedName) (e endpoints) {
	for _, slice := range s.byService[service] {
		f, known := endpoint.FamilyOf(slice)
		if !known {
			continue
		}
		for one := range endpoint.In(slice) {
			e[f].anywhere = true
			if one.NodeName != nil {
				e[f].nodes.Add(s.nodes.numbers[*one.NodeName])
			}
		}
	}
	return e
}
