// SPDX-License-Identifier: Apache-2.0

package config

import (
	corev1 "k8s.io/api/core/v1"
)

// Named is how many names of a kind a Coverage has at most.
const Named = 10

// Coverage is what an advertisement covers.
type Coverage struct {
	// NodesIPv4 and NodesIPv6 are how many nodes can announce addresses of the family by it.
	NodesIPv4, NodesIPv6 int
	// Pools are how many pools it announces addresses of, and Peers to how many peers; PoolNames and PeerNames are the first
	// Named of them by name.
	Pools, Peers         int
	PoolNames, PeerNames []string
}

// naming counts what has a name, and keeps the first names of those that are added in their order.
type naming struct {
	count int
	first []string
}

func (n *naming) add(name string) {
	if n.count++; n.count <= Named {
		n.first = append(n.first, name)
	}
}

// Coverage returns what the advertisement covers: nothing if it is not in use.
func (r *Routes) Coverage(advertisement string) Coverage {
	a := r.advertisements[advertisement]
	if a == nil {
		return Coverage{}
	}
	return Coverage{
		NodesIPv4: a.nodesIPv4, NodesIPv6: a.nodesIPv6,
		Pools: a.pools.count, PoolNames: a.pools.first, Peers: a.peers.count, PeerNames: a.peers.first,
	}
}

// Selection is what a configuration has for an address.
type Selection struct {
	// Pool decides about the address's routes; empty if none does.
	Pool string
	// Advertised is whether an advertisement selects the pool.
	Advertised bool
	// by are the advertisements that select the pool and the service.
	by []*announcer
}

// Advertisements returns the names of the advertisements that select the pool and the service.
func (s *Selection) Advertisements() []string {
	found := make([]string, 0, len(s.by))
	for _, a := range s.by {
		found = append(found, a.Name)
	}
	return found
}

// Select returns what the configuration has for the address, whatever nodes and peers there are.
func (r *Routes) Select(h Holding) Selection {
	pool, found := r.owningPool(&h)
	if !found {
		return Selection{}
	}
	all := r.advertisers(pool).all
	s := Selection{Pool: pool, Advertised: len(all) > 0}
	for _, a := range all {
		if a.SelectsService(h.Labels) {
			s.by = append(s.by, a)
		}
	}
	return s
}

// Paths are how addresses of one family get from nodes to peers.
type Paths struct {
	// Selected are the nodes that the advertisements select, Eligible those of them that no label takes out of service.
	Selected, Eligible NumberSet
	// Peers that selected nodes have a session with, by name.
	Peers []PeerPath
}

// PeerPath is a peer, and the selected nodes that have a session with it, eligible or not: one that drains announces until it is drained.
type PeerPath struct {
	Peer  string
	Nodes NumberSet
}

// Paths returns how the selected advertisements get addresses of the family from the nodes to the peers that there are. It
// may be another configuration that has selected them.
func (r *Routes) Paths(s *Selection, family corev1.IPFamily) Paths {
	w := Paths{Selected: NewNumberSet(len(r.nodes.labels))}
	own := make([]NumberSet, 0, len(s.by))
	for _, a := range s.by {
		nodes := r.nodes.all(a.NodeSelectors, a.SelectsNode)
		w.Selected.AddAll(nodes)
		own = append(own, nodes)
	}
	w.Eligible = w.Selected.And(r.nodes.eligible)
	for i := range r.peers {
		p := &r.peers[i]
		if carried := p.Families; family == corev1.IPv4Protocol && !carried.IPv4 || family == corev1.IPv6Protocol && !carried.IPv6 {
			continue
		}
		announcing := NewNumberSet(len(r.nodes.labels))
		for j, a := range s.by {
			if a.SelectsPeer(p.Name) {
				announcing.AddAll(own[j])
			}
		}
		if announcing = announcing.And(r.nodes.all(p.NodeSelectors, p.SelectsNode)); !announcing.Empty() {
			w.Peers = append(w.Peers, PeerPath{p.Name, announcing})
		}
	}
	return w
}

// Nodes returns the names of the nodes, in the order in which NumberSets number them. It is not to be modified.
func (r *Routes) Nodes() []string { return r.nodes.names }
