// SPDX-License-Identifier: Apache-2.0

package announce

import (
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/endpoint"
)

// Service is what matters of a service.
type Service struct {
	Labels labels.Set
	// Addresses that the service has, each once, in the order of its status.
	Addresses []netip.Addr
	// AllocatedFrom names the pools that the addresses came from, as far as that is on record.
	AllocatedFrom []string
	// Local is whether externalTrafficPolicy is Local.
	Local bool
}

// ServiceOf returns what matters of the service, or the reason why nothing of it is announced. Services are ours whose
// loadBalancerClass is the given one; with an empty class, services without one.
func ServiceOf(svc *corev1.Service, class string) (Service, Reason) {
	if svc.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return Service{}, NotLoadBalancer
	}
	if c := svc.Spec.LoadBalancerClass; c == nil && class != "" || c != nil && *c != class {
		return Service{}, OtherLoadBalancerClass
	}
	s := Service{
		Labels:        svc.Labels,
		AllocatedFrom: allocatedFrom(svc.Annotations),
		Local:         svc.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal,
	}
	seen := make(map[netip.Addr]bool, 2)
	for _, ingress := range svc.Status.LoadBalancer.Ingress {
		if ingress.IP == "" {
			continue
		}
		addr, err := netip.ParseAddr(ingress.IP)
		if err != nil || addr.Zone() != "" {
			return Service{}, InvalidIP
		}
		if addr = addr.Unmap(); !seen[addr] {
			seen[addr] = true
			s.Addresses = append(s.Addresses, addr)
		}
	}
	if len(s.Addresses) == 0 {
		return Service{}, NoIPAllocated
	}
	return s, ""
}

// RecordAnnotations returns the keys of the annotations that record which pools a service's addresses came from, the
// preferred one first.
func RecordAnnotations() []string {
	const key = v1beta1.AnnotationIPAllocatedFromPool
	return []string{key, v1beta1.DeprecatedAnnotationPrefix + strings.TrimPrefix(key, v1beta1.AnnotationPrefix)}
}

// allocatedFrom parses the record: one pool, or one for each address with commas between them.
func allocatedFrom(annotations map[string]string) []string {
	for _, key := range RecordAnnotations() {
		var pools []string
		for name := range strings.SplitSeq(annotations[key], ",") {
			if name = strings.TrimSpace(name); name != "" {
				pools = append(pools, name)
			}
		}
		if len(pools) > 0 {
			return pools
		}
	}
	return nil
}

// Endpoints are what a node sees of a service's endpoints, by family.
type Endpoints [endpoint.Families]endpoint.View

// EndpointsOf returns what the node sees of the endpoints of a service, of which these are the slices.
func EndpointsOf(slices []discoveryv1.EndpointSlice, node string) Endpoints {
	return endpoint.Views(slices, node)
}
