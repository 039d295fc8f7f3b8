// SPDX-License-Identifier: Apache-2.0

package service

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	update "sigs.k8s.io/controller-runtime/pkg/event"

	"metallb.io/metallb/api/v1beta1"
)

// matters reports whether the update is to be looked at. One is not that only tells how the Service is announced, or what Strip
// removes, unless a newer version is waited for: each Service has such an update.
func (r *Reconciler) matters(e update.UpdateEvent) bool {
	before, okBefore := e.ObjectOld.(*corev1.Service)
	after, okAfter := e.ObjectNew.(*corev1.Service)
	if !okBefore || !okAfter || before.ResourceVersion == after.ResourceVersion {
		return true
	}
	_, awaited := r.awaited.Load(client.ObjectKeyFromObject(after))
	return awaited || !equality.Semantic.DeepEqual(considered(before), considered(after))
}

// considered returns what of a Service this package reads.
func considered(svc *corev1.Service) *corev1.Service {
	c := *svc
	c.ResourceVersion = ""
	c.Status.Conditions = nil
	for _, condition := range svc.Status.Conditions {
		if condition.Type != v1beta1.ConditionAnnounced {
			c.Status.Conditions = append(c.Status.Conditions, condition)
		}
	}
	return &c
}
