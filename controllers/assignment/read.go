// SPDX-License-Identifier: Apache-2.0

package assignment

import (
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/config"
)

// Served reports whether the Service is of type LoadBalancer and of the class.
func Served(svc *corev1.Service, class string) bool {
	if svc.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return false
	}
	if svc.Spec.LoadBalancerClass == nil {
		return class == ""
	}
	return class != "" && *svc.Spec.LoadBalancerClass == class
}

// Annotation returns the value of an annotation, which may also be written with the deprecated prefix.
func Annotation(svc *corev1.Service, key string) string {
	return valueOf(key, svc.Annotations[Written(svc, key)])
}

// Written returns the annotation of the two that counts: the one with the deprecated prefix if the other says nothing.
func Written(svc *corev1.Service, key string) string {
	if valueOf(key, svc.Annotations[key]) == "" {
		return Deprecated(key)
	}
	return key
}

// valueOf returns what is written for the key; empty if that says nothing, as a list of nothing but commas does.
func valueOf(key, written string) string {
	if key == v1beta1.AnnotationLoadBalancerIPs && isBlank(written) {
		return ""
	}
	return strings.TrimSpace(written)
}

// Deprecated returns the annotation under the prefix of the first releases.
func Deprecated(key string) string {
	return v1beta1.DeprecatedAnnotationPrefix + strings.TrimPrefix(key, v1beta1.AnnotationPrefix)
}

// IngressTexts returns the entries of the status; an entry without an address is an empty text.
func IngressTexts(svc *corev1.Service) []string {
	found := make([]string, 0, len(svc.Status.LoadBalancer.Ingress))
	for _, ingress := range svc.Status.LoadBalancer.Ingress {
		found = append(found, ingress.IP)
	}
	return found
}

// Of reads back what setIngress and setPools wrote. Entries that are not addresses are left out.
func Of(svc *corev1.Service) []allocator.Assignment {
	recorded := Annotation(svc, v1beta1.AnnotationIPAllocatedFromPool)
	pools := strings.Split(recorded, ",")
	var assignments []allocator.Assignment
	for i, text := range IngressTexts(svc) {
		address, err := netip.ParseAddr(text)
		if err != nil {
			continue
		}
		assignments = append(assignments, allocator.Assignment{
			Address: address.Unmap(), Pool: pools[min(i, len(pools)-1)],
		})
	}
	return assignments
}

// HoldingsOf returns the addresses that the Service holds; none if it is not of type LoadBalancer and of the class, which is
// as the Reconciler's. They share the Service's labels.
func HoldingsOf(svc *corev1.Service, class string) []config.Holding {
	if !Served(svc, class) {
		return nil
	}
	var recorded []string
	if pools := Annotation(svc, v1beta1.AnnotationIPAllocatedFromPool); pools != "" {
		recorded = strings.Split(pools, ",")
	}
	assignments := Of(svc)
	found := make([]config.Holding, 0, len(assignments))
	for _, as := range assignments {
		found = append(found, config.Holding{
			Service:       client.ObjectKeyFromObject(svc),
			Labels:        svc.Labels,
			Address:       as.Address,
			Recorded:      recorded,
			RequestedPool: Annotation(svc, v1beta1.AnnotationAddressPool),
		})
	}
	return found
}
