// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
)

// policy puts together what was accepted.
func (c *compiler) policy() *Policy {
	p := &Policy{
		NetworkUnavailable: c.in.Node.NetworkUnavailable,
		Excluded:           c.in.Node.excluded(),
		routerID:           c.in.Node.routerID(c.last.routerID),
		accepted:           c.accepted,
		pools:              ipam.NewPools(slices.Collect(maps.Values(c.accepted.pools))...),
		byName:             map[string]*Pool{},
	}
	p.Sessions = c.sessions(p.routerID)
	definitions := c.definitions()
	c.circumstances = c.begin(p.Sessions, definitions)
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		p.byName[name] = c.pool(definitions[name])
	}
	p.unknown = c.pool(ipam.Pool{})
	p.circumstances = c.circumstances
	c.reuse(p)
	return p
}

// definitions returns every pool that has a name, be it only in advertisements.
func (c *compiler) definitions() map[string]ipam.Pool {
	definitions := map[string]ipam.Pool{}
	for _, adv := range c.accepted.advertisements {
		for _, name := range adv.Pools {
			definitions[name] = ipam.Pool{Name: name}
		}
	}
	maps.Copy(definitions, c.accepted.retired)
	maps.Copy(definitions, c.accepted.pools)
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
	if reflect.DeepEqual(c.last.circumstances, p.circumstances) {
		p.circumstances = c.last.circumstances
	}
}

// pool returns what is done about the addresses of a pool. An advertisement whose aggregation length has no room in the
// pool, or which contradicts another about the pool, is rejected, and what it meant to this pool before stays in force.
func (c *compiler) pool(definition ipam.Pool) *Pool {
	const kind = KindBGPAdvertisement
	before := c.before(definition.Name)
	candidates := map[string]candidate[advertisement]{}
	for _, name := range slices.Sorted(maps.Keys(c.accepted.advertisements)) {
		adv := c.accepted.advertisements[name]
		if !selects(&adv, &definition) {
			continue
		}
		err := bgp.CheckAggregation(adv.Advertisement, definition)
		if !adv.SelectsNode(c.in.Node.Labels) {
			if err == nil {
				c.noteElsewhere(definition.Name, &adv)
			}
			continue
		}
		if err != nil {
			good, found := before[name]
			c.reject(kind, types.NamespacedName{Namespace: adv.namespace, Name: name}, fmt.Errorf("pool %q: %w", definition.Name, err), found)
			if !found {
				continue
			}
			adv = good
		}
		candidates[name] = candidate[advertisement]{adv.namespace, adv}
	}
	node := []labels.Set{c.in.Node.Labels}
	admitted := admit(c, kind, candidates, before, func(a, b advertisement) error {
		return cmp.Or(bgp.CheckLocalPref(a.Advertisement, b.Advertisement, definition, node),
			bgp.CheckASPathPrepend(a.Advertisement, b.Advertisement, definition, node))
	})

	pool := &Pool{Name: definition.Name, definition: definition}
	for _, name := range slices.Sorted(maps.Keys(admitted)) {
		adv := admitted[name]
		pool.Advertisements = append(pool.Advertisements, compileAdvertisement(adv, pool.Name, c.circumstances.peers))
		if reflect.DeepEqual(adv, c.accepted.advertisements[name]) {
			c.noteElsewhere(definition.Name, &adv)
		}
	}
	return pool
}

// before returns what advertisements meant to the pool in the previous policy, by name.
func (c *compiler) before(pool string) map[string]advertisement {
	before := map[string]advertisement{}
	if last := c.last.byName[pool]; last != nil {
		for _, a := range last.Advertisements {
			before[a.Name] = a.source
		}
	}
	return before
}

// selects reports whether the advertisement selects the pool. What labels a pool had that nobody has seen is unknown, and
// no selector matches it.
func selects(adv *advertisement, pool *ipam.Pool) bool {
	if pool.Labels == nil && len(pool.Ranges) == 0 && len(adv.PoolSelectors) > 0 {
		return slices.Contains(adv.Pools, pool.Name)
	}
	return adv.SelectsPool(pool.Name, pool.Labels)
}

func compileAdvertisement(source advertisement, pool string, all peers) Advertisement {
	a := Advertisement{
		Name:          source.Name,
		Communities:   source.communities,
		LocalPref:     source.LocalPref,
		ASPathPrepend: source.ASPathPrepend,
		source:        source,
		pool:          pool,
	}
	a.PeersV4, a.PeersV6 = all.selectedBy(&source)
	return a
}
