// SPDX-License-Identifier: Apache-2.0

package service

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/safety"
)

// IsServed reports whether the Service is of type LoadBalancer and of the class, which is as the Reconciler's.
func IsServed(svc *corev1.Service, class string) bool { return isOfClass(svc, class) }

// HoldingsOf returns the addresses that the Service holds; none if it is not of type LoadBalancer and of the class, which is
// as the Reconciler's. They share the Service's labels.
func HoldingsOf(svc *corev1.Service, class string) []safety.Holding {
	if !isOfClass(svc, class) {
		return nil
	}
	var recorded []string
	if pools := annotation(svc, v1beta1.AnnotationIPAllocatedFromPool); pools != "" {
		recorded = strings.Split(pools, ",")
	}
	assignments := assignmentsOf(svc)
	found := make([]safety.Holding, 0, len(assignments))
	for _, as := range assignments {
		found = append(found, safety.Holding{
			Service:       client.ObjectKeyFromObject(svc),
			Labels:        svc.Labels,
			Address:       as.Address,
			Recorded:      recorded,
			RequestedPool: annotation(svc, v1beta1.AnnotationAddressPool),
		})
	}
	return found
}
