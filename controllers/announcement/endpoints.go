// SPDX-License-Identifier: Apache-2.0

package announcement

import (
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

// endpoints are where a service has endpoints that get connections, by family.
type endpoints [endpoint.Families]struct {
	anywhere bool
	// nodes are those with such an endpoint.
	nodes config.NodeSet
}

// EndpointSlices says how to keep EndpointSlices in a cache: those of headless services, which cannot have a load balancer, not
// at all, and of the others on which nodes endpoints serve.
func EndpointSlices() cache.ByObject {
	shared := true
	o := cache.ByObject{Transform: (&names{}).strip, UnsafeDisableDeepCopy: &shared}
	if headless, err := labels.NewRequirement(corev1.IsHeadlessService, selection.DoesNotExist, nil); err == nil {
		o.Label = labels.NewSelector().Add(*headless)
	}
	return o
}

// strip leaves of an EndpointSlice its service, its family and the nodes where endpoints get connections. What is stripped stays the
// same if it is stripped again, which a cache may do.
func (n *names) strip(object any) (any, error) {
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
	}, nil
}

// serviceOf returns the service of a slice; without a name if it has none.
func serviceOf(slice *discoveryv1.EndpointSlice) types.NamespacedName {
	return types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
}

// endpointsOf returns where endpoints of the stripped slices get connections.
func endpointsOf(slices map[string]*discoveryv1.EndpointSlice, numbers map[string]int) (e endpoints) {
	for f := range e {
		e[f].nodes = config.NewNodeSet(len(numbers))
	}
	for _, slice := range slices {
		f, known := endpoint.FamilyOf(slice)
		if !known {
			continue
		}
		for one := range endpoint.In(slice) {
			e[f].anywhere = true
			if one.NodeName == nil {
				continue
			}
			if number, known := numbers[*one.NodeName]; known {
				e[f].nodes.Add(number)
			}
		}
	}
	return e
}
