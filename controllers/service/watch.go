// SPDX-License-Identifier: Apache-2.0

package service

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlevent "sigs.k8s.io/controller-runtime/pkg/event"

	"metallb.io/metallb/api/v1beta1"
)

// matters reports whether the new version of a Service is to be looked at. This reconciler's own write is not, since it was decided from the
// version before, nor is one that differs in nothing that is read here.
func (r *Reconciler) matters(e ctrlevent.UpdateEvent) bool {
	was, wasService := e.ObjectOld.(*corev1.Service)
	is, isService := e.ObjectNew.(*corev1.Service)
	return !wasService || !isService || !r.ownWrites.have(is) && !equality.Semantic.DeepEqual(essence(was), essence(is))
}

// essence returns the Service without its version and what others say of it in conditions.
func essence(svc *corev1.Service) *corev1.Service {
	e := *svc
	e.ResourceVersion = ""
	e.Status.Conditions = slices.DeleteFunc(slices.Clone(e.Status.Conditions), func(c metav1.Condition) bool {
		return c.Type != v1beta1.ConditionAllocated
	})
	return &e
}
