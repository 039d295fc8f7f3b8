// SPDX-License-Identifier: Apache-2.0

package assignment

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
)

// Record is what one version of a Service says. It is shared, and never changes.
type Record struct {
	Name            types.NamespacedName
	UID             types.UID
	ResourceVersion string
	Generation      int64
	// Local is whether the external traffic policy is Local.
	Local bool
	// Holdings are the addresses that the service holds, each once, in the order of its status.
	Holdings []config.Holding
	// Allocated and Announced are the conditions of these types; nil if the service has none.
	Allocated, Announced *metav1.Condition
}

// RecordOf returns what the Service says; nil if it is not of type LoadBalancer and of the class. The Record shares the
// Service's labels.
func RecordOf(svc *corev1.Service, class string) *Record {
	if !Served(svc, class) {
		return nil
	}
	r := &Record{
		Name: client.ObjectKeyFromObject(svc), UID: svc.UID, ResourceVersion: svc.ResourceVersion, Generation: svc.Generation,
		Local:     svc.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal,
		Allocated: meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAllocated).DeepCopy(),
		Announced: meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAnnounced).DeepCopy(),
	}
	for _, h := range HoldingsOf(svc, class) {
		if !slices.ContainsFunc(r.Holdings, func(o config.Holding) bool { return o.Address == h.Address }) {
			r.Holdings = append(r.Holdings, h)
		}
	}
	return r
}

// holdings returns what the service holds; nothing of one that is not there.
func (r *Record) holdings() []config.Holding {
	if r == nil {
		return nil
	}
	return r.Holdings
}

func same(a, b config.Holding) bool {
	return a.Service == b.Service && a.Address == b.Address && a.RequestedPool == b.RequestedPool &&
		slices.Equal(a.Recorded, b.Recorded) && maps.Equal(a.Labels, b.Labels)
}
