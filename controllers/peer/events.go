// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// actionConnect is what events are about.
const actionConnect = "Connect"

// holdTime is how long a node lacks its session before an event says so. A speaker that is restarted, or replaced by another
// version, has its sessions back sooner, so that a rolling update of any number of nodes makes no event.
const holdTime = 10 * time.Second

// outage is what is remembered of a peer between two looks at it.
type outage struct {
	// since is when each node was first seen without its session; "" stands for a peer that no node is to have a session with.
	since map[string]time.Time
	// told is whether an event has said so.
	told bool
}

// newOutage returns the outage of a peer that is seen for the first time, by its condition Ready as it was written: the
// controller that wrote it has told of it, if there was time.
func newOutage(p *v1beta2.BGPPeer, now time.Time) *outage {
	c := meta.FindStatusCondition(p.Status.Conditions, v1beta1.ConditionReady)
	told := c != nil && c.Status == metav1.ConditionFalse && now.Sub(c.LastTransitionTime.Time) > holdTime
	return &outage{since: map[string]time.Time{}, told: told}
}

// observe takes note of the summary. It returns the type of the event that is to be sent now, empty if none is, and how
// long until it is to be looked at again, 0 if that depends on others.
func (o *outage) observe(s summary, now time.Time) (event string, wait time.Duration) {
	since := map[string]time.Time{}
	for _, node := range s.without() {
		if at, known := o.since[node]; known {
			since[node] = at
		} else {
			since[node] = now
		}
	}
	o.since = since
	switch {
	case len(since) == 0 && !s.invalid && o.told:
		o.told = false
		return corev1.EventTypeNormal, 0
	case o.told || len(since) == 0:
		return "", 0
	}
	first := now
	for _, at := range since {
		if at.Before(first) {
			first = at
		}
	}
	if wait := first.Add(holdTime).Sub(now); wait > 0 {
		return "", wait
	}
	o.told = true
	return corev1.EventTypeWarning, 0
}

// without returns the nodes that lack their session; "" if there should be one and no node is to have it.
func (s summary) without() []string {
	if s.desired == 0 && !s.invalid {
		return []string{""}
	}
	nodes := make([]string, 0, len(s.faults))
	for _, f := range s.faults {
		nodes = append(nodes, f.node)
	}
	return nodes
}
