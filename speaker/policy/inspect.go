// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"slices"

	"metallb.io/metallb/api/ipam"
)

// Pools returns every pool that has a name, sorted by it: those that are in use, those that are rejected, and those that only
// advertisements know.
func (p *Policy) Pools() []*Pool {
	pools := make([]*Pool, 0, len(p.byName))
	for _, name := range slices.Sorted(maps.Keys(p.byName)) {
		pools = append(pools, p.byName[name])
	}
	return pools
}

// Exists reports whether the pool is in use, and not merely known by name.
func (p *Policy) Exists(pool *Pool) bool {
	_, found := p.pools.ByName(pool.Name)
	return found
}

// Ranges returns the addresses of the pool. They must not be changed.
func (p *Pool) Ranges() []ipam.Range { return p.definition.Ranges }

// AggregationLengths returns the prefix lengths to announce.
func (a *Advertisement) AggregationLengths() (v4, v6 int) {
	return a.source.AggregationLength, a.source.AggregationLengthV6
}

// ServiceSelectors returns what selects the services; none selects every service.
func (a *Advertisement) ServiceSelectors() []string {
	selectors := make([]string, 0, len(a.source.ServiceSelectors))
	for _, s := range a.source.ServiceSelectors {
		selectors = append(selectors, s.String())
	}
	return selectors
}
