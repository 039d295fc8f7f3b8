// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/test/builder"
)

// known is what an index was told, for it to be added up anew.
type known struct {
	nodes    map[string]*corev1.Node
	peers    map[string]*v1beta2.BGPPeer
	sessions map[string]v1beta1.BGPSessionStateStatus
}

// text returns what is to be said of the peer, by asking of each node.
func (k *known) text(peer string) string {
	p, there := k.peers[peer]
	if !there {
		return "unknown"
	}
	parsed, errs := bgp.ParsePeer(p)
	desired, faults := 0, []string(nil)
	for _, name := range slices.Sorted(maps.Keys(k.nodes)) {
		n := k.nodes[name]
		s, reports := k.sessions[name+" "+peer]
		if len(errs) > 0 && !reports || len(errs) == 0 && !parsed.SelectsNode(n.Labels) {
			continue
		}
		desired++
		switch {
		case !ready(n):
			faults = append(faults, name+": node is not ready")
		case !reports:
			faults = append(faults, name+": no report from its speaker")
		case s.State != v1beta1.SessionEstablished:
			faults = append(faults, name+": "+s.LastError)
		}
	}
	return fmt.Sprint(desired-len(faults), "/", desired, " ", strings.Join(faults[:min(named, len(faults))], "; "))
}

func textOf(x *index, peer string) string {
	s, known := x.summary(peer)
	if !known {
		return "unknown"
	}
	faults := make([]string, 0, named)
	for _, f := range s.faults {
		faults = append(faults, f.String())
	}
	return fmt.Sprint(s.established, "/", s.desired, " ", strings.Join(faults, "; "))
}

// change changes something at random, and returns the peers that the index says are concerned.
func (k *known) change(x *index, random *rand.Rand) (concerned []string) {
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	node, peer := fmt.Sprintf("node-%d", random.IntN(6)), fmt.Sprintf("peer-%d", random.IntN(4))
	switch random.IntN(6) {
	case 0:
		n := nodeOf(node, one("1", "2"), random.IntN(4) == 0)
		k.nodes[node] = n
		concerned, _ = x.setNode(n)
	case 1:
		delete(k.nodes, node)
		concerned, _ = x.deleteNode(node)
	case 2:
		p := builder.MakePeer(peer, one("192.0.2.1", "192.0.2.1", "nonsense"))
		if random.IntN(2) == 0 {
			p.NodesWithLabel("rack", one("1", "2"))
		}
		k.peers[peer] = p.Obj()
		x.setPeer(k.peers[peer])
		concerned = []string{peer}
	case 3:
		if random.IntN(3) == 0 {
			delete(k.peers, peer)
			x.deletePeer(peer)
			concerned = []string{peer}
		}
	case 4:
		delete(k.sessions, node+" "+peer)
		concerned = x.setSession(node+" "+peer, nil)
	default:
		s := v1beta1.BGPSessionStateStatus{
			Node: node, Peer: peer, State: v1beta1.SessionState(one("Established", "Active")), LastError: one("refused", "reset"),
		}
		k.sessions[node+" "+peer] = s
		concerned = x.setSession(node+" "+peer, &s)
	}
	return concerned
}

func TestTheIndexSaysWhatAskingEachNodeWouldSayAndOfWhichPeersThatIsNew(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		x := newIndex(clocktesting.NewFakePassiveClock(time.Unix(0, 0)))
		k := &known{map[string]*corev1.Node{}, map[string]*v1beta2.BGPPeer{}, map[string]v1beta1.BGPSessionStateStatus{}}
		before := map[string]string{}
		for step := range 300 {
			concerned := k.change(x, random)
			for i := range 4 {
				peer := fmt.Sprintf("peer-%d", i)
				got, want := textOf(x, peer), k.text(peer)
				if got != want {
					t.Fatalf("seed %d, step %d: of %s it says %q, want %q", seed, step, peer, got, want)
				}
				if step > 0 && got != before[peer] && !slices.Contains(concerned, peer) {
					t.Fatalf("seed %d, step %d: of %s it says %q and not %q any more, and only %v are concerned", seed, step, peer, got, before[peer], concerned)
				}
				before[peer] = got
			}
		}
		for name := range k.nodes {
			x.deleteNode(name)
		}
		for name := range k.sessions {
			x.setSession(name, nil)
		}
		for name := range k.peers {
			x.deletePeer(name)
		}
		if left := len(x.nodes) + len(x.peers) + len(x.reports) + len(x.byNode) + len(x.byPod); left > 0 {
			t.Fatalf("seed %d: %d things are left of what is gone", seed, left)
		}
	}
}

// filled returns an index of a peer of all nodes and one of a rack, whose sessions are established but for some.
func filled(sessions int) *index {
	x := newIndex(clocktesting.NewFakePassiveClock(time.Unix(0, 0)))
	x.setPeer(builder.MakePeer("router", "192.0.2.1").Obj())
	x.setPeer(builder.MakePeer("rack", "192.0.2.2").NodesWithLabel("rack", "1").Obj())
	for i := range sessions {
		name := fmt.Sprintf("node-%04d", i)
		x.setNode(nodeOf(name, "1", false))
		s := state(name, v1beta1.SessionEstablished, "")
		if i%2 == 0 {
			s = state(name, v1beta1.SessionActive, "connection refused")
		}
		s.Pod = "speaker-" + name
		x.setSession(name, &s)
	}
	return x
}

func TestTwoObjectsThatReportOneSession(t *testing.T) {
	t.Parallel()
	x := filled(1)
	idle, up := state("node-0000", v1beta1.SessionIdle, "left over"), state("node-0000", v1beta1.SessionEstablished, "")
	x.setSession("leftover", &idle)
	x.setSession("node-0000", &up)
	x.setSession("leftover", nil)
	if got := textOf(x, "router"); got != "1/1 " {
		t.Errorf("with one left it says %s", got)
	}
	x.setSession("node-0000", nil)
	if got := textOf(x, "router"); got != "0/1 node-0000: no report from its speaker" {
		t.Errorf("with none left it says %s", got)
	}
}

func TestWhichSessionsAnEventConcerns(t *testing.T) {
	t.Parallel()
	x := filled(4)
	if diff := cmp.Diff([]string{"node-0002"}, x.ofPod("speaker-node-0002")); diff != "" {
		t.Errorf("of a pod (-want +got):\n%s", diff)
	}
	for name, tc := range map[string]struct {
		node            *corev1.Node
		peers, sessions []string
	}{
		"a label that no peer selects by": {func() *corev1.Node {
			n := nodeOf("node-0001", "1", false)
			n.Labels["any"] = "thing"
			return n
		}(), nil, nil},
		"a label that a peer selects by": {nodeOf("node-0002", "2", false), []string{"rack"}, nil},
		"a node that sleeps":             {nodeOf("node-0003", "1", true), []string{"rack", "router"}, []string{"node-0003"}},
	} {
		peers, sessions := x.setNode(tc.node)
		slices.Sort(peers)
		if diff := cmp.Diff([][]string{tc.peers, tc.sessions}, [][]string{peers, sessions}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// flap returns what has one session change and the peer summed up.
func flap(x *index) func() {
	up, down := state("node-0007", v1beta1.SessionEstablished, ""), state("node-0007", v1beta1.SessionActive, "connection refused")
	states, i := []*v1beta1.BGPSessionStateStatus{&up, &down}, 0
	return func() {
		i++
		x.setSession("node-0007", states[i%2])
		if s, known := x.summary("router"); !known || len(s.faults) == 0 {
			panic("no summary")
		}
	}
}

func TestOneSessionCostsTheSameHoweverManyThereAre(t *testing.T) { //nolint:paralleltest // It counts allocations.
	few, many := testing.AllocsPerRun(100, flap(filled(40))), testing.AllocsPerRun(100, flap(filled(4000)))
	if many > few+2 {
		t.Errorf("%v allocations with 40 sessions, %v with 4000", few, many)
	}
}

// BenchmarkSession is what it costs that a session changes.
func BenchmarkSession(b *testing.B) {
	for _, sessions := range []int{40, 4000} {
		b.Run(fmt.Sprintf("of%d", sessions), func(b *testing.B) {
			change := flap(filled(sessions))
			for b.Loop() {
				change()
			}
		})
	}
}

// BenchmarkNode is what it costs that a node becomes ready and ceases to be.
func BenchmarkNode(b *testing.B) {
	for _, sessions := range []int{40, 4000} {
		b.Run(fmt.Sprintf("of%d", sessions), func(b *testing.B) {
			x := filled(sessions)
			nodes := []*corev1.Node{nodeOf("node-0007", "1", true), nodeOf("node-0007", "1", false)}
			for i := 0; b.Loop(); i++ {
				x.setNode(nodes[i%2])
			}
		})
	}
}
