// SPDX-License-Identifier: Apache-2.0

package assignment

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
)

// RequestOf returns what the Service requests. The error, if the Service contradicts itself, says what to change.
func RequestOf(svc *corev1.Service, namespaceLabels labels.Set) (allocator.Request, error) {
	r := allocator.Request{
		Service:         types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name},
		Version:         svc.ResourceVersion,
		Created:         svc.CreationTimestamp.Time,
		Labels:          svc.Labels,
		NamespaceLabels: namespaceLabels,
		Families:        familiesOf(svc),
		RequireAll:      policyOf(svc) == corev1.IPFamilyPolicyRequireDualStack,
		Pool:            Annotation(svc, v1beta1.AnnotationAddressPool),
		Recorded:        Of(svc),
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

// DeprecatedAnnotations returns the annotations of the Service that carry the deprecated prefix and have an effect.
func DeprecatedAnnotations(svc *corev1.Service) []string {
	var found []string
	for _, key := range []string{v1beta1.AnnotationAddressPool, v1beta1.AnnotationAllowSharedIP, v1beta1.AnnotationLoadBalancerIPs} {
		if written := Written(svc, key); written != key && Annotation(svc, key) != "" {
			found = append(found, written)
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
// if it has endpoints of the Service, so services can share one only if they have the same endpoints: they select the same pods in
// one namespace. Without a selector nobody knows, and the Service shares with no other.
func sharingOf(svc *corev1.Service) allocator.Sharing {
	s := allocator.Sharing{Key: Annotation(svc, v1beta1.AnnotationAllowSharedIP)}
	if svc.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal {
		s.Local, s.Endpoints = true, svc.Namespace+"/"+cmp.Or(labels.Set(svc.Spec.Selector).String(), svc.Name)
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

// addressesOf returns the addresses that the Service names, as written, each once.
func addressesOf(svc *corev1.Service) ([]netip.Addr, error) {
	const key = v1beta1.AnnotationLoadBalancerIPs
	listed, field := Annotation(svc, key), "annotation "+Written(svc, key)
	if inSpec := strings.TrimSpace(svc.Spec.LoadBalancerIP); !isBlank(inSpec) {
		if listed != "" {
			return nil, fmt.Errorf("both %s and spec.loadBalancerIP are set, remove one of them", field)
		}
		listed, field = inSpec, "spec.loadBalancerIP"
	}
	var addresses []netip.Addr
	for text := range strings.SplitSeq(listed, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue // A template had nothing to put there.
		}
		address, err := netip.ParseAddr(text)
		if err != nil || address.Zone() != "" {
			return nil, fmt.Errorf("%s: %s", field, notAnAddress(text, listed))
		}
		if address = address.Unmap(); !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	return addresses, nil
}

// isBlank reports whether a list with commas between has nothing in it.
func isBlank(list string) bool {
	return strings.TrimFunc(list, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) == ""
}

// notAnAddress says what is wrong with a text that is no address, and where it is if it is not all that is written.
func notAnAddress(text, listed string) string {
	where := ""
	if text != listed {
		where = fmt.Sprintf(" (in %q)", listed)
	}
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return fmt.Sprintf("%q%s is not an IP address; write %q, without a prefix length", text, where, prefix.Addr())
	}
	return fmt.Sprintf("%q%s is not an IP address", text, where)
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
		return fmt.Errorf("%s requested, but the service is %s only", named(r.Addresses), r.Families[0])
	case len(ordered) > len(r.Families) || len(ordered) == 2 && allocator.FamilyOf(ordered[0]) == allocator.FamilyOf(ordered[1]):
		return fmt.Errorf("%s requested, but a service has at most one of each family", named(r.Addresses))
	case r.RequireAll && len(ordered) < len(r.Families):
		return fmt.Errorf("%s requested, but the service requires one of each family (ipFamilyPolicy RequireDualStack)", named(r.Addresses))
	}
	r.Addresses = ordered
	return nil
}

// named returns one address as address "a", several as addresses "a", "b".
func named(addresses []netip.Addr) string {
	quoted := make([]string, 0, len(addresses))
	for _, address := range addresses {
		quoted = append(quoted, strconv.Quote(address.String()))
	}
	if len(quoted) == 1 {
		return "address " + quoted[0]
	}
	return "addresses " + strings.Join(quoted, ", ")
}
