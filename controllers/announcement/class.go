// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/endpoint"
)

// classKey tells classes apart.
type classKey struct {
	pool, advertisements string
	family               endpoint.Family
	// was are the former routes that the advertisements are of; nil if they are in force.
	was *config.Routes
}

// class is what addresses have in common that the same advertisements select.
type class struct {
	key       classKey
	selection config.Selection
	// names of the advertisements.
	names []string
	ways  config.Ways
	// members are the services that have such an address.
	members map[*record]struct{}

	// impediment keeps all of them from being announced, whatever endpoints they have; nil if there is none.
	impediment *answer
	// cluster is the answer for services that any node announces.
	cluster answer
}

// situation is what classes are judged by: sessions and nodes as they are now.
type situation struct {
	sessions *sessions
	// names of the nodes by number.
	names []string
	// unavailable nodes have no network.
	unavailable config.NodeSet
}

// judge finds the answers that the members have in common. It reports whether something else is to be said of all of them than
// before, and of those with the traffic policy Cluster.
func (c *class) judge(s *situation) (all, ofCluster bool) {
	impediment, cluster := c.obstacle(s), answer{}
	if impediment == nil {
		cluster = c.reach(s, c.ways.Eligible.Without(s.unavailable))
	}
	all = (impediment == nil) != (c.impediment == nil) || impediment != nil && *impediment != *c.impediment
	ofCluster = cluster != c.cluster
	c.impediment, c.cluster = impediment, cluster
	return all, ofCluster
}

// answer returns the answer for a service: of one with the traffic policy Local by the nodes where it has endpoints that serve.
func (c *class) answer(s *situation, e *endpoints, local bool) answer {
	switch {
	case c.impediment != nil:
		return *c.impediment
	case !e[c.key.family].anywhere:
		return noEndpoint()
	case !local:
		return c.cluster
	}
	nodes := c.ways.Eligible.Without(s.unavailable).And(e[c.key.family].nodes)
	if nodes.First() < 0 {
		return noLocalEndpoint()
	}
	return c.reach(s, nodes)
}

// obstacle returns what keeps all members from being announced.
func (c *class) obstacle(s *situation) *answer {
	var a answer
	switch {
	case c.selection.Pool == "":
		a = noPool()
	case !c.selection.Advertised:
		a = noAdvertisement(c.selection.Pool)
	case len(c.names) == 0:
		a = notSelected(c.selection.Pool)
	case len(s.names) == 0:
		a = noNodes()
	case c.ways.Selected.First() < 0:
		a = noNodeSelected(c.names)
	case c.ways.Eligible.First() < 0:
		a = allExcluded(c.ways.Selected.Count())
	case c.ways.Eligible.Without(s.unavailable).First() < 0:
		a = allUnavailable(c.ways.Eligible.Count())
	default:
		return nil
	}
	return &a
}

// reach returns how the addresses get from the nodes to the peers.
func (c *class) reach(s *situation, from config.NodeSet) answer {
	var (
		r         = route{held: c.key.was != nil}
		able      = config.NewNodeSet(len(s.names))
		announces = config.NewNodeSet(len(s.names))
		down      string
	)
	for _, way := range c.ways.Peers {
		nodes := way.Nodes.And(from)
		all := nodes.Count()
		if all == 0 {
			continue
		}
		up := s.sessions.up(way.Peer, c.key.family, nodes)
		able.AddAll(nodes)
		announces.AddAll(up)
		p := peering{peer: way.Peer, up: up.Count(), all: all}
		r.peers = append(r.peers, p)
		if p.up == 0 && down == "" {
			node := s.names[nodes.First()]
			down = node + " with " + quoted(way.Peer) + ": " + s.sessions.fault(way.Peer, node, c.key.family)
		}
	}
	r.nodes, r.of = announces.Count(), able.Count()
	switch {
	case len(r.peers) == 0:
		return noPeer(c.names, c.key.family)
	case r.nodes == 0:
		return noSession(r.peers, down)
	}
	return r.answer()
}
