// SPDX-License-Identifier: Apache-2.0

package status

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/speaker/pace"
	"metallb.io/metallb/speaker/session"
)

// compare returns the change. That a session that stays down went through states that it is not in any more is none.
func compare(written, is *v1beta1.BGPSessionStateStatus) pace.Change {
	w := *written
	if !up(is) && w.State == is.State {
		w.Since = is.Since
	}
	if equality.Semantic.DeepEqual(&w, is) {
		return pace.None
	}
	if !up(&w) && !up(is) && w.State != "" && w.State != v1beta1.SessionUnknown {
		return pace.Detail
	}
	w.AdvertisedIPv4, w.AdvertisedIPv6 = is.AdvertisedIPv4, is.AdvertisedIPv6
	if equality.Semantic.DeepEqual(&w, is) {
		return pace.Counts
	}
	return pace.Transition
}

func up(s *v1beta1.BGPSessionStateStatus) bool { return s.State == v1beta1.SessionEstablished }

// statusOf returns what is told of the session.
func (r *Reporter) statusOf(s session.State) v1beta1.BGPSessionStateStatus {
	since := metav1.NewTime(s.Since.UTC().Truncate(time.Second)) // As the API has it.
	status := v1beta1.BGPSessionStateStatus{
		Node: r.options.Node, Pod: r.options.Pod, Peer: s.Peer, Address: s.Address.String(), State: v1beta1.SessionState(s.FSM), Since: &since,
		LastError: message.Bound(s.LastError),
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
