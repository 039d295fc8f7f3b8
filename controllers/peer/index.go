// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// index adds up the sessions of each peer. A change of a session costs the same however many there are, one of a node its
// sessions, and one of a peer all nodes. It is safe for concurrent use.
type index struct {
	clock clock.PassiveClock

	mu    sync.Mutex
	nodes map[string]*node
	peers map[string]*tally
	// reports have who says what, by the name of the BGPSessionState.
	reports map[string]report
	// byNode and byPod have the names of the BGPSessionStates of a node, and of the speaker in a pod.
	byNode, byPod map[string]map[string]struct{}
}

// node is what matters of a node.
type node struct {
	uid    types.UID
	labels labels.Set
	ready  bool
	// peers that it should have a session with.
	peers map[string]struct{}
}

// report is what a BGPSessionState says.
type report struct {
	node, peer, pod string
	// fault is why the session is not established; empty if it is.
	fault string
}

func newIndex(clock clock.PassiveClock) *index {
	return &index{
		clock: clock, nodes: map[string]*node{}, peers: map[string]*tally{}, reports: map[string]report{},
		byNode: map[string]map[string]struct{}{}, byPod: map[string]map[string]struct{}{},
	}
}

// reportOf returns what the status says; false if it says nothing yet.
func reportOf(s *v1beta1.BGPSessionStateStatus) (_ report, says bool) {
	if s == nil || s.Node == "" || s.Peer == "" {
		return report{}, false
	}
	return report{node: s.Node, peer: s.Peer, pod: s.Pod, fault: s.Fault()}, true
}

// setSession takes what a BGPSessionState says, nil if it is gone. It returns the peers of which something else is to be said.
func (x *index) setSession(object string, status *v1beta1.BGPSessionStateStatus) (changed []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	before, known := x.reports[object]
	now, says := reportOf(status)
	if known && says && before == now {
		return nil
	}
	if known {
		delete(x.reports, object)
		remove(x.byNode, before.node, object)
		remove(x.byPod, before.pod, object)
	}
	if says {
		x.reports[object] = now
		add(x.byNode, now.node, object)
		add(x.byPod, now.pod, object)
		t := x.tally(now.peer)
		t.reports[now.node] = reported{object, now.fault}
		if x.refresh(now.peer, now.node) {
			changed = append(changed, now.peer)
		}
	}
	if known && (!says || before.node != now.node || before.peer != now.peer) && x.withdraw(object, before) {
		changed = append(changed, before.peer)
	}
	return changed
}

// withdraw forgets what the object said of a session, unless another one has said something since.
func (x *index) withdraw(object string, r report) (changed bool) {
	t := x.peers[r.peer]
	if t == nil || t.reports[r.node].object != object {
		return false
	}
	delete(t.reports, r.node)
	changed = x.refresh(r.peer, r.node)
	x.prune(r.peer)
	return changed
}

// setNode takes a node as it is now. It returns the peers of which something else is to be said, and the BGPSessionStates whose
// speaker is to be believed more or less than before.
func (x *index) setNode(object *corev1.Node) (peers, sessions []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n, known := x.nodes[object.Name]
	if !known {
		n = &node{peers: map[string]struct{}{}}
		x.nodes[object.Name] = n
	}
	same := known && n.uid == object.UID && n.ready == ready(object)
	relabelled := !known || !maps.Equal(n.labels, object.Labels)
	if same && !relabelled {
		return nil, nil
	}
	n.uid, n.labels, n.ready = object.UID, object.Labels, ready(object)
	for _, name := range x.concerned(n, relabelled, known) {
		if x.refresh(name, object.Name) {
			peers = append(peers, name)
		}
	}
	if !same {
		sessions = slices.Collect(maps.Keys(x.byNode[object.Name]))
	}
	return peers, sessions
}

// concerned returns the peers that a change of the node may concern: those that it has sessions with, those that select nodes if its
// labels have changed, and all if it is new.
func (x *index) concerned(n *node, relabelled, known bool) []string {
	peers := slices.Collect(maps.Keys(n.peers))
	if !relabelled {
		return peers
	}
	for name, t := range x.peers {
		if _, desired := n.peers[name]; !desired && (t.selective || !known) {
			peers = append(peers, name)
		}
	}
	return peers
}

// deleteNode is for a node that is gone. It returns what setNode does.
func (x *index) deleteNode(name string) (peers, sessions []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := x.nodes[name]
	if n == nil {
		return nil, nil
	}
	delete(x.nodes, name)
	for peer := range n.peers {
		if x.refresh(peer, name) {
			peers = append(peers, peer)
		}
	}
	return peers, slices.Collect(maps.Keys(x.byNode[name]))
}

// ofPod returns the names of the BGPSessionStates that the speaker in the pod writes.
func (x *index) ofPod(name string) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Collect(maps.Keys(x.byPod[name]))
}

// setPeer takes a peer as it is now.
func (x *index) setPeer(p *v1beta2.BGPPeer) {
	x.mu.Lock()
	defer x.mu.Unlock()
	t := x.tally(p.Name)
	t.define(p)
	for name := range x.nodes {
		x.refresh(p.Name, name)
	}
	t.note(x.clock.Now())
}

// deletePeer is for a peer that is gone.
func (x *index) deletePeer(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	t := x.peers[name]
	if t == nil {
		return
	}
	t.defined = false
	for n := range t.desired {
		x.refresh(name, n)
	}
	x.prune(name)
}

// summary returns what the peer's sessions are together; false if the peer is not known.
func (x *index) summary(peer string) (summary, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	t := x.peers[peer]
	if t == nil || !t.defined {
		return summary{}, false
	}
	return t.summary(), true
}

// summaries returns what the sessions of each peer are together, by name.
func (x *index) summaries() map[string]summary {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := make(map[string]summary, len(x.peers))
	for name, t := range x.peers {
		if t.defined {
			all[name] = t.summary()
		}
	}
	return all
}

// tally returns that of the peer.
func (x *index) tally(peer string) *tally {
	if x.peers[peer] == nil {
		x.peers[peer] = newTally()
	}
	return x.peers[peer]
}

// prune forgets a peer that is not there and that nobody reports a session with.
func (x *index) prune(peer string) {
	if t := x.peers[peer]; !t.defined && len(t.reports) == 0 {
		delete(x.peers, peer)
	}
}

// refresh looks at one session again. It reports whether something else is to be said of the peer.
func (x *index) refresh(peer, name string) (changed bool) {
	t, n := x.peers[peer], x.nodes[name]
	if !t.refresh(name, n, x.clock.Now()) {
		return false
	}
	if _, desired := t.desired[name]; desired {
		n.peers[peer] = struct{}{}
	} else if n != nil {
		delete(n.peers, peer)
	}
	return true
}

func add(to map[string]map[string]struct{}, key, name string) {
	if key == "" {
		return
	}
	if to[key] == nil {
		to[key] = map[string]struct{}{}
	}
	to[key][name] = struct{}{}
}

func remove(from map[string]map[string]struct{}, key, name string) {
	delete(from[key], name)
	if len(from[key]) == 0 {
		delete(from, key)
	}
}
