// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"slices"
	"sort"

	"metallb.io/metallb/api/ipam"
)

// owners finds the pool that an address belongs to, in time logarithmic in the number of ranges.
type owners struct {
	pools ipam.Pools
	spans []span
	// overlapping pools, which nobody would admit, are tried in their order.
	overlapping bool
}

type span struct {
	ipam.Range
	pool int
}

func newOwners(pools ipam.Pools) *owners {
	o := &owners{pools: pools}
	for i := range pools {
		for _, r := range pools[i].Ranges {
			o.spans = append(o.spans, span{r, i})
		}
	}
	slices.SortFunc(o.spans, func(a, b span) int { return byAddress(a.Range, b.Range) })
	for i := 1; i < len(o.spans); i++ {
		o.overlapping = o.overlapping || o.spans[i-1].Overlaps(o.spans[i].Range)
	}
	return o
}

// find is ipam.Pools.Find.
func (o *owners) find(a netip.Addr) (*ipam.Pool, bool) {
	if o.overlapping {
		return o.pools.Find(a)
	}
	last := lastFrom(a, len(o.spans), func(i int) netip.Addr { return o.spans[i].From })
	if last < 0 {
		return nil, false
	}
	p := &o.pools[o.spans[last].pool]
	return p, p.Contains(a)
}

// lastFrom returns the index of the last of n ranges that begins at or before the address, or -1. If the ranges are in
// order and do not overlap it is the only one that can contain it.
func lastFrom(a netip.Addr, n int, from func(int) netip.Addr) int {
	return sort.Search(n, func(i int) bool { return a.Less(from(i)) }) - 1
}

// within reports whether one of the ranges, which are a union, contains the address.
func within(ranges []ipam.Range, a netip.Addr) bool {
	last := lastFrom(a, len(ranges), func(i int) netip.Addr { return ranges[i].From })
	return last >= 0 && ranges[last].Contains(a)
}

func byAddress(a, b ipam.Range) int {
	if c := a.From.Compare(b.From); c != 0 {
		return c
	}
	return a.To.Compare(b.To)
}

// union returns the addresses that are in one of the ranges, as ranges that have none in common, in order.
func union(ranges []ipam.Range) []ipam.Range {
	slices.SortFunc(ranges, byAddress)
	var merged []ipam.Range
	for _, r := range ranges {
		if last := len(merged) - 1; last >= 0 && merged[last].Overlaps(r) {
			if merged[last].To.Less(r.To) {
				merged[last].To = r.To
			}
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

// intersection returns the addresses that are in both ranges, which overlap.
func intersection(a, b ipam.Range) ipam.Range {
	if a.From.Less(b.From) {
		a.From = b.From
	}
	if b.To.Less(a.To) {
		a.To = b.To
	}
	return a
}

// covers reports whether the ranges, which are a union, contain every address of the range.
func covers(ranges []ipam.Range, r ipam.Range) bool {
	first := max(lastFrom(r.From, len(ranges), func(i int) netip.Addr { return ranges[i].From }), 0)
	return len(cut(r, ranges[first:])) == 0
}

// subtract returns the addresses of the ranges that are in none of the others.
func subtract(ranges, others []ipam.Range) []ipam.Range {
	ranges, others = union(slices.Clone(ranges)), union(slices.Clone(others))
	rest := make([]ipam.Range, 0, len(ranges))
	for _, r := range ranges {
		for len(others) > 0 && others[0].To.Less(r.From) {
			others = others[1:]
		}
		rest = append(rest, cut(r, others)...)
	}
	return rest
}

// cut returns what is left of the range without the others, which are in order and have no address in common.
func cut(r ipam.Range, others []ipam.Range) []ipam.Range {
	var rest []ipam.Range
	for _, o := range others {
		if r.To.Less(o.From) {
			break
		}
		if !r.Overlaps(o) {
			continue
		}
		if r.From.Less(o.From) {
			rest = append(rest, ipam.Range{From: r.From, To: o.From.Prev()})
		}
		if !o.To.Less(r.To) {
			return rest
		}
		r.From = o.To.Next()
	}
	return append(rest, r)
}
