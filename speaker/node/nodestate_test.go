// SPDX-License-Identifier: Apache-2.0

package node

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/status"
)

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
	s.configure(&policy.Policy{Refused: []policy.Refused{{Peer: "a"}}, ProxyPending: endpoint.FamilySet{endpoint.IPv6: true}})
	s.observe(node(corev1.ConditionUnknown))
	s.configure(&policy.Policy{})
	s.observe(node(corev1.ConditionTrue))
	drained := status.Drain{Signal: drain.Signal{Kind: drain.Deletion}, Drained: true}
	s.configure(&policy.Policy{Drain: policy.Drain{Drained: true}})
	s.drain(drained)
	want := observedStates{
		{Node: "uid", Ready: true, Refused: []status.Refusal{{Peer: "a"}}, Withheld: endpoint.FamilySet{endpoint.IPv6: true}},
		{Node: "uid", Ready: false, Refused: []status.Refusal{{Peer: "a"}}, Withheld: endpoint.FamilySet{endpoint.IPv6: true}},
		{Node: "uid", Ready: false},
		{Node: "uid", Ready: true},
		{Node: "uid", Ready: true, Withheld: endpoint.FamilySet{true, true}},
		{Node: "uid", Ready: true, Withheld: endpoint.FamilySet{true, true}, Drain: drained},
	}
	if diff := cmp.Diff(want, reported, cmpopts.EquateEmpty()); diff != "" {
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

func TestOnlyWhatADrainGoesByIsAChangeOfTheNode(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*corev1.Node)
		want   bool
	}{
		"a label":             {func(n *corev1.Node) { n.Labels = map[string]string{"metallb.io/drain": ""} }, true},
		"a taint that counts": {func(n *corev1.Node) { n.Spec.Taints = []corev1.Taint{{Key: corev1.TaintNodeOutOfService}} }, true},
		"another taint":       {func(n *corev1.Node) { n.Spec.Taints = []corev1.Taint{{Key: corev1.TaintNodeUnreachable}} }, false},
		"that it is cordoned": {func(n *corev1.Node) { n.Spec.Unschedulable = true }, false},
		"its pod addresses":   {func(n *corev1.Node) { n.Spec.PodCIDR = "10.244.0.0/24" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := &corev1.Node{}, &corev1.Node{}
			tc.change(after)
			for _, n := range []*corev1.Node{before, after} {
				stripNode(n, drain.Rules{Taints: drain.DefaultTaints()})
			}
			if got := nodeChanged().Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after}); got != tc.want {
				t.Errorf("changed: %t", got)
			}
		})
	}
}
