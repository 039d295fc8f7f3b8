// SPDX-License-Identifier: Apache-2.0

package ipam

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
)

// Pools are pools in the order in which they are tried: by priority, 1 first and 0 last, then by name. No two overlap.
type Pools []Pool

// NewPools returns the pools in order. It does not check for overlaps.
func NewPools(pools ...Pool) Pools {
	ps := slices.Clone(pools)
	slices.SortStableFunc(ps, func(a, b Pool) int {
		return cmp.Or(cmp.Compare(a.priority(), b.priority()), strings.Compare(a.Name, b.Name))
	})
	return ps
}

// Find returns the pool that may give the address to a service.
func (ps Pools) Find(a netip.Addr) (*Pool, bool) {
	for i := range ps {
		if ps[i].Contains(a) {
			return &ps[i], true
		}
	}
	return nil, false
}

// ByName returns the pool of that name.
func (ps Pools) ByName(name string) (*Pool, bool) {
	for i := range ps {
		if ps[i].Name == name {
			return &ps[i], true
		}
	}
	return nil, false
}

// Overlap is a pair of ranges, of different pools, that have an address in common.
type Overlap struct {
	Pool, OtherPool   string
	Range, OtherRange Range
}

// String says which range is in the way of which.
func (o Overlap) String() string {
	return fmt.Sprintf("CIDR %q in pool %q overlaps with already defined CIDR %q in pool %q",
		o.Range, o.Pool, o.OtherRange, o.OtherPool)
}

// Overlaps returns every pair of ranges, of different pools, that have an address in common. The other pool of a pair is
// the one that comes first in the arguments, and pairs are in the order of the arguments.
func Overlaps(pools ...Pool) []Overlap {
	var ranges []Range
	var owner []int
	for i := range pools {
		for _, r := range pools[i].Ranges {
			ranges = append(ranges, r)
			owner = append(owner, i)
		}
	}
	var found []Overlap
	for _, pair := range overlaps(ranges, math.MaxInt) {
		first, second := pair[0], pair[1]
		if owner[first] == owner[second] {
			continue
		}
		found = append(found, Overlap{
			Pool: pools[owner[second]].Name, Range: ranges[second],
			OtherPool: pools[owner[first]].Name, OtherRange: ranges[first],
		})
	}
	return found
}

// overlaps returns the index pairs, lower index first and in order, of the ranges that have an address in common: all, or as
// many as the limit if there are more.
func overlaps(ranges []Range, limit int) [][2]int {
	order := make([]int, len(ranges))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return byAddress(ranges[i], ranges[j]) })
	var pairs [][2]int
	for k, i := range order {
		for _, j := range order[k+1:] {
			if len(pairs) == limit || !ranges[i].Overlaps(ranges[j]) {
				break
			}
			pairs = append(pairs, [2]int{min(i, j), max(i, j)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
	return pairs
}

func byAddress(a, b Range) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) }
