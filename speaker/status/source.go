// SPDX-License-Identifier: Apache-2.0

package status

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/speaker/publisher"
	"metallb.io/metallb/speaker/session"
)

// refresh observes all sessions.
func (r *Reporter) refresh() {
	r.desired, r.byLabel = map[string]v1beta1.BGPSessionStateStatus{}, map[string]string{}
	since := timeOf(r.options.Clock.Now())
	for _, refusal := range r.refused {
		r.desired[refusal.Peer] = v1beta1.BGPSessionStateStatus{
			Node: r.options.Node, Pod: r.options.Pod, Peer: refusal.Peer, Address: refusal.Address, State: v1beta1.SessionIdle, Since: since,
			LastError: message.Bound(refusal.Reason), LastErrorTime: since, Conditions: r.drain.conditions(),
		}
	}
	for _, s := range r.options.Sessions() {
		r.desired[s.Peer] = r.statusOf(s)
	}
	for peer := range r.desired {
		r.byLabel[publisher.Label(peer)] = peer
	}
}

func (r *Reporter) desire(peer string) (status v1beta1.BGPSessionStateStatus, untried, wanted bool) {
	status, wanted = r.desired[peer]
	return status, wanted && !up(&status) && status.LastError == "", wanted
}

func (r *Reporter) read(o *v1beta1.BGPSessionState) (peer string, status v1beta1.BGPSessionStateStatus, wanted bool) {
	peer, wanted = r.byLabel[o.Labels[v1beta1.LabelPeer]]
	return peer, o.Status, wanted
}

// compare returns the change. That a session that stays down went through states that it is not in any more is none, nor is that an
// attempt failed once more in the same way: attempts follow each other every few seconds; nor that a router goes on to announce routes.
// That the node drains, or does not any more, is told of every session alike and soon: people wait for all, and must not switch off a node that serves.
func compare(written, is *v1beta1.BGPSessionStateStatus) publisher.Change {
	w := *written
	if !up(is) && w.State == is.State {
		w.Since = is.Since
	}
	if w.LastError == is.LastError {
		w.LastErrorTime = is.LastErrorTime
	}
	if w.ReceivedPrefixes > 0 && is.ReceivedPrefixes/2 < w.ReceivedPrefixes || is.ReceivedPrefixes == 0 {
		w.ReceivedPrefixes = is.ReceivedPrefixes
	}
	if !sameConditions(w.Conditions, is.Conditions) {
		return publisher.Awaited
	}
	w.Conditions = is.Conditions
	if equality.Semantic.DeepEqual(&w, is) {
		return publisher.None
	}
	if !up(&w) && !up(is) && w.State != "" && w.State != v1beta1.SessionUnknown {
		return publisher.Detail
	}
	w.AdvertisedIPv4, w.AdvertisedIPv6, w.ReceivedPrefixes = is.AdvertisedIPv4, is.AdvertisedIPv6, is.ReceivedPrefixes
	if equality.Semantic.DeepEqual(&w, is) {
		return publisher.Counts
	}
	return publisher.Transition
}

func up(s *v1beta1.BGPSessionStateStatus) bool { return s.State == v1beta1.SessionEstablished }

// timeOf is the time as the API has it.
func timeOf(t time.Time) *metav1.Time {
	return new(metav1.NewTime(t.UTC().Truncate(time.Second)))
}

// statusOf returns what is told of the session. Its last error is left out once the session carries the routes that it should, or it would be
// taken for one that lasts.
func (r *Reporter) statusOf(s session.State) v1beta1.BGPSessionStateStatus {
	status := v1beta1.BGPSessionStateStatus{
		Node: r.options.Node, Pod: r.options.Pod, Peer: s.Peer, Address: s.Address.String(), State: v1beta1.SessionState(s.FSM),
		Since: timeOf(s.Since), BFDStatus: v1beta1.BFDState(s.BFD), Conditions: r.drain.conditions(),
	}
	if s.LastError != "" && !s.CarriesAll() {
		status.LastError, status.LastErrorTime = message.Bound(s.LastError), timeOf(s.LastErrorTime)
	}
	for family, withheld := range r.withheld {
		if withheld {
			status.WithheldFamilies = append(status.WithheldFamilies, endpoint.Family(family).Kind())
		}
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
	status.PeerASN, status.ReceivedPrefixes = s.PeerASN, int64(s.Received) //nolint:gosec // Nobody sends as many.
	if s.Capabilities != "" {
		status.Capabilities = strings.Split(s.Capabilities, ",")
	}
	if s.Carried.IPv4 {
		status.Families = append(status.Families, corev1.IPv4Protocol)
	}
	if s.Carried.IPv6 {
		status.Families = append(status.Families, corev1.IPv6Protocol)
	}
	status.AdvertisedIPv4, status.AdvertisedIPv6 = int64(s.AdvertisedIPv4), int64(s.AdvertisedIPv6)
	return status
}
