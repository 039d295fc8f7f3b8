// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/internal/active"
)

// policy puts together what was accepted.
func (c *compiler) policy() *Policy {
	p := &Policy{
		NetworkUnavailable: c.in.Node.NetworkUnavailable,
		Drain:              c.in.Node.Drain,
		ProxyPending:       c.in.Node.ProxyPending,
		routerID:           c.in.Node.routerID(c.last.routerID),
		pools:              ipam.NewPools(c.pools...),
		byName:             map[string]*Pool{},
	}
	var inUse []ipam.Pool
	for _, pool := range c.pools {
		if c.in.Active[active.Key{Kind: active.KindIPAddressPool, Name: pool.Name}] {
			inUse = append(inUse, pool)
		}
	}
	p.inUse = ipam.NewPools(inUse...)
	p.Sessions = c.sessions(p.routerID)
	p.Refused, p.AwaitsRouter = c.refused(), c.awaitsRouter
	p.Interfaces = slices.Compact(slices.Sorted(slices.Values(c.interfaces)))
	peers := peersOf(p.Sessions)
	definitions := c.definitions()
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		p.byName[name] = c.pool(definitions[name], peers)
	}
	p.unknown = c.pool(ipam.Pool{}, peers)
	c.reuse(p)
	return p
}

// definitions returns every pool that has a name, be it only in advertisements. Of a pool that is rejected only the labels
// are known.
func (c *compiler) definitions() map[string]ipam.Pool {
	definitions := map[string]ipam.Pool{}
	for i := range c.advertisements {
		for _, name := range c.advertisements[i].value.Pools {
			definitions[name] = ipam.Pool{Name: name}
		}
	}
	for i := range c.in.Pools {
		definitions[c.in.Pools[i].Name] = ipam.Pool{Name: c.in.Pools[i].Name, Labels: c.in.Pools[i].Labels}
	}
	for _, pool := range c.pools {
		definitions[pool.Name] = pool
	}
	return definitions
}

// reuse replaces pools by the previous policy's where they are the same.
func (c *compiler) reuse(p *Policy) {
	for name, pool := range p.byName {
		if last := c.last.byName[name]; last != nil && last.equal(pool) {
			p.byName[name] = last
		}
	}
	if last := c.last.unknown; last != nil && last.equal(p.unknown) {
		p.unknown = last
	}
}

// pool returns what is done about the addresses of a pool. An advertisement whose aggregation length has no room in the
// pool, or which contradicts another about the pool, is rejected, and not used for this pool.
func (c *compiler) pool(definition ipam.Pool, all peers) *Pool {
	var selecting []candidate[advertisement]
	for _, adv := range c.advertisements {
		if !selects(&adv.value, &definition) || !adv.value.SelectsNode(c.in.Node.Labels) {
			continue
		}
		if err := bgp.CheckAggregation(adv.value.Advertisement, definition); err != nil {
			c.reject(adv.object, fmt.Errorf("pool %q: %w", definition.Name, err), NotInUse)
			continue
		}
		selecting = append(selecting, adv)
	}
	node := []labels.Set{c.in.Node.Labels}
	admitted := admit(c, selecting, func(a, b advertisement) error {
		return bgp.CheckAttributes(a.Advertisement, b.Advertisement, definition, node)
	})

	pool := &Pool{Name: definition.Name, definition: definition}
	for i := range admitted {
		pool.Advertisements = append(pool.Advertisements, compileAdvertisement(admitted[i].value, all))
	}
	slices.SortFunc(pool.Advertisements, func(a, b Advertisement) int { return cmp.Compare(a.Name, b.Name) })
	return pool
}

// selects reports whether the advertisement selects the pool. What labels a pool had that nobody has seen is unknown, and
// no selector matches it.
func selects(adv *advertisement, pool *ipam.Pool) bool {
	if pool.Labels == nil && len(pool.Ranges) == 0 && len(adv.PoolSelectors) > 0 {
		return slices.Contains(adv.Pools, pool.Name)
	}
	return adv.SelectsPool(pool.Name, pool.Labels)
}

func compileAdvertisement(source advertisement, all peers) Advertisement {
	return Advertisement{
		Name:        source.Name,
		Communities: source.communities,
		Attributes:  source.Attributes,
		PeersV4:     selectedBy(&source, all.v4),
		PeersV6:     selectedBy(&source, all.v6),
		source:      source,
	}
}

// peers of the node's sessions, by family.
type peers struct{ v4, v6 []string }

func peersOf(sessions []bgp.Peer) peers {
	var p peers
	for i := range sessions {
		if sessions[i].Families.IPv4 {
			p.v4 = append(p.v4, sessions[i].Name)
		}
		if sessions[i].Families.IPv6 {
			p.v6 = append(p.v6, sessions[i].Name)
		}
	}
	return p
}

func selectedBy(a *advertisement, peers []string) []string {
	var selected []string
	for _, name := range peers {
		if a.SelectsPeer(name) {
			selected = append(selected, name)
		}
	}
	return selected
}
