// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/internal/endpoint"
)

// Policy is what one node does about BGP. It is immutable.
type Policy struct {
	// NetworkUnavailable forbids the node to announce anything, as Drained does.
	NetworkUnavailable bool
	Drain
	// ProxyPending are the families in which the node is to announce nothing yet.
	ProxyPending endpoint.FamilySet
	// Sessions of the node, sorted by peer.
	Sessions []bgp.Peer
	// Interfaces of the node whose routers are peers, whether they are known or not, sorted.
	Interfaces []string
	// Refused are the peers that select the node and that it does not connect to.
	Refused []Refused
	// AwaitsRouter is whether some of them are routers that are not known.
	AwaitsRouter bool

	// routerID of the sessions whose BGPPeer does not set one.
	routerID netip.Addr
	pools    ipam.Pools
	// inUse are those of the pools that have an ActiveConfiguration.
	inUse ipam.Pools
	// byName has the pools and the names that only advertisements know.
	byName map[string]*Pool
	// unknown stands for pools that nothing is known of but that they were.
	unknown *Pool
}

// Refused is a peer that the node does not connect to.
type Refused struct {
	Peer string
	// Address is the zero Addr if the node does not know it.
	Address netip.Addr
	Reason  string
}

// Pool is what is done about the addresses of one IPAddressPool. As long as that is the same, successive policies have
// the same pointer.
type Pool struct {
	Name string
	// Advertisements that select the pool and the node, sorted by name.
	Advertisements []Advertisement

	definition ipam.Pool
}

// Advertisement is what one BGPAdvertisement means to the addresses of one pool on the node.
type Advertisement struct {
	Name string
	// Communities, resolved.
	Communities []bgp.Community
	bgp.Attributes
	// PeersV4 and PeersV6 are the sessions to announce IPv4 and IPv6 prefixes on, by peer, sorted.
	PeersV4, PeersV6 []string

	source advertisement
}

// SelectsService reports whether the advertisement concerns a service with these labels.
func (a *Advertisement) SelectsService(service labels.Set) bool {
	return a.source.SelectsService(service)
}

// Prefix returns the prefix to announce the address with.
func (a *Advertisement) Prefix(addr netip.Addr) netip.Prefix {
	length := a.source.AggregationLengthV6
	if addr.Is4() {
		length = a.source.AggregationLength
	}
	return netip.PrefixFrom(addr, length).Masked()
}

// Peers returns the peers to announce the address to: the prefixes of a family go over sessions of that family.
func (a *Advertisement) Peers(addr netip.Addr) []string {
	if addr.Is4() {
		return a.PeersV4
	}
	return a.PeersV6
}

// Pool returns what is done about an address that a service has, given the names of the pools that it was allocated from
// as the service's annotation has them, if it has. Nil says that the address is in no pool and never was.
//
// Its pool is the one that contains it. An address that no pool contains any more was assigned before a pool was changed
// or deleted, and stays with the pool that the annotation names: as that is now or, if there is none of that name, with the
// advertisements that name it or select every pool.
//
// A pool without an ActiveConfiguration takes no address from one that has: the controller has not looked at it yet, or holds it
// back because the address would be announced no more.
func (p *Policy) Pool(addr netip.Addr, allocatedFrom []string) *Pool {
	for _, name := range allocatedFrom {
		if pool, found := p.pools.ByName(name); found && pool.Contains(addr) {
			return p.byName[name]
		}
	}
	if pool, found := p.inUse.Find(addr); found {
		return p.byName[pool.Name]
	}
	isInUse := func(name string) bool {
		_, found := p.inUse.ByName(name)
		return found
	}
	if pool, found := p.pools.Find(addr); found && !slices.ContainsFunc(allocatedFrom, isInUse) {
		return p.byName[pool.Name]
	}
	if len(allocatedFrom) == 0 {
		return nil
	}
	var best *Pool
	for _, name := range allocatedFrom {
		pool := p.byName[name]
		if pool == nil {
			pool = p.unknown
		}
		if best == nil || pool.rank(addr) > best.rank(addr) {
			best = pool
		}
	}
	return best
}

// rank says how likely it is that an address came from the pool, which does not give it any more: a pool with a range that
// avoids some addresses comes before one of the same family, that before one whose ranges nobody knows, and others come last.
func (p *Pool) rank(addr netip.Addr) int {
	covers := func(r ipam.Range) bool { return r.Contains(addr) }
	sameFamily := func(r ipam.Range) bool { return r.From.BitLen() == addr.BitLen() }
	switch {
	case len(p.definition.Ranges) == 0:
		return 1
	case slices.ContainsFunc(p.definition.Ranges, covers):
		return 3
	case slices.ContainsFunc(p.definition.Ranges, sameFamily):
		return 2
	default:
		return 0
	}
}

// ConcernsAny reports whether a change from the policy q to p could concern any service. Sessions, which services do not depend on, do not
// count.
func (p *Policy) ConcernsAny(q *Policy) bool {
	sameName := func(a, b ipam.Pool) bool { return a.Name == b.Name }
	return p.concernsAll(q) || p.unknown != q.unknown || !maps.Equal(p.byName, q.byName) || !slices.EqualFunc(p.inUse, q.inUse, sameName)
}

// concernsAll reports whether what has changed concerns every service.
func (p *Policy) concernsAll(q *Policy) bool {
	return q == nil || p.NetworkUnavailable != q.NetworkUnavailable || p.Drained != q.Drained || p.ProxyPending != q.ProxyPending
}

// Concerns reports whether a change from the policy q to p could concern a service with this address, allocated from the
// named pools.
func (p *Policy) Concerns(q *Policy, addr netip.Addr, allocatedFrom []string) bool {
	return p.concernsAll(q) || p.Pool(addr, allocatedFrom) != q.Pool(addr, allocatedFrom)
}

func (p *Pool) equal(q *Pool) bool {
	return reflect.DeepEqual(p, q)
}
