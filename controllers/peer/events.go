// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// actionConnect is what events are about.
const actionConnect = "Connect"

// holdTime is how long a node lacks its session before an event says so. A speaker that is restarted, or replaced by another
// version, has its sessions back sooner, so that a rolling update of any number of nodes makes no event.
const holdTime = 10 * time.Second

// outage is what events have said of a peer.
type outage struct {
	// uid is that of the BGPPeer.
	uid types.UID
	// reported is whether an event has said that it is not ready.
	reported bool
}

// newOutage returns the outage of a peer that is seen for the first time, by its condition Ready as it was written: the
// controller that wrote it has reported it, if there was time.
func newOutage(p *v1beta2.BGPPeer, now time.Time) *outage {
	c := meta.FindStatusCondition(p.Status.Conditions, v1beta1.ConditionReady)
	return &outage{uid: p.UID, reported: c != nil && c.Status == metav1.ConditionFalse && now.Sub(c.LastTransitionTime.Time) > holdTime}
}

// observe takes note of the summary. It returns the type of the event that is to be sent now, empty if none is, and how
// long until it is to be looked at again, 0 if that depends on others.
func (o *outage) observe(s summary, now time.Time) (event string, wait time.Duration) {
	switch {
	case s.since.IsZero() && !s.invalid && o.reported:
		o.reported = false
		return corev1.EventTypeNormal, 0
	case o.reported || s.since.IsZero():
		return "", 0
	}
	if wait := s.since.Add(holdTime).Sub(now); wait > 0 {
		return "", wait
	}
	o.reported = true
	return corev1.EventTypeWarning, 0
}
