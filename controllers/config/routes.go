// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
)

// Routes say which addresses a configuration announces from the nodes. They are safe for concurrent use.
type Routes struct {
	owners *owners
	// fresh are pools that are not in use yet, of which speakers know; nil if there are none. They take no address from one in use.
	fresh *owners
	// pools by name: those there are, whether they parse or not, and those that advertisements name.
	pools map[string]*advertisers
	// defined pools parse.
	defined map[string]ipam.Pool
	// gone are the advertisers of every other pool.
	gone *advertisers
	// advertisements in use, by name.
	advertisements map[string]*announcer

	nodes *nodes
	// peers in use, by name.
	peers []bgp.Peer
}

// announcer is an advertisement in use, and how many nodes announce by it to a peer of each family.
type announcer struct {
	advertisement
	nodesIPv4, nodesIPv6 int
	// services is the text of the service selectors.
	services string

	pools, peers naming
}

// advertisers are who announces the addresses of one pool: the advertisements that select it and, for each family, those of them
// whose nodes have a peer.
type advertisers struct {
	all        []*announcer
	ipv4, ipv6 familyAdvertisers
}

// familyAdvertisers are the advertisements that announce the addresses of one family.
type familyAdvertisers struct {
	// every service is announced, by one that has no service selectors.
	every bool
	// some services are announced, by these.
	some []*announcer
}

// NewRoutes returns the routes of the configuration.
func NewRoutes(o Objects, nodes []Node) *Routes {
	m := parseAll(o)
	return newRoutes(&m, newNodes(nodes))
}

func newRoutes(m *parsedObjects, n *nodes) *Routes {
	r := &Routes{
		owners:         newOwners(m.sortedPools()),
		pools:          make(map[string]*advertisers, len(m.labels)),
		defined:        m.pools,
		advertisements: make(map[string]*announcer, len(m.advertisements)),
		nodes:          n,
		peers:          sorted(m.peers),
	}
	usable := make([]*announcer, 0, len(m.advertisements))
	defined := m.aliases()
	for _, adv := range sorted(m.advertisements) {
		if len(undefined(adv.Communities, defined)) > 0 {
			continue
		}
		a := announce(adv, r.peers, n)
		r.advertisements[adv.Name] = a
		usable = append(usable, a)
	}
	for _, a := range usable {
		for _, name := range a.Pools {
			if _, known := m.labels[name]; !known && r.pools[name] == nil {
				r.pools[name] = advertisersOf(ipam.Pool{Name: name}, usable, selectsGone)
			}
		}
	}
	for _, name := range names(m.labels, nil) {
		pool, parses := m.pools[name]
		if !parses {
			pool = ipam.Pool{Name: name, Labels: m.labels[name]}
		}
		r.pools[name] = advertisersOf(pool, usable, selectsPresent)
		for _, a := range r.pools[name].all {
			if parses {
				a.pools.add(name)
			}
		}
	}
	r.gone = advertisersOf(ipam.Pool{}, usable, selectsGone)
	return r
}

// undefined returns the names among the communities that are neither aliases nor well known.
func undefined(communities []string, defined bgp.Aliases) []string {
	var missing []string
	for _, c := range communities {
		if _, found := defined.Find(c); !found && !strings.Contains(c, ":") {
			missing = append(missing, c)
		}
	}
	return missing
}

// announce finds out which nodes can announce by the advertisement.
func announce(adv advertisement, peers []bgp.Peer, n *nodes) *announcer {
	a := &announcer{advertisement: adv, services: text(adv.ServiceSelectors)}
	own := n.selectedBy(adv.NodeSelectors, adv.SelectsNode)
	ipv4, ipv6 := make(NumberSet, len(own)), make(NumberSet, len(own))
	for i := range peers {
		p := &peers[i]
		if !adv.SelectsPeer(p.Name) {
			continue
		}
		connected := n.selectedBy(p.NodeSelectors, p.SelectsNode)
		if own.Meets(connected) {
			a.peers.add(p.Name)
		}
		if p.Families.IPv4 {
			ipv4.AddAll(connected)
		}
		if p.Families.IPv6 {
			ipv6.AddAll(connected)
		}
	}
	a.nodesIPv4, a.nodesIPv6 = own.And(ipv4).Count(), own.And(ipv6).Count()
	return a
}

func selectsPresent(a *announcer, pool *ipam.Pool) bool { return a.SelectsPool(pool.Name, pool.Labels) }

// selectsGone reports whether the advertisement selects a pool that is there no more. Nobody knows what labels it had, so
// selectors do not count, as they do not with the speaker.
func selectsGone(a *announcer, pool *ipam.Pool) bool {
	return len(a.Pools) == 0 && len(a.PoolSelectors) == 0 || slices.Contains(a.Pools, pool.Name)
}

// advertisersOf returns who announces the addresses of the pool. An advertisement whose aggregation length has no room in it does
// not.
func advertisersOf(pool ipam.Pool, usable []*announcer, selects func(*announcer, *ipam.Pool) bool) *advertisers {
	r := &advertisers{}
	// Of many advertisements, few differ in their lengths.
	fits := map[[2]int]bool{}
	for _, a := range usable {
		if !selects(a, &pool) {
			continue
		}
		lengths := [2]int{a.AggregationLength, a.AggregationLengthV6}
		fit, known := fits[lengths]
		if !known {
			fit = bgp.CheckAggregation(a.Advertisement, pool) == nil
			fits[lengths] = fit
		}
		if !fit {
			continue
		}
		r.all = append(r.all, a)
		if a.nodesIPv4 > 0 {
			r.ipv4.add(a)
		}
		if a.nodesIPv6 > 0 {
			r.ipv6.add(a)
		}
	}
	return r
}

func (c *familyAdvertisers) add(a *announcer) {
	if len(a.ServiceSelectors) == 0 {
		c.every = true
	} else {
		c.some = append(c.some, a)
	}
}

// coversLess reports whether some service may be announced by the others and not by these.
func (c *familyAdvertisers) coversLess(others *familyAdvertisers) bool {
	if c.every {
		return false
	}
	return others.every || slices.ContainsFunc(others.some, func(o *announcer) bool {
		return !slices.ContainsFunc(c.some, func(a *announcer) bool { return a.services == o.services })
	})
}

// announces reports whether a service with these labels is announced.
func (c *familyAdvertisers) announces(service labels.Set) bool {
	return c.every || slices.ContainsFunc(c.some, func(a *announcer) bool { return a.SelectsService(service) })
}

// Announces reports whether a node that is not excluded from load balancing announces the address to a peer, as far as
// the configuration goes: whether there are endpoints is not asked.
func (r *Routes) Announces(h Holding) bool {
	pool, found := r.owningPool(&h)
	if !found {
		return false
	}
	advertisers := r.advertisers(pool)
	if h.Address.Is4() {
		return advertisers.ipv4.announces(h.Labels)
	}
	return advertisers.ipv6.announces(h.Labels)
}

func (r *Routes) advertisers(pool string) *advertisers {
	if known := r.pools[pool]; known != nil {
		return known
	}
	return r.gone
}

// owningPool returns the pool that decides about the address's routes, by the same rule as the speaker's: the one that contains
// it, one that it was recorded from before others; else, of those it was recorded from, the one it is most likely of.
func (r *Routes) owningPool(h *Holding) (pool string, found bool) {
	for _, name := range h.Recorded {
		if p, parses := r.defined[name]; parses && p.Contains(h.Address) {
			return name, true
		}
	}
	if p, contained := r.owners.find(h.Address); contained {
		return p.Name, true
	}
	if p, contained := r.findFresh(h); contained {
		return p.Name, true
	}
	best := -1
	for _, name := range h.Recorded {
		if l := r.rank(name, h.Address); l > best {
			pool, best = name, l
		}
	}
	return pool, best >= 0
}

// findFresh returns the pool not in use yet that contains the address, unless that is recorded of one in use.
func (r *Routes) findFresh(h *Holding) (*ipam.Pool, bool) {
	if r.fresh == nil || slices.ContainsFunc(h.Recorded, func(name string) bool {
		_, inUse := r.owners.pools.ByName(name)
		return inUse
	}) {
		return nil, false
	}
	return r.fresh.find(h.Address)
}

// rank ranks pools by how likely an address that they do not contain was allocated from them: one of a range that
// leaves out some addresses, one of the same family, one that nobody knows, and others last.
func (r *Routes) rank(pool string, a netip.Addr) int {
	p, parses := r.defined[pool]
	switch {
	case !parses:
		return 1
	case slices.ContainsFunc(p.Ranges, func(r ipam.Range) bool { return r.Contains(a) }):
		return 3
	case slices.ContainsFunc(p.Ranges, func(r ipam.Range) bool { return r.From.BitLen() == a.BitLen() }):
		return 2
	default:
		return 0
	}
}
