// SPDX-License-Identifier: Apache-2.0

package status

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/message"
)

// Drain is how far a node is that drains. The zero Drain is that of a node that serves.
type Drain struct {
	// Signal is why it drains.
	Signal drain.Signal
	// Drained is whether it announces nothing any more, and every session that is up has that.
	Drained bool
	// Since is when that began.
	Since time.Time
}

// DrainMessage says in words how far a node is that drains.
func DrainMessage(d Drain) string {
	switch {
	case d.Drained:
		return "the node announces nothing and is safe to switch off: " + d.Signal.String()
	case d.Signal.Withdraws():
		return "routers are asked to prefer other nodes before the routes are withdrawn: " + d.Signal.String()
	default:
		return "routers are asked to prefer other nodes, and nothing is withdrawn: " + d.Signal.String()
	}
}

// conditions are those of a session of the node.
func (d Drain) conditions() []metav1.Condition {
	if !d.Signal.Any() {
		return nil
	}
	c := metav1.Condition{
		Type: v1beta1.ConditionDrained, Status: metav1.ConditionFalse, Reason: v1beta1.ReasonDraining, Message: message.Bound(DrainMessage(d)),
		LastTransitionTime: *timeOf(d.Since),
	}
	switch {
	case d.Drained:
		c.Status, c.Reason = metav1.ConditionTrue, v1beta1.ReasonDrained
	case !d.Signal.Withdraws():
		c.Reason = v1beta1.ReasonProxyFailing
	}
	return []metav1.Condition{c}
}

// afterEnd are the conditions of a session that ends with the speaker: a node that was on its way announces nothing now.
func afterEnd(written []metav1.Condition, since *metav1.Time) []metav1.Condition {
	kept := make([]metav1.Condition, 0, len(written))
	for _, c := range written {
		switch {
		case c.Type != v1beta1.ConditionDrained || c.Reason == v1beta1.ReasonProxyFailing:
			continue
		case c.Status != metav1.ConditionTrue:
			c.Status, c.Reason, c.LastTransitionTime = metav1.ConditionTrue, v1beta1.ReasonDrained, *since
			c.Message = "the node announces nothing and is safe to switch off: its speaker was stopped while it drained"
		}
		kept = append(kept, c)
	}
	return kept
}

// sameConditions reports whether nothing but times differ.
func sameConditions(a, b []metav1.Condition) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		one := a[i]
		one.LastTransitionTime = b[i].LastTransitionTime
		if one != b[i] {
			return false
		}
	}
	return true
}
