// SPDX-License-Identifier: Apache-2.0

package config

import (
	"iter"
	"net/netip"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
)

// Lost returns what services would lose by a change of the configuration: what they could own or were announced at before,
// and not afterwards.
func Lost(before, after Objects, state ClusterState) Impacts {
	was, is, n := parseAll(before), parseAll(after), newNodes(state.Nodes)
	c := comparison{was: &was, is: &is, before: newRoutes(&was, n), after: newRoutes(&is, n), state: state}
	return c.lost()
}

// lost returns what services would lose.
func (c *comparison) lost() Impacts {
	if c.state.Holdings == nil {
		return nil
	}
	c.owned = map[address]bool{}
	c.unparsed()
	c.moved()
	c.unreached()
	c.impacts.Sort()
	return slices.Compact(c.impacts)
}

// narrows reports whether some service could lose an address or a route.
func (c *comparison) narrows() bool {
	for _, name := range names(c.was.labels, c.is.labels) {
		old, now := c.was.pools[name], c.is.pools[name]
		if len(subtract(old.Ranges, now.Ranges)) > 0 || !old.AvoidBuggyIPs && now.AvoidBuggyIPs || !admitSame(old.Allocation, now.Allocation) {
			return true
		}
	}
	for _, name := range names(c.before.pools, c.after.pools) {
		if lessThan(c.after.advertisers(name), c.before.advertisers(name)) {
			return true
		}
	}
	return lessThan(c.after.gone, c.before.gone)
}

// comparison is that of a configuration with the one before, as to what services would lose. It looks at those only that
// the difference may concern.
type comparison struct {
	was, is       *parsedObjects
	before, after *Routes
	state         ClusterState
	// both is whether a lost route is reported of an address of which ownership is lost too.
	both bool

	impacts Impacts
	// owned are the addresses of which a claim of ownership tells already.
	owned map[address]bool
}

type address struct {
	service types.NamespacedName
	address netip.Addr
}

// moved looks at the addresses that pools have ceased to give, or give now.
func (c *comparison) moved() {
	all := names(c.was.pools, c.is.pools)
	ranges := make([]ipam.Range, 0, len(all))
	var fallback []string
	for _, name := range all {
		was, is := c.was.pools[name], c.is.pools[name]
		ranges = append(ranges, c.differing(&was, &is)...)
		if families(was) != families(is) {
			fallback = append(fallback, name)
		}
	}
	for _, r := range union(ranges) {
		c.each(c.state.Holdings.In(r), c.check)
	}
	// What no pool contains is announced as the pool's that it is most likely of.
	for _, name := range fallback {
		c.each(c.state.Holdings.From(name), c.checkRoute)
	}
}

// differing returns the addresses for which it may make a difference that a pool has changed. A pool that is not there is
// the zero Pool.
func (c *comparison) differing(was, is *ipam.Pool) []ipam.Range {
	sameTerms := was.AvoidBuggyIPs == is.AvoidBuggyIPs && admitSame(was.Allocation, is.Allocation)
	if c.before.owners.overlapping || c.after.owners.overlapping {
		// The order of pools matters too.
		if sameTerms && slices.Equal(was.Ranges, is.Ranges) && reflect.DeepEqual(was.Allocation, is.Allocation) {
			return nil
		}
		return slices.Concat(was.Ranges, is.Ranges)
	}
	if sameTerms && slices.Equal(was.Ranges, is.Ranges) {
		return nil
	}
	differing := subtract(is.Ranges, was.Ranges)
	if sameTerms {
		return append(differing, subtract(was.Ranges, is.Ranges)...)
	}
	return append(differing, was.Ranges...)
}

// admitSame reports whether both admit the same services.
func admitSame(a, b *ipam.Allocation) bool {
	if a == nil || b == nil {
		return a == b
	}
	return reflect.DeepEqual(a.Namespaces, b.Namespaces) && text(a.NamespaceSelectors) == text(b.NamespaceSelectors) &&
		text(a.ServiceSelectors) == text(b.ServiceSelectors)
}

func families(p ipam.Pool) (has [2]bool) {
	for _, r := range p.Ranges {
		if r.From.Is4() {
			has[0] = true
		} else {
			has[1] = true
		}
	}
	return has
}

// unparsed looks at what services were given by pools that did not parse, and that are others now or no more. Whether
// these gave it to them nobody knows, so they count as if they had.
func (c *comparison) unparsed() {
	for _, name := range names(c.was.labels, nil) {
		_, parsed := c.was.pools[name]
		_, parses := c.is.pools[name]
		if _, exists := c.is.labels[name]; parsed || exists && !parses {
			continue
		}
		c.each(c.state.Holdings.From(name), func(h *Holding) {
			if owner, _ := c.before.owningPool(h); owner == name && !c.compatible(c.after, h) {
				c.lose(h, Ownership)
			}
		})
	}
}

// unreached looks at the addresses of pools that are announced to fewer services.
func (c *comparison) unreached() {
	for _, name := range names(c.before.pools, c.after.pools) {
		if !lessThan(c.after.advertisers(name), c.before.advertisers(name)) {
			continue
		}
		ranges := union(slices.Concat(c.was.pools[name].Ranges, c.is.pools[name].Ranges))
		for _, r := range ranges {
			c.each(c.state.Holdings.In(r), c.checkRoute)
		}
		c.each(c.state.Holdings.From(name), func(h *Holding) {
			if !within(ranges, h.Address) {
				c.checkRoute(h)
			}
		})
	}
	if !lessThan(c.after.gone, c.before.gone) {
		return
	}
	c.each(c.state.Holdings.All(), func(h *Holding) {
		if name, found := c.before.owningPool(h); found && c.before.pools[name] == nil {
			c.checkRoute(h)
		}
	})
}

func lessThan(r, other *advertisers) bool {
	return r.ipv4.coversLess(&other.ipv4) || r.ipv6.coversLess(&other.ipv6)
}

func (c *comparison) each(holdings iter.Seq[Holding], look func(*Holding)) {
	for h := range holdings {
		look(&h)
	}
}

// judge looks for either loss.
func (c *comparison) check(h *Holding) {
	if c.compatible(c.before, h) && !c.compatible(c.after, h) {
		c.lose(h, Ownership)
		if !c.both {
			return
		}
	}
	c.checkRoute(h)
}

// checkRoute looks for a loss of the route.
func (c *comparison) checkRoute(h *Holding) {
	if !c.before.Announces(*h) || c.after.Announces(*h) || !c.both && c.owned[address{h.Service, h.Address}] {
		return
	}
	// An address that no record says is ours, and that no pool gives, is another load balancer's.
	if len(h.Recorded) == 0 && !c.compatible(c.before, h) {
		return
	}
	c.lose(h, Route)
}

func (c *comparison) lose(h *Holding, loss Loss) {
	c.impacts = append(c.impacts, Impact{Service: h.Service, Address: h.Address, Loss: loss})
	if loss == Ownership {
		c.owned[address{h.Service, h.Address}] = true
	}
}

// compatible reports whether the pools would give the service the address that it holds.
func (c *comparison) compatible(r *Routes, h *Holding) bool {
	p, found := r.owners.find(h.Address)
	if !found || h.RequestedPool != "" && h.RequestedPool != p.Name {
		return false
	}
	return p.Allocation == nil || p.Admits(h.Service.Namespace, c.namespace(h.Service.Namespace), h.Labels)
}

// namespace returns the labels of the namespace.
func (c *comparison) namespace(name string) labels.Set {
	if c.state.NamespaceLabels == nil {
		return nil
	}
	return c.state.NamespaceLabels(name)
}
