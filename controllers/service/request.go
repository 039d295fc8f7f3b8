// SPDX-License-Identifier: Apache-2.0

package service

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
)

// requestOf returns what the Service requests. The error, if the Service contradicts itself, says what to change.
func requestOf(svc *corev1.Service, namespaceLabels labels.Set) (allocator.Request, error) {
	r := allocator.Request{
		Service:         types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name},
		Version:         svc.ResourceVersion,
		Created:         svc.CreationTimestamp.Time,
		Labels:          svc.Labels,
		NamespaceLabels: namespaceLabels,
		Families:        familiesOf(svc),
		RequireAll:      policyOf(svc) == corev1.IPFamilyPolicyRequireDualStack,
		Pool:            assignment.Annotation(svc, v1beta1.AnnotationAddressPool),
		Recorded:        assignment.Of(svc),
		Sharing:         sharingOf(svc),
	}
	if len(r.Families) == 0 {
		return r, errors.New("the service has no IP family")
	}
	var err error
	if r.Addresses, err = addressesOf(svc); err != nil {
		return r, err
	}
	return r, checkFamilies(&r)
}

// deprecatedAnnotations returns the annotations of the Service that carry the deprecated prefix and have an effect.
func deprecatedAnnotations(svc *corev1.Service) []string {
	var found []string
	for _, key := range []string{v1beta1.AnnotationAddressPool, v1beta1.AnnotationAllowSharedIP, v1beta1.AnnotationLoadBalancerIPs} {
		if svc.Annotations[key] == "" && svc.Annotations[assignment.Deprecated(key)] != "" {
			found = append(found, assignment.Deprecated(key))
		}
	}
	return found
}

func policyOf(svc *corev1.Service) corev1.IPFamilyPolicy {
	if svc.Spec.IPFamilyPolicy == nil {
		return corev1.IPFamilyPolicySingleStack
	}
	return *svc.Spec.IPFamilyPolicy
}

// familiesOf returns the families that the Service wants, the primary first. The API server sets them on creation.
func familiesOf(svc *corev1.Service) []corev1.IPFamily {
	families := svc.Spec.IPFamilies
	if policyOf(svc) == corev1.IPFamilyPolicySingleStack && len(families) > 1 {
		families = families[:1]
	}
	return families
}

// sharingOf returns on what terms the Service shares addresses. With the traffic policy Local a node announces an address
// if it has endpoints of the Service, so services can share one only if they have the same endpoints.
func sharingOf(svc *corev1.Service) allocator.Sharing {
	s := allocator.Sharing{Key: assignment.Annotation(svc, v1beta1.AnnotationAllowSharedIP)}
	if svc.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal {
		s.Backend = "local:" + labels.Set(svc.Spec.Selector).String()
	}
	for _, p := range svc.Spec.Ports {
		s.Ports = append(s.Ports, allocator.Port{Protocol: p.Protocol, Number: p.Port})
	}
	slices.SortFunc(s.Ports, func(a, b allocator.Port) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Number, b.Number))
	})
	s.Ports = slices.Compact(s.Ports)
	return s
}

// addressesOf returns the addresses that the Service names, as written.
func addressesOf(svc *corev1.Service) ([]netip.Addr, error) {
	listed, field := assignment.Annotation(svc, v1beta1.AnnotationLoadBalancerIPs), "annotation "+v1beta1.AnnotationLoadBalancerIPs
	if svc.Spec.LoadBalancerIP != "" {
		if listed != "" {
			return nil, fmt.Errorf("both annotation %s and spec.loadBalancerIP are set, remove one of them", v1beta1.AnnotationLoadBalancerIPs)
		}
		listed, field = svc.Spec.LoadBalancerIP, "spec.loadBalancerIP"
	}
	if listed == "" {
		return nil, nil
	}
	var addresses []netip.Addr
	for text := range strings.SplitSeq(listed, ",") {
		address, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil || address.Zone() != "" {
			return nil, fmt.Errorf("%s: %q is not an IP address", field, strings.TrimSpace(text))
		}
		addresses = append(addresses, address.Unmap())
	}
	return addresses, nil
}

// checkFamilies checks the addresses requested against the families, and puts them in that order.
func checkFamilies(r *allocator.Request) error {
	if len(r.Addresses) == 0 {
		return nil
	}
	ordered := make([]netip.Addr, 0, len(r.Families))
	for _, f := range r.Families {
		for _, address := range r.Addresses {
			if allocator.FamilyOf(address) == f {
				ordered = append(ordered, address)
			}
		}
	}
	switch {
	case len(ordered) < len(r.Addresses):
		return fmt.Errorf("addresses %q requested, but the service is %v only", r.Addresses, r.Families)
	case len(ordered) > len(r.Families) || len(ordered) == 2 && allocator.FamilyOf(ordered[0]) == allocator.FamilyOf(ordered[1]):
		return fmt.Errorf("addresses %q requested, but a service has at most one of each family", r.Addresses)
	case r.RequireAll && len(ordered) < len(r.Families):
		return fmt.Errorf("address %q requested, but the service requires one of each family (ipFamilyPolicy RequireDualStack)", r.Addresses[0])
	}
	r.Addresses = ordered
	return nil
}
