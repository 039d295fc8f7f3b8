// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/test/builder"
)

// nodeOf returns a node that is ready, unless it is said to be asleep.
func nodeOf(name, rack string, asleep bool) *corev1.Node {
	n := &corev1.Node{}
	n.Name, n.Labels = name, map[string]string{"rack": rack}
	if asleep {
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionUnknown}}
	}
	return n
}

// nodes have the label rack=1, but for the last one.
func nodes(names ...string) []*corev1.Node {
	list := make([]*corev1.Node, 0, len(names))
	for i, name := range names {
		rack := "1"
		if i == len(names)-1 && i > 0 {
			rack = "2"
		}
		list = append(list, nodeOf(name, rack, false))
	}
	return list
}

func state(node string, s v1beta1.SessionState, lastError string) v1beta1.BGPSessionStateStatus {
	return v1beta1.BGPSessionStateStatus{Node: node, Peer: "router", State: s, LastError: lastError}
}

// summarize returns what an index says that is told of all this in the order of its arguments.
func summarize(p *v1beta2.BGPPeer, nodes []*corev1.Node, states []v1beta1.BGPSessionStateStatus) summary {
	x := newIndex(clocktesting.NewFakePassiveClock(time.Unix(0, 0)))
	x.setPeer(p)
	for _, n := range nodes {
		x.setNode(n)
	}
	for i := range states {
		x.setSession(states[i].Node+"-router", &states[i])
	}
	s, _ := x.summary("router")
	return s
}

func TestSummary(t *testing.T) {
	t.Parallel()
	broken := builder.MakePeer("router", "192.0.2.1").Obj()
	broken.Spec.Address = "nonsense"
	const lots = 5000
	many, manyStates := make([]*corev1.Node, 0, lots), make([]v1beta1.BGPSessionStateStatus, 0, lots)
	for i := range lots {
		name := fmt.Sprintf("node-%04d", i)
		many, manyStates = append(many, nodeOf(name, "1", false)), append(manyStates, state(name, "Active", "connection refused"))
	}
	asleep := nodes("node-1", "node-2")
	asleep[1] = nodeOf("node-2", "2", true)
	for name, tt := range map[string]struct {
		peer                  *v1beta2.BGPPeer
		nodes                 []*corev1.Node
		states                []v1beta1.BGPSessionStateStatus
		sessions, ready, last string
	}{
		"all sessions are established": {
			nodes:    nodes("node-1", "node-2"),
			states:   []v1beta1.BGPSessionStateStatus{state("node-1", "Established", "connection lost"), state("node-2", "Established", "")},
			sessions: "2/2", ready: "True SessionsEstablished: all sessions are established",
		},
		"some are not, for several reasons": {
			nodes: nodes("node-5", "node-4", "node-3", "node-2", "node-1"),
			states: []v1beta1.BGPSessionStateStatus{
				state("node-1", "Established", ""), state("node-2", "Active", "connection refused"), state("node-3", "Idle", "peer ASN is not 64512"),
				state("node-4", "Connect", ""),
			},
			sessions: "1/5",
			ready:    "False SessionsNotEstablished: node-2: connection refused; node-3: peer ASN is not 64512; node-4: session is Connect; and 1 more",
			last:     "node-2: connection refused",
		},
		"a speaker says nothing": {
			nodes: nodes("node-1"), sessions: "0/1",
			ready: "False SessionsNotEstablished: node-1: no report from its speaker", last: "node-1: no report from its speaker",
		},
		"a node that is not ready is not believed": {
			nodes:    asleep,
			states:   []v1beta1.BGPSessionStateStatus{state("node-1", "Established", ""), state("node-2", "Established", "")},
			sessions: "1/2", ready: "False SessionsNotEstablished: node-2: node is not ready", last: "node-2: node is not ready",
		},
		"states of nodes that are gone do not count": {
			nodes:    nodes("node-1"),
			states:   []v1beta1.BGPSessionStateStatus{state("node-1", "Established", ""), state("node-2", "Established", "")},
			sessions: "1/1", ready: "True SessionsEstablished: all sessions are established",
		},
		"nodes that are not selected do not count": {
			peer:  builder.MakePeer("router", "192.0.2.1").NodesWithLabel("rack", "2").Obj(),
			nodes: nodes("node-1", "node-2"), states: []v1beta1.BGPSessionStateStatus{state("node-2", "Established", "")},
			sessions: "1/1", ready: "True SessionsEstablished: all sessions are established",
		},
		"no node is selected": {
			peer:  builder.MakePeer("router", "192.0.2.1").NodesWithLabel("rack", "9").Obj(),
			nodes: nodes("node-1"), sessions: "0/0", ready: "False NoNodes: no node matches nodeSelectors", last: "no node matches nodeSelectors",
		},
		"there are no nodes": {sessions: "0/0", ready: "False NoNodes: there are no nodes", last: "there are no nodes"},
		"a peer that is not valid": {
			peer: broken, nodes: nodes("node-1", "node-2"), states: []v1beta1.BGPSessionStateStatus{state("node-1", "Established", "")},
			sessions: "1/1", ready: "False InvalidConfig: not in use as written, see the condition Valid",
		},
		"many nodes": {
			nodes: many, states: manyStates, sessions: "0/5000", last: "node-0000: connection refused",
			ready: "False SessionsNotEstablished: node-0000: connection refused; node-0001: connection refused; node-0002: connection refused; and 4997 more",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.peer == nil {
				tt.peer = builder.MakePeer("router", "192.0.2.1").Obj()
			}
			tt.peer.Generation = 7
			s := summarize(tt.peer, tt.nodes, tt.states)
			c := s.condition()
			var status v1beta2.BGPPeerStatus
			s.put(&status)
			got := []string{status.Sessions, fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message), status.LastError}
			if diff := cmp.Diff([]string{tt.sessions, tt.ready, tt.last}, got); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if both := fmt.Sprintf("%d/%d", status.EstablishedSessions, status.DesiredSessions); both != status.Sessions || c.ObservedGeneration != 7 {
				t.Errorf("numbers are %s, sessions %s, generation %d", both, status.Sessions, c.ObservedGeneration)
			}
		})
	}
}

func TestALongErrorIsBounded(t *testing.T) {
	t.Parallel()
	s := summarize(builder.MakePeer("router", "192.0.2.1").Obj(), nodes("node-1"),
		[]v1beta1.BGPSessionStateStatus{state("node-1", "Idle", strings.Repeat("x", 5000))})
	var status v1beta2.BGPPeerStatus
	s.put(&status)
	if c := s.condition(); len(c.Message) > 1024 || len(status.LastError) > 1024 {
		t.Errorf("message of %d bytes, last error of %d", len(c.Message), len(status.LastError))
	}
}

func TestANodeIsReadyUnlessSomebodySaysOtherwise(t *testing.T) {
	t.Parallel()
	for status, want := range map[corev1.ConditionStatus]bool{"": true, "True": true, "False": false, "Unknown": false} {
		n := &corev1.Node{}
		if status != "" {
			n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeDiskPressure, Status: "False"}, {Type: corev1.NodeReady, Status: status}}
		}
		if got := ready(n); got != want {
			t.Errorf("a node with Ready=%q is ready: %v", status, got)
		}
	}
}

func TestTheMoreSessionsAPeerHasTheMoreSeldomItIsWritten(t *testing.T) {
	t.Parallel()
	for sessions, want := range map[int]time.Duration{0: time.Second, 3: time.Second, 5000: 10 * time.Second} {
		clock := clocktesting.NewFakePassiveClock(time.Unix(0, 0))
		r, router := &Reconciler{Clock: clock}, types.NamespacedName{Name: "router"}
		if early := r.tooEarly(router, sessions); early != 0 {
			t.Errorf("the first write waits %s", early)
		}
		if early := r.tooEarly(router, sessions); early != want {
			t.Errorf("of %d sessions the second write waits %s, want %s", sessions, early, want)
		}
		clock.SetTime(time.Unix(0, 0).Add(want))
		if early := r.tooEarly(router, sessions); early != 0 {
			t.Errorf("of %d sessions the second write waits %s more after %s", sessions, early, want)
		}
		r.pace.Forget(router)
		if early := r.tooEarly(router, sessions); early != 0 {
			t.Errorf("a write that failed waits %s", early)
		}
	}
}
