// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"metallb.io/metallb/api/ipam"
)

// Redefined returns the pools that give other addresses than before, those that are new or gone included, or that have come into use,
// and the ranges that they had or have. Addresses that are in none of these ranges and not recorded as allocated from one of these pools are of the
// same pool as before.
func (r *Routes) Redefined(before *Routes) (pools []string, ranges []ipam.Range) {
	note := func(p ipam.Pool) {
		pools = append(pools, p.Name)
		ranges = append(ranges, p.Ranges...)
	}
	fresh, wasFresh := r.freshNames(), before.freshNames()
	for name, is := range r.defined {
		was, known := before.defined[name]
		if known && fresh[name] == wasFresh[name] && is.AvoidBuggyIPs == was.AvoidBuggyIPs && priority(&is) == priority(&was) && slices.Equal(is.Ranges, was.Ranges) {
			continue
		}
		note(is)
		ranges = append(ranges, was.Ranges...)
	}
	for name, was := range before.defined {
		if _, known := r.defined[name]; !known {
			note(was)
		}
	}
	return pools, ranges
}

// freshNames returns the pools that are not in use yet, so that they take no address from one that is.
func (r *Routes) freshNames() map[string]bool {
	names := map[string]bool{}
	if r.fresh != nil {
		for i := range r.fresh.pools {
			names[r.fresh.pools[i].Name] = true
		}
	}
	return names
}

// priority is the pool's, by serviceAllocation; of pools that overlap the first one by priority has the address.
func priority(p *ipam.Pool) int {
	if p.Allocation == nil {
		return -1
	}
	return p.Allocation.Priority
}

// SelectsAsBefore reports whether the advertisements that select the pool have the names and the service selectors that they had
// before: then Select returns advertisements of the same names for an address of the pool.
func (r *Routes) SelectsAsBefore(before *Routes, pool string) bool {
	return slices.EqualFunc(r.advertisers(pool).all, before.advertisers(pool).all, func(a, b *announcer) bool {
		return a.Name == b.Name && a.services == b.services
	})
}

// Reselect returns the Selection of addresses of the pool that the advertisements of these names select, of which some may be gone.
func (r *Routes) Reselect(pool string, advertisements []string) Selection {
	if pool == "" {
		return Selection{}
	}
	all := r.advertisers(pool).all
	s := Selection{Pool: pool, Advertised: len(all) > 0}
	for _, a := range all {
		if slices.Contains(advertisements, a.Name) {
			s.by = append(s.by, a)
		}
	}
	return s
}
