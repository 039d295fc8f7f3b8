// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
)

// record is what is known of a service that is served.
type record struct {
	name       types.NamespacedName
	uid        types.UID
	version    string
	generation int64
	// local is whether the external traffic policy is Local.
	local bool
	// holdings are the addresses that it has, each once.
	holdings  []config.Holding
	endpoints endpoints
	// classes of the addresses. One is nil of which nobody knows how it is announced.
	classes []*class
	// advertisements that cover it, by name.
	advertisements []string
	// told is the condition that the service has; nil if it has none.
	told *metav1.Condition
	// flipped is when its status or reason was last changed.
	flipped time.Time
}

// takes replaces what is known by what the service is now, unless something newer is known already.
func (r *record) takes(svc *corev1.Service, serviceClass string, now time.Time) bool {
	told := meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAnnounced)
	if r.uid == svc.UID {
		if order, err := resourceversion.CompareResourceVersion(svc.ResourceVersion, r.version); err == nil && order < 0 {
			return false
		}
		// That a service is told for the first time keeps it from nothing.
		if r.told != nil && (told == nil || told.Status != r.told.Status || told.Reason != r.told.Reason) {
			r.flipped = now
		}
	} else {
		r.flipped = time.Time{}
	}
	r.uid, r.version, r.generation = svc.UID, svc.ResourceVersion, svc.Generation
	r.local = svc.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
	r.holdings = nil
	for _, h := range assignment.HoldingsOf(svc, serviceClass) {
		if !slices.ContainsFunc(r.holdings, func(o config.Holding) bool { return o.Address == h.Address }) {
			r.holdings = append(r.holdings, h)
		}
	}
	r.told = told.DeepCopy()
	return true
}

// desired returns the condition that the service should have, but for the time; nil if none. It is not known as long as it is
// not known how an address is announced.
func (r *record) desired(s *situation) (c *metav1.Condition, known bool) {
	if len(r.holdings) == 0 {
		return nil, true
	}
	answers := make([]answer, 0, 2)
	addresses := make([]netip.Addr, 0, 2)
	for i, c := range r.classes {
		if c == nil {
			return nil, false
		}
		answers = append(answers, c.answer(s, &r.endpoints, r.local))
		addresses = append(addresses, r.holdings[i].Address)
	}
	sum := condition(addresses, answers)
	sum.ObservedGeneration = r.generation
	return &sum, true
}

// differs reports whether the condition differs from the one that is told, and flips whether in more than numbers.
func (r *record) differs(c *metav1.Condition) (differs, flips bool) {
	switch t := r.told; {
	case t == nil || c == nil:
		return t != c, t != c
	default:
		flips = t.Status != c.Status || t.Reason != c.Reason || t.ObservedGeneration != c.ObservedGeneration
		return flips || t.Message != c.Message, flips
	}
}
