// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"math"
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/api/ipam"
)

// space is one pool and which of its addresses are in use.
type space struct {
	pool ipam.Pool
	// taken are the addresses in use, and with them those next to them that AvoidBuggyIPs excludes: an excluded address
	// outside a run is always next to a free one, so looking for a free address skips two at most.
	taken runs
	size  map[corev1.IPFamily]int64
	// inside counts the addresses in use that the pool contains.
	inside map[corev1.IPFamily]int64
}

func newSpace(p *ipam.Pool) *space {
	v4, v6 := p.Size()
	return &space{
		pool:   *p,
		size:   map[corev1.IPFamily]int64{corev1.IPv4Protocol: v4, corev1.IPv6Protocol: v6},
		inside: map[corev1.IPFamily]int64{},
	}
}

// take marks an address as in use.
func (s *space) take(a netip.Addr) {
	if !s.pool.Contains(a) {
		return
	}
	s.inside[FamilyOf(a)]++
	from, to := a, a
	for s.excludes(from.Prev()) {
		from = from.Prev()
	}
	for s.excludes(to.Next()) {
		to = to.Next()
	}
	s.taken.add(from, to)
}

// free marks an address as no longer in use.
func (s *space) free(a netip.Addr) {
	if !s.pool.Contains(a) {
		return
	}
	s.inside[FamilyOf(a)]--
	s.taken.remove(a)
}

// lowest returns the first free address of the family, in the order of ranges and addresses.
func (s *space) lowest(family corev1.IPFamily) (netip.Addr, bool) {
	for _, r := range s.pool.Ranges {
		if FamilyOf(r.From) != family {
			continue
		}
		if a, ok := s.lowestIn(r); ok {
			return a, true
		}
	}
	return netip.Addr{}, false
}

func (s *space) lowestIn(r ipam.Range) (netip.Addr, bool) {
	a := r.From
	for a.IsValid() && !r.To.Less(a) {
		if end, used := s.taken.end(a); used {
			a = end.Next()
			continue
		}
		if !s.excludes(a) {
			return a, true
		}
		a = a.Next()
	}
	return netip.Addr{}, false
}

// precedes reports whether the pool gives one address, which it contains, before the other.
func (s *space) precedes(a, b netip.Addr) bool {
	i, j := s.rangeOf(a), s.rangeOf(b)
	return i < j || i == j && a.Less(b)
}

func (s *space) rangeOf(a netip.Addr) int {
	for i, r := range s.pool.Ranges {
		if r.Contains(a) {
			return i
		}
	}
	return len(s.pool.Ranges)
}

// excludes reports whether AvoidBuggyIPs keeps the address from being used.
func (s *space) excludes(a netip.Addr) bool {
	if !s.pool.AvoidBuggyIPs || !a.Is4() {
		return false
	}
	last := a.As4()[3]
	return last == 0 || last == math.MaxUint8
}

func (s *space) has(family corev1.IPFamily) bool { return s.size[family] > 0 }

// available returns how many addresses are not in use. Of a pool whose size is saturated nobody knows better.
func (s *space) available(family corev1.IPFamily) int64 {
	if s.size[family] == math.MaxInt64 {
		return math.MaxInt64
	}
	return s.size[family] - s.inside[family]
}
