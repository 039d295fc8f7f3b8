// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"net/netip"
	"slices"

	"metallb.io/metallb/api/ipam"
)

// replacePools counts the addresses in use to the pools that they are in now.
func (a *Allocator) replacePools(pools ipam.Pools, abandoned []string) {
	for name := range a.spaces {
		a.changed[name] = struct{}{}
	}
	a.pools, a.spaces, a.abandoned = pools, map[string]*space{}, map[string]bool{}
	for _, name := range abandoned {
		a.abandoned[name] = true
	}
	clear(a.assigned)
	for i := range pools {
		a.spaces[pools[i].Name] = newSpace(&pools[i])
		a.changed[pools[i].Name] = struct{}{}
	}
	for _, u := range a.usages {
		u.pool = a.poolOf(u.address, u.pool)
		a.occupy(u)
	}
}

// heldFrom returns the pool that a service with the request holds the address from. A pool that it requests stays the one,
// so that no change of pools moves the service; also if the request came after the change, and the status says it yet.
func (a *Allocator) heldFrom(r *Request, c choice) string {
	recorded := func(as Assignment) bool { return as.Address == c.address && as.Pool == r.Pool }
	if r.Pool != "" && (r.Pool == c.pool || slices.ContainsFunc(r.Recorded, recorded)) {
		return r.Pool
	}
	return a.poolOf(c.address, c.pool)
}

// poolOf returns the pool that contains the address, or the one given if none does.
func (a *Allocator) poolOf(address netip.Addr, recorded string) string {
	if s := a.spaces[recorded]; s != nil && s.pool.Contains(address) {
		return recorded
	}
	if p, ok := a.pools.Find(address); ok {
		return p.Name
	}
	return recorded
}
