// SPDX-License-Identifier: Apache-2.0

package node

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/status"
	"metallb.io/metallb/test/builder"
)

func TestOnlyPeersThatSelectTheNodeAndAreNotInUseAreRefused(t *testing.T) {
	t.Parallel()
	broken := builder.MakePeer("broken", "192.0.2.3").Obj()
	broken.Spec.Address = "nonsense"
	in := policy.Input{
		Node: policy.Node{Labels: labels.Set{"rack": "1"}},
		Objects: active.Objects{Peers: []v1beta2.BGPPeer{
			*builder.MakePeer("a", "192.0.2.1").Obj(), *builder.MakePeer("other-rack", "192.0.2.2").NodesWithLabel("rack", "2").Obj(),
			*broken, *builder.MakePeer("keeps-password", "192.0.2.4").Obj(), *builder.MakePeer("warning", "192.0.2.5").Obj(),
		}},
	}
	rejections := []policy.Rejection{
		{Kind: "BGPPeer", Name: "a", Reason: "secret x/y not found"}, {Kind: "BGPPeer", Name: "other-rack", Reason: "b"},
		{Kind: "BGPPeer", Name: "broken", Reason: "c"}, {Kind: "BGPPeer", Name: "keeps-password", Reason: "d", Effect: policy.KeepsPassword},
		{Kind: "BGPPeer", Name: "warning", Reason: "d", Effect: policy.Warning},
		{Kind: "Community", Name: "a", Reason: "e"},
	}
	want := []status.Refusal{{Peer: "a", Address: "192.0.2.1", Reason: "secret x/y not found"}}
	if diff := cmp.Diff(want, refused(in, rejections)); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

// observedStates keeps what is reported to it.
type observedStates []status.Situation

func (s *observedStates) Situate(nodeState status.Situation) { *s = append(*s, nodeState) }

func TestTheStateOfTheNodeIsReportedWhenItIsKnown(t *testing.T) {
	t.Parallel()
	node := func(ready corev1.ConditionStatus) *corev1.Node {
		n := &corev1.Node{}
		n.UID = "uid"
		if ready != "" {
			n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}
		}
		return n
	}
	var reported observedStates
	s := nodeState{observer: &reported}
	s.observe(node(""))
	s.configure([]status.Refusal{{Peer: "a"}})
	s.observe(node(corev1.ConditionUnknown))
	s.configure(nil)
	s.observe(node(corev1.ConditionTrue))
	want := observedStates{
		{Node: "uid", Ready: true, Refused: []status.Refusal{{Peer: "a"}}},
		{Node: "uid", Ready: false, Refused: []status.Refusal{{Peer: "a"}}},
		{Node: "uid", Ready: false},
		{Node: "uid", Ready: true},
	}
	if diff := cmp.Diff(want, reported); diff != "" {
		t.Errorf("reported (-want +got):\n%s", diff)
	}
	(&nodeState{}).observe(node("")) // There is no observer.
}

func TestWhetherANodeIsReadyChangesNothingOfWhatItAnnounces(t *testing.T) {
	t.Parallel()
	with := func(conditions ...corev1.NodeCondition) *corev1.Node {
		n := &corev1.Node{}
		n.Status.Conditions = conditions
		return n
	}
	ready := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue}
	unavailable := corev1.NodeCondition{Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionTrue}
	if nodeChanged().Update(event.UpdateEvent{ObjectOld: with(), ObjectNew: with(ready)}) {
		t.Error("a node that is ready is taken for changed")
	}
	if !nodeChanged().Update(event.UpdateEvent{ObjectOld: with(ready), ObjectNew: with(unavailable, ready)}) {
		t.Error("a node without network is taken for unchanged")
	}
}
