// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"net/netip"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"metallb.io/metallb/controllers/assignment"
)

// service is what is known of a service that is served.
type service struct {
	*assignment.Record

	endpoints endpoints
	// groups of the addresses.
	groups []*group
	// advertisements that cover it, by name.
	advertisements []string
	// flipped is when status or reason of its condition was last changed.
	flipped time.Time
}

// takes replaces what is known by what the service is now, unless something newer is known already.
func (s *service) takes(is *assignment.Record, now time.Time) bool {
	if s.Record == nil || s.UID != is.UID {
		s.Record, s.flipped = is, time.Time{}
		return true
	}
	if order, err := resourceversion.CompareResourceVersion(is.ResourceVersion, s.ResourceVersion); err == nil && order < 0 {
		return false
	}
	// That a service has the condition for the first time keeps it from nothing.
	if was, c := s.Announced, is.Announced; was != nil && (c == nil || c.Status != was.Status || c.Reason != was.Reason) {
		s.flipped = now
	}
	s.Record = is
	return true
}

// desired returns the condition that the service should have, but for the time; nil if none.
func (s *service) desired(n *nodeState) *metav1.Condition {
	if len(s.Holdings) == 0 {
		return nil
	}
	answers := make([]*worded, 0, 2)
	addresses := make([]netip.Addr, 0, 2)
	for i, g := range s.groups {
		answers = append(answers, g.answer(n, &s.endpoints, s.Local))
		addresses = append(addresses, s.Holdings[i].Address)
	}
	sum := condition(addresses, answers)
	sum.ObservedGeneration = s.Generation
	return &sum
}

// differs reports whether the condition differs from the one that the service has, and flips whether in status or reason.
//
// A generation of its own is no flip: it says that another spec has the same condition. It is written all the same, since `kubectl wait`
// does not believe a condition that observed an earlier generation; but slowly, with what else changes meanwhile.
func (s *service) differs(c *metav1.Condition) (differs, flips bool) {
	is := s.Announced
	if is == nil || c == nil {
		return is != c, is != c
	}
	flips = is.Status != c.Status || is.Reason != c.Reason
	return flips || is.Message != c.Message || is.ObservedGeneration != c.ObservedGeneration, flips
}

// delay returns how long the condition must differ before it is written: what is lost, or not there yet, may be back or come soon.
func (s *service) delay(c *metav1.Condition) time.Duration {
	was := s.Announced
	if c != nil && c.Status == metav1.ConditionFalse && (was == nil || was.Status == metav1.ConditionTrue) {
		return lossTime
	}
	return settleTime
}
