// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/endpoint"
)

// session is what a node reports of its session with a peer: for each family why routes do not go over it, as it is now; empty if they do.
type session [endpoint.Families]string

func sessionOf(s *v1beta1.BGPSessionStateStatus) (is session) {
	for f := range endpoint.Families {
		is[f] = s.FaultOf(f.Kind())
	}
	return is
}

// sessions are what nodes report of their sessions.
type sessions struct {
	// objects have node and peer of each BGPSessionState, by its name.
	objects map[string]ends
	byPeer  map[string]*peerSessions
	nodes   *nodes
}

type ends struct{ node, peer string }

// peerSessions are those with one peer.
type peerSessions struct {
	byNode map[string]reported
	// up has the nodes whose session carries routes of a family.
	up [endpoint.Families]config.NumberSet
}

// reported is what an object says of a session.
type reported struct {
	session

	object string
}

func newSessions(n *nodes) *sessions {
	return &sessions{objects: map[string]ends{}, byPeer: map[string]*peerSessions{}, nodes: n}
}

// set takes what an object says, nil if it is gone. It returns the nodes of which something else is said than before.
func (s *sessions) set(object string, status *v1beta1.BGPSessionStateStatus) (changed []int) {
	before, known := s.objects[object]
	now, is := ends{}, status != nil && status.Node != "" && status.Peer != ""
	if is {
		now = ends{status.Node, status.Peer}
		s.objects[object] = now
		if node := s.nodes.use(now.node); s.put(object, now, sessionOf(status)) {
			changed = append(changed, node)
		}
	}
	if !known {
		return changed
	}
	if !is {
		delete(s.objects, object)
	}
	if before != now {
		s.remove(object, before)
		changed = append(changed, s.nodes.numbers[before.node])
	}
	s.nodes.drop(before.node)
	return changed
}

func (s *sessions) put(object string, e ends, is session) (changed bool) {
	p := s.byPeer[e.peer]
	if p == nil {
		p = &peerSessions{byNode: map[string]reported{}}
		s.byPeer[e.peer] = p
	}
	was, known := p.byNode[e.node]
	p.byNode[e.node] = reported{session: is, object: object}
	if known && was.session == is {
		return false
	}
	p.mark(s.nodes.numbers[e.node], is)
	return true
}

// remove forgets what the object said of the session, unless another one has said something since.
func (s *sessions) remove(object string, e ends) {
	p := s.byPeer[e.peer]
	if p == nil || p.byNode[e.node].object != object {
		return
	}
	delete(p.byNode, e.node)
	p.mark(s.nodes.numbers[e.node], sessionOf(nil))
	if len(p.byNode) == 0 {
		delete(s.byPeer, e.peer)
	}
}

func (p *peerSessions) mark(node int, is session) {
	for f := range p.up {
		if is[f] == "" {
			p.up[f].Add(node)
		} else {
			p.up[f].Remove(node)
		}
	}
}

// established returns the nodes among these whose session with the peer carries routes of the family.
func (s *sessions) established(peer string, f endpoint.Family, nodes config.NumberSet) config.NumberSet {
	p := s.byPeer[peer]
	if p == nil {
		return nil
	}
	return p.up[f].And(nodes)
}

// fault returns why routes of the family do not go over the node's session with the peer.
func (s *sessions) fault(peer, node string, f endpoint.Family) string {
	if p := s.byPeer[peer]; p != nil {
		if is, found := p.byNode[node]; found {
			return is.session[f]
		}
	}
	return v1beta1.NoSessionReport
}
