// SPDX-License-Identifier: Apache-2.0

package status

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/notice"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/session"
)

// How often a session is written; see the package's documentation.
const (
	// spreadTime is within which the first write comes after a time without, at random.
	spreadTime = 2 * time.Second
	// interval is between the writes of one session, give or take the fraction deviation.
	interval  = 10 * time.Second
	deviation = 0.2
	// maxDoublings bounds the interval between writes that tell only how a session that stays down fails.
	maxDoublings = 5
	// countSpreadTime and countInterval are the same as spreadTime and interval if only numbers of prefixes have changed.
	countSpreadTime = 10 * time.Second
	countInterval   = 30 * time.Second
	// firstTryTime is how long a session that has not failed yet has to come up before it is told of.
	firstTryTime = 3 * time.Second
	// retryTime is before a write that failed is made again. It doubles up to maxRetryTime.
	retryTime    = time.Second
	maxRetryTime = 30 * time.Second
)

// change is how what is differs from what is written.
type change int

const (
	none change = iota
	// counts of prefixes.
	counts
	// detail of a session that stays down.
	detail
	// transition of a session that comes up or goes down, or has been down meanwhile.
	transition
)

// compare returns the change. That a session that stays down went through states that it is not in any more is none.
func compare(written, is *v1beta1.BGPSessionStateStatus) change {
	w := *written
	if !up(is) && w.State == is.State {
		w.Since = is.Since
	}
	if equality.Semantic.DeepEqual(&w, is) {
		return none
	}
	if !up(&w) && !up(is) && w.State != "" && w.State != v1beta1.SessionUnknown {
		return detail
	}
	w.AdvertisedIPv4, w.AdvertisedIPv6 = is.AdvertisedIPv4, is.AdvertisedIPv6
	if equality.Semantic.DeepEqual(&w, is) {
		return counts
	}
	return transition
}

func up(s *v1beta1.BGPSessionStateStatus) bool { return s.State == v1beta1.SessionEstablished }

// pace says when a session is to be written. The zero pace is of one that has not been written.
type pace struct {
	// due is when, zero if it needs not be, for which change, and whether that of a session untried.
	due     time.Time
	change  change
	untried bool
	// last is when it was written last, and stretch by how much intervals after that deviate.
	last    time.Time
	stretch float64
	// doublings of the interval between details.
	doublings int
	// failures in a row.
	failures int
}

// changed takes note of what differs now. untried is whether the session has not been up yet, and has not failed.
// Random is from 0 to 1.
func (p *pace) changed(now time.Time, c change, untried bool, random func() float64) {
	if c == none {
		p.due, p.failures = time.Time{}, 0
		return
	}
	if p.failures > 0 {
		return
	}
	// The moment is not drawn again each time that the same is seen, or it would come sooner the more often one looks.
	if !p.due.IsZero() && c <= p.change && (untried || !p.untried) {
		return
	}
	due := p.dueFor(now, c, untried, random)
	if p.due.IsZero() || due.Before(p.due) {
		p.due = due
	}
	p.change, p.untried = c, untried
}

func (p *pace) dueFor(now time.Time, c change, untried bool, random func() float64) time.Time {
	spread, wait := spreadTime, interval
	switch c {
	case counts:
		spread, wait = countSpreadTime, countInterval
	case detail:
		wait <<= p.doublings
	case none, transition:
	}
	due := now
	if untried {
		due = now.Add(firstTryTime)
	}
	due = due.Add(scaled(spread, random()))
	if earliest := p.last.Add(scaled(wait, p.stretch)); !p.last.IsZero() && earliest.After(due) {
		due = earliest
	}
	return due
}

// wrote takes note of a write.
func (p *pace) wrote(now time.Time, c change, random func() float64) {
	switch c {
	case detail:
		p.doublings = min(p.doublings+1, maxDoublings)
	case transition:
		p.doublings = 0
	case none, counts:
	}
	p.due, p.last, p.failures = time.Time{}, now, 0
	p.stretch = 1 + deviation*(2*random()-1)
}

// failed takes note of a write that failed.
func (p *pace) failed(now time.Time, random func() float64) {
	p.due = now.Add(backoff(p.failures, random))
	p.failures++
}

// backoff returns how long to wait after so many failures before the last.
func backoff(failures int, random func() float64) time.Duration {
	return scaled(min(retryTime<<min(failures, 10), maxRetryTime), 0.5+random()/2)
}

func scaled(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

// statusOf returns what is told of the session.
func statusOf(node string, s session.State) v1beta1.BGPSessionStateStatus {
	since := metav1.NewTime(s.Since.UTC().Truncate(time.Second)) // As the API has it.
	status := v1beta1.BGPSessionStateStatus{
		Node: node, Peer: s.Peer, Address: s.Address.String(), State: v1beta1.SessionState(s.FSM), Since: &since,
		LastError: notice.Bound(s.LastError),
	}
	if s.RouterID.IsValid() {
		status.LocalRouterID = s.RouterID.String()
	}
	if !s.Up() {
		return status
	}
	status.HoldTime = &metav1.Duration{Duration: s.HoldTime}
	if s.PeerRouterID.IsValid() {
		status.PeerRouterID = s.PeerRouterID.String()
	}
	if s.IPv4 {
		status.Families = append(status.Families, corev1.IPv4Protocol)
	}
	if s.IPv6 {
		status.Families = append(status.Families, corev1.IPv6Protocol)
	}
	// The session has the family of the peer's address, and no other.
	if s.Address.Unmap().Is4() {
		status.AdvertisedIPv4 = int64(s.Advertised)
	} else {
		status.AdvertisedIPv6 = int64(s.Advertised)
	}
	return status
}
