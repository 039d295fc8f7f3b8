// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"slices"

	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/endpoint"
)

// groupKey tells groups apart.
type groupKey struct {
	pool, advertisements string
	family               endpoint.Family
}

// group is what addresses have in common that the same advertisements select.
type group struct {
	key       groupKey
	selection config.Selection
	// names of the advertisements.
	names []string
	paths paths
	// members are the services that have such an address.
	members map[*service]struct{}

	// ineligible keeps all of them from being announced, whatever endpoints they have; nil if nothing does.
	ineligible *worded
	// cluster is the answer for services that any node announces; nil if none is.
	cluster *worded
}

// paths are how addresses get from nodes to peers.
type paths struct {
	// selected nodes are those that the advertisements select, eligible those of them that no label takes out of service.
	selected, eligible config.NumberSet
	peers              []peerPaths
}

// peerPaths are the selected nodes that have a session with a peer.
type peerPaths struct {
	peer  string
	nodes config.NumberSet
}

func (p *paths) equal(o *paths) bool {
	return p.selected.Equal(o.selected) && p.eligible.Equal(o.eligible) && slices.EqualFunc(p.peers, o.peers, func(a, b peerPaths) bool {
		return a.peer == b.peer && a.nodes.Equal(b.nodes)
	})
}

// nodeState is what groups are judged by: sessions and nodes as they are now.
type nodeState struct {
	nodes    *nodes
	sessions *sessions
	// count is how many nodes there are.
	count int
	// unavailable nodes have no network.
	unavailable config.NumberSet
}

// judge finds the answers that the members have in common. It reports whether something else is to be said of all of them than
// before, and of those with the traffic policy Cluster.
func (g *group) judge(s *nodeState) (all, ofCluster bool) {
	ineligible, cluster := g.obstacle(s), answer{}
	if ineligible.cause == unknown {
		cluster = g.reach(s, g.serving(s).Without(s.unavailable))
	}
	return replace(&g.ineligible, ineligible), replace(&g.cluster, cluster)
}

// replace replaces an answer, and reports whether it differs.
func replace(before **worded, now answer) (differs bool) {
	var was answer
	if *before != nil {
		was = (*before).answer
	}
	if was == now {
		return false
	}
	*before = nil
	if now.cause != unknown {
		*before = inWords(now)
	}
	return true
}

var (
	withoutEndpoint      = inWords(answer{cause: noEndpoint})
	withoutLocalEndpoint = inWords(answer{cause: noLocalEndpoint})
)

// answer returns the answer for a service: of one with the traffic policy Local by the nodes where it has endpoints.
func (g *group) answer(s *nodeState, e *endpoints, local bool) *worded {
	here := &e[g.key.family]
	switch {
	case g.ineligible != nil:
		return g.ineligible
	case !here.anywhere:
		return withoutEndpoint
	case !local:
		return g.cluster
	}
	nodes := g.serving(s).Without(s.unavailable).And(here.nodes)
	if nodes.Empty() {
		return withoutLocalEndpoint
	}
	return inWords(g.reach(s, nodes))
}

// serving returns the nodes that announce or should: those that are eligible, and those that are not and still announce, since they drain.
func (g *group) serving(s *nodeState) config.NumberSet {
	if g.paths.eligible.Equal(g.paths.selected) {
		return g.paths.eligible
	}
	nodes := config.NewNumberSet(0)
	nodes.AddAll(g.paths.eligible)
	for _, p := range g.paths.peers {
		nodes.AddAll(s.sessions.established(p.peer, g.key.family, p.nodes))
	}
	return nodes
}

// obstacle returns what keeps all members from being announced.
func (g *group) obstacle(s *nodeState) answer {
	serving := g.serving(s)
	switch {
	case g.selection.Pool == "":
		return answer{cause: noPool}
	case !g.selection.Advertised:
		return answer{cause: noAdvertisement, pool: g.selection.Pool}
	case len(g.names) == 0:
		return answer{cause: notSelected, pool: g.selection.Pool}
	case s.count == 0:
		return answer{cause: noNodes}
	case g.paths.selected.Empty():
		return answer{cause: noNodeSelected, advertisements: namesOf(g.names)}
	case serving.Empty():
		return answer{cause: allLabeled, of: g.paths.selected.Count()}
	case serving.Without(s.unavailable).Empty():
		return answer{cause: allUnavailable, of: serving.Count()}
	default:
		return answer{}
	}
}

// reach returns how the addresses get from the nodes to the peers.
func (g *group) reach(s *nodeState, from config.NumberSet) answer {
	var (
		able, announcing config.NumberSet
		a                answer
		all              names
	)
	for _, p := range g.paths.peers {
		nodes := p.nodes.And(from)
		of := nodes.Count()
		if of == 0 {
			continue
		}
		established := s.sessions.established(p.peer, g.key.family, nodes)
		able.AddAll(nodes)
		announcing.AddAll(established)
		all.add(p.peer)
		up := established.Count()
		if up == 0 && a.fault == (fault{}) {
			node := s.nodes.first(nodes)
			a.fault = fault{node: node, peer: p.peer, why: s.sessions.fault(p.peer, node, g.key.family)}
		}
		if up < of {
			a.missing.add(shortage{p.peer, of - up, of})
		}
		if up > 0 {
			a.peers.add(p.peer)
		}
	}
	switch {
	case all.count == 0:
		return answer{cause: noPeer, family: g.key.family, advertisements: namesOf(g.names)}
	case announcing.Empty():
		return answer{cause: noSession, peers: all, fault: a.fault}
	}
	a.cause, a.nodes, a.of, a.fault = announced, announcing.Count(), able.Count(), fault{}
	return a
}
