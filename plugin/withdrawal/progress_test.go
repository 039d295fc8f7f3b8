// SPDX-License-Identifier: Apache-2.0

package withdrawal_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/plugin/withdrawal"
)

// session is one of a node, with the reason of its condition Drained; none without a reason.
func session(node, peer, reason string) v1beta1.BGPSessionState {
	s := v1beta1.BGPSessionState{}
	s.Status.Node, s.Status.Peer, s.Status.State = node, peer, v1beta1.SessionEstablished
	if reason != "" {
		c := metav1.Condition{Type: v1beta1.ConditionDrained, Status: metav1.ConditionFalse, Reason: reason}
		if reason == v1beta1.ReasonDrained {
			c.Status = metav1.ConditionTrue
		}
		s.Status.Conditions = []metav1.Condition{c}
	}
	return s
}

func TestTheProgressOfADrainIsTold(t *testing.T) {
	t.Parallel()
	down := session("a", "p", "")
	down.Status.State = v1beta1.SessionUnknown
	tests := map[string]struct {
		sessions       []v1beta1.BGPSessionState
		withoutSpeaker bool
		want           string
		wantOver       bool
		wantLacks      string
	}{
		"no speaker": {withoutSpeaker: true, want: "no speaker runs on it: it announces nothing", wantOver: true},
		"sessions of another node only": {
			sessions: []v1beta1.BGPSessionState{session("b", "p", v1beta1.ReasonDraining)}, wantOver: true,
			want: "no BGPPeer selects it: it has no sessions, announces nothing, and is safe to switch off",
		},
		"a speaker that has not seen the signal": {
			sessions: []v1beta1.BGPSessionState{session("a", "p", "")}, want: "waiting for its speaker",
			wantLacks: "session with p: its speaker does not say that the node drains",
		},
		"a speaker that is down": {
			sessions: []v1beta1.BGPSessionState{down}, want: "waiting for its speaker", wantLacks: "session with p: its speaker or the node is down",
		},
		"a proxy that fails": {
			sessions: []v1beta1.BGPSessionState{session("a", "p", v1beta1.ReasonProxyFailing)}, want: "waiting for its speaker",
			wantLacks: "session with p: its speaker says only that the service proxy fails",
		},
		"draining": {
			sessions:  []v1beta1.BGPSessionState{session("a", "q", v1beta1.ReasonDraining), session("a", "p", v1beta1.ReasonDraining)},
			want:      "draining: routers are asked to prefer other nodes before the routes are withdrawn",
			wantLacks: "session with p: the routes are not withdrawn yet; session with q: the routes are not withdrawn yet",
		},
		"one of two": {
			sessions: []v1beta1.BGPSessionState{session("a", "p", v1beta1.ReasonDrained), session("a", "q", v1beta1.ReasonDraining)},
			want:     "withdrawing: 1 of 2 sessions have withdrawn their routes", wantLacks: "session with q: the routes are not withdrawn yet",
		},
		"drained": {
			sessions: []v1beta1.BGPSessionState{session("a", "p", v1beta1.ReasonDrained), session("b", "p", "")}, wantOver: true,
			want: "drained: it announces nothing on any of its 1 sessions, and is safe to switch off",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := withdrawal.ProgressOf("a", tc.sessions, !tc.withoutSpeaker)
			if got := p.String(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if got := p.Phase.Over(); got != tc.wantOver {
				t.Errorf("over: %v", got)
			}
			if got := p.Lacks(); got != tc.wantLacks {
				t.Errorf("lacks %q, want %q", got, tc.wantLacks)
			}
		})
	}
}

func TestAllSignalsOfANodeAreFound(t *testing.T) {
	t.Parallel()
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: "a", Labels: map[string]string{v1beta1.LabelDrain: "x", corev1.LabelNodeExcludeBalancers: ""}, DeletionTimestamp: &metav1.Time{},
	}}
	n.Spec.Taints = []corev1.Taint{{Key: "other"}, {Key: corev1.TaintNodeOutOfService}}
	n.Spec.Unschedulable = true
	signals := withdrawal.Signals(drain.Rules{Taints: drain.DefaultTaints(), Unschedulable: true}, n)
	got := make([]string, 0, len(signals))
	for _, s := range signals {
		got = append(got, s.String()+": "+withdrawal.Remedy(s, "a"))
	}
	want := []string{
		"the node is labeled metallb.io/drain: kubectl label node a metallb.io/drain-",
		"the node is labeled node.kubernetes.io/exclude-from-external-load-balancers: kubectl label node a node.kubernetes.io/exclude-from-external-load-balancers-",
		"the node has the taint node.kubernetes.io/out-of-service: kubectl taint node a node.kubernetes.io/out-of-service-",
		"the Node object is being deleted: ",
		"the node is cordoned: kubectl uncordon a",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
