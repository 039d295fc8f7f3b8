// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"slices"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/endpoint"
)

// session is what a node tells of its session with a peer.
type session struct {
	// carries says of which families routes go over the session, as it is now: none if it is not established.
	carries [endpoint.Families]bool
	// why it is not established; empty if it is.
	why string
}

// noReport is said of a session that nobody tells of.
const noReport = "no report from its speaker"

func sessionOf(s *v1beta1.BGPSessionStateStatus) session {
	switch {
	case s.State == v1beta1.SessionEstablished:
		// Who does not tell what was negotiated says nothing against it.
		carries := func(f endpoint.Family) bool { return len(s.Families) == 0 || slices.Contains(s.Families, f.Kind()) }
		return session{carries: [endpoint.Families]bool{carries(endpoint.IPv4), carries(endpoint.IPv6)}}
	case s.LastError != "":
		return session{why: s.LastError}
	default:
		return session{why: "session is " + string(s.State)}
	}
}

// fault returns why routes of the family do not go over the session.
func (s *session) fault(f endpoint.Family) string {
	switch {
	case s == nil:
		return noReport
	case s.why != "":
		return s.why
	default:
		return "the session does not carry " + f.String()
	}
}

// sessions are what nodes tell of their sessions.
type sessions struct {
	// objects have node and peer of each BGPSessionState, by its name.
	objects map[string]ends
	byPeer  map[string]*peerSessions
	// numbers of the nodes that there are.
	numbers map[string]int
}

type ends struct{ node, peer string }

// peerSessions are those with one peer.
type peerSessions struct {
	byNode map[string]told
	// up has the nodes whose session carries routes of a family.
	up [endpoint.Families]config.NodeSet
}

// told is what an object tells of a session.
type told struct {
	session

	object string
}

func newSessions() *sessions {
	return &sessions{objects: map[string]ends{}, byPeer: map[string]*peerSessions{}}
}

// set takes what an object tells, nil if it is gone. It returns the nodes of which something else is told than before.
func (s *sessions) set(object string, status *v1beta1.BGPSessionStateStatus) []string {
	before, known := s.objects[object]
	if status == nil || status.Node == "" || status.Peer == "" {
		if !known {
			return nil
		}
		delete(s.objects, object)
		s.remove(object, before)
		return []string{before.node}
	}
	now, changed := ends{status.Node, status.Peer}, []string(nil)
	if known && before != now {
		s.remove(object, before)
		changed = append(changed, before.node)
	}
	s.objects[object] = now
	if s.put(object, now, sessionOf(status)) {
		changed = append(changed, now.node)
	}
	return changed
}

func (s *sessions) put(object string, e ends, is session) (changed bool) {
	p := s.byPeer[e.peer]
	if p == nil {
		p = &peerSessions{byNode: map[string]told{}}
		p.number(s.numbers)
		s.byPeer[e.peer] = p
	}
	was, known := p.byNode[e.node]
	p.byNode[e.node] = told{session: is, object: object}
	if known && was.session == is {
		return false
	}
	p.mark(s.numbers, e.node, is)
	return true
}

// remove forgets what the object told of the session, unless another has told of it since.
func (s *sessions) remove(object string, e ends) {
	p := s.byPeer[e.peer]
	if p == nil || p.byNode[e.node].object != object {
		return
	}
	delete(p.byNode, e.node)
	p.mark(s.numbers, e.node, session{})
	if len(p.byNode) == 0 {
		delete(s.byPeer, e.peer)
	}
}

// number numbers the nodes anew.
func (s *sessions) number(numbers map[string]int) {
	s.numbers = numbers
	for _, p := range s.byPeer {
		p.number(numbers)
	}
}

func (p *peerSessions) number(numbers map[string]int) {
	for f := range endpoint.Families {
		p.up[f] = config.NewNodeSet(len(numbers))
	}
	for node, is := range p.byNode {
		p.mark(numbers, node, is.session)
	}
}

func (p *peerSessions) mark(numbers map[string]int, node string, is session) {
	i, known := numbers[node]
	if !known {
		return
	}
	for f := range endpoint.Families {
		if is.carries[f] {
			p.up[f].Add(i)
		} else {
			p.up[f].Remove(i)
		}
	}
}

// up returns the nodes among these whose session with the peer carries routes of the family.
func (s *sessions) up(peer string, f endpoint.Family, nodes config.NodeSet) config.NodeSet {
	p := s.byPeer[peer]
	if p == nil {
		return config.NewNodeSet(len(s.numbers))
	}
	return p.up[f].And(nodes)
}

// fault returns why routes of the family do not go over the node's session with the peer.
func (s *sessions) fault(peer, node string, f endpoint.Family) string {
	var known *session
	if p := s.byPeer[peer]; p != nil {
		if is, found := p.byNode[node]; found {
			known = &is.session
		}
	}
	return known.fault(f)
}
