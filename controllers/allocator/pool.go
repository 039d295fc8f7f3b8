// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"math"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/api/ipam"
)

// poolState is one pool, which of its addresses are in use, and what services hold from it. Of a pool that is not in use any
// more there is a state as long as anything is held from it.
type poolState struct {
	name  string
	inUse bool
	pool  ipam.Pool
	// taken are the addresses in use, and with them those next to them that AvoidBuggyIPs excludes: an excluded address
	// outside a run is always next to a free one, so looking for a free address skips two at most.
	taken runs
	size  map[corev1.IPFamily]int64
	// inside counts the addresses in use that the pool contains, assigned those as well that it has ceased to contain.
	inside, assigned map[corev1.IPFamily]int64
	// services counts those that hold an address from the pool.
	services int
	// incompatible are the addresses held from the pool that it does not contain.
	incompatible map[Held]struct{}
}

func newPool(name string) *poolState {
	return &poolState{
		name: name, size: map[corev1.IPFamily]int64{}, inside: map[corev1.IPFamily]int64{}, assigned: map[corev1.IPFamily]int64{},
		incompatible: map[Held]struct{}{},
	}
}

// configure brings the pool into use or, if it has no ranges, takes it out of use. The addresses in use that are affected are not counted
// meanwhile.
func (p *poolState) configure(now *ipam.Pool) {
	if now.AvoidBuggyIPs != p.pool.AvoidBuggyIPs {
		p.taken = runs{}
	}
	p.inUse, p.pool = len(now.Ranges) > 0, *now
	p.pool.Labels = nil // They matter to advertisements.
	p.size[corev1.IPv4Protocol], p.size[corev1.IPv6Protocol] = now.Size()
}

// unused reports whether there is nothing to know of the pool any more.
func (p *poolState) unused() bool {
	return !p.inUse && p.services == 0 && p.assigned[corev1.IPv4Protocol]+p.assigned[corev1.IPv6Protocol] == 0
}

// isInUse reports whether the pool, which may be nil, is in use, contains also whether it may give the address to a service.
func (p *poolState) isInUse() bool { return p != nil && p.inUse }

func (p *poolState) contains(a netip.Addr) bool { return p.isInUse() && p.pool.Contains(a) }

// take marks an address as in use.
func (p *poolState) take(a netip.Addr) {
	p.assigned[FamilyOf(a)]++
	if !p.contains(a) {
		return
	}
	p.inside[FamilyOf(a)]++
	from, to := a, a
	for p.excludes(from.Prev()) {
		from = from.Prev()
	}
	for p.excludes(to.Next()) {
		to = to.Next()
	}
	p.taken.add(from, to)
}

// free marks an address as no longer in use.
func (p *poolState) free(a netip.Addr) {
	p.assigned[FamilyOf(a)]--
	if p.contains(a) {
		p.inside[FamilyOf(a)]--
		p.taken.remove(a)
	}
}

// lowest returns the first free address of the family, in the order of ranges and addresses.
func (p *poolState) lowest(family corev1.IPFamily) (netip.Addr, bool) {
	if p.available(family) == 0 {
		return netip.Addr{}, false
	}
	for _, r := range p.pool.Ranges {
		if FamilyOf(r.From) != family {
			continue
		}
		if a, ok := p.lowestIn(r); ok {
			return a, true
		}
	}
	return netip.Addr{}, false
}

func (p *poolState) lowestIn(r ipam.Range) (netip.Addr, bool) {
	a := r.From
	for a.IsValid() && !r.To.Less(a) {
		if end, used := p.taken.end(a); used {
			a = end.Next()
			continue
		}
		if !p.excludes(a) {
			return a, true
		}
		a = a.Next()
	}
	return netip.Addr{}, false
}

// offer returns the first address of the family that the pool can give: a free one or one of those that can be shared.
func (p *poolState) offer(f corev1.IPFamily, shareable []*addressEntry) (netip.Addr, bool) {
	best, ok := p.lowest(f)
	for _, e := range shareable {
		if FamilyOf(e.address) == f && p.contains(e.address) && (!ok || p.precedes(e.address, best)) {
			best, ok = e.address, true
		}
	}
	return best, ok
}

// precedes reports whether the pool gives one address, which it contains, before the other.
func (p *poolState) precedes(a, b netip.Addr) bool {
	i, j := p.rangeOf(a), p.rangeOf(b)
	return i < j || i == j && a.Less(b)
}

func (p *poolState) rangeOf(a netip.Addr) int {
	for i, r := range p.pool.Ranges {
		if r.Contains(a) {
			return i
		}
	}
	return len(p.pool.Ranges)
}

// excludes reports whether AvoidBuggyIPs keeps the address from being used.
func (p *poolState) excludes(a netip.Addr) bool {
	if !p.pool.AvoidBuggyIPs || !a.Is4() {
		return false
	}
	last := a.As4()[3]
	return last == 0 || last == math.MaxUint8
}

// available returns how many addresses are not in use. Of a pool whose size is saturated nobody knows better.
func (p *poolState) available(family corev1.IPFamily) int64 {
	if p.size[family] == math.MaxInt64 {
		return math.MaxInt64
	}
	return p.size[family] - p.inside[family]
}

// standing returns how the pool, which may be nil, stands to a request for an address of the family, in terms of the cause for
// which it gives none: if it could give one it is exhausted. "" is that of a pool that has nothing to do with the request.
func (p *poolState) standing(r *Request, f corev1.IPFamily) Cause {
	switch {
	case !p.isInUse() || r.Pool != "" && r.Pool != p.name:
		return ""
	case r.Pool == "" && !p.pool.AutoAssign:
		return NotAutoAssigned
	case !p.admits(r):
		return NotSelected
	case p.size[f] > 0:
		return PoolExhausted
	case slices.ContainsFunc(p.pool.Ranges, func(span ipam.Range) bool { return FamilyOf(span.From) == f }):
		return FamilyAvoided
	}
	return FamilyMissing
}

// admits reports whether the pool's serviceAllocation admits the service.
func (p *poolState) admits(r *Request) bool {
	return p.pool.Admits(r.Service.Namespace, r.NamespaceLabels, r.Labels)
}
