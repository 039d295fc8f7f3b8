// SPDX-License-Identifier: Apache-2.0

package assignment

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
)

// Replay tells the allocator, which has the pools, what the Services hold, all of one class; namespaces are the labels of each namespace. It
// returns the requests that are to be allocated now, the oldest first, and how many Services hold something.
func Replay(a *allocator.Allocator, services []corev1.Service, namespaces map[string]labels.Set, pools ipam.Pools) (requests []allocator.Request, held int) {
	for _, svc := range oldestFirst(services) {
		// A Service that contradicts itself holds what it holds all the same.
		namespaceLabels, known := namespaces[svc.Namespace]
		request, invalid := RequestOf(svc, namespaceLabels)
		if assignments := Ours(svc, pools); len(assignments) > 0 {
			a.Hydrate(request, assignments)
			held++
		}
		if invalid == nil && known && svc.DeletionTimestamp == nil {
			requests = append(requests, request)
		}
	}
	return requests, held
}

func oldestFirst(services []corev1.Service) []*corev1.Service {
	sorted := make([]*corev1.Service, 0, len(services))
	for i := range services {
		sorted = append(sorted, &services[i])
	}
	slices.SortFunc(sorted, func(a, b *corev1.Service) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
			strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return sorted
}

// Ours returns the addresses in the Service's status that this load balancer gave to it. Without its annotation, those
// are the addresses that a pool contains: others come from a load balancer that was here before.
func Ours(svc *corev1.Service, pools ipam.Pools) []allocator.Assignment {
	found := Of(svc)
	if Annotation(svc, v1beta1.AnnotationIPAllocatedFromPool) != "" {
		return found
	}
	return slices.DeleteFunc(found, func(as allocator.Assignment) bool {
		_, ok := pools.Find(as.Address)
		return !ok
	})
}
