// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/controllers/config"
)

// Counts are numbers of addresses of a pool. An address that services share counts once.
type Counts struct {
	// Assigned addresses, those included that the pool has ceased to contain.
	AssignedIPv4, AssignedIPv6 int64
	// Available addresses, saturating at math.MaxInt64.
	AvailableIPv4, AvailableIPv6 int64
	// Size is all addresses that the pool contains, saturating at math.MaxInt64.
	SizeIPv4, SizeIPv6 int64
}

// Counts returns the counts of every pool in force, by name.
func (a *Allocator) Counts() map[string]Counts {
	a.mu.Lock()
	defer a.mu.Unlock()
	counts := make(map[string]Counts, len(a.spaces))
	for name := range a.spaces {
		counts[name] = a.counts(name)
	}
	return counts
}

// PoolCounts returns the counts of one pool. Of a pool that is not in force, only the addresses assigned count.
func (a *Allocator) PoolCounts(pool string) Counts {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counts(pool)
}

func (a *Allocator) counts(pool string) Counts {
	c := Counts{
		AssignedIPv4: a.assigned[poolFamily{pool, corev1.IPv4Protocol}],
		AssignedIPv6: a.assigned[poolFamily{pool, corev1.IPv6Protocol}],
	}
	if s := a.spaces[pool]; s != nil {
		c.AvailableIPv4, c.AvailableIPv6 = s.available(corev1.IPv4Protocol), s.available(corev1.IPv6Protocol)
		c.SizeIPv4, c.SizeIPv6 = s.size[corev1.IPv4Protocol], s.size[corev1.IPv6Protocol]
	}
	return c
}

// ServicesByPool returns how many services hold addresses of each pool, if any does.
func (a *Allocator) ServicesByPool() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	services := map[string]int{}
	for _, h := range a.holders {
		for i, c := range h.held {
			if !slices.ContainsFunc(h.held[:i], func(other choice) bool { return other.pool == c.pool }) {
				services[c.pool]++
			}
		}
	}
	return services
}

// Incompatible returns the addresses of the pool that are held against its present configuration, by service.
func (a *Allocator) Incompatible(pool string) config.Impacts {
	a.mu.Lock()
	defer a.mu.Unlock()
	claims := make(config.Impacts, 0, len(a.incompatible[pool]))
	for c := range a.incompatible[pool] {
		claims = append(claims, c)
	}
	claims.Sort()
	return claims
}

// HasIncompatible reports whether any service holds an address that no pool would give it.
func (a *Allocator) HasIncompatible() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.incompatible) > 0
}

// Services returns every service that holds an address or waits for one, by name.
func (a *Allocator) Services() []types.NamespacedName {
	a.mu.Lock()
	defer a.mu.Unlock()
	names := make([]types.NamespacedName, 0, len(a.holders)+len(a.waiters))
	for name := range a.holders {
		names = append(names, name)
	}
	for name := range a.waiters {
		if a.holders[name] == nil {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, compareNames)
	return names
}

// Changed returns the pools whose counts or incompatible addresses may have changed since it was last called.
func (a *Allocator) Changed() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	names := make([]string, 0, len(a.changed))
	for name := range a.changed {
		names = append(names, name)
	}
	clear(a.changed)
	return names
}

// result tells what the service holds.
func (a *Allocator) result(service types.NamespacedName) Result {
	h := a.holders[service]
	if h == nil {
		return Result{}
	}
	var r Result
	for _, c := range h.held {
		_, incompatible := h.claims[c.address]
		as := Assignment{Address: c.address, Pool: c.pool, Incompatible: incompatible}
		if _, disputed := h.disputed[c.address]; disputed {
			as.Disputed = a.dispute(h, c.address)
		}
		r.Assignments = append(r.Assignments, as)
	}
	for _, g := range h.given {
		if g.why != nil {
			r.Moved = append(r.Moved, *g.why)
		}
	}
	return r
}

// dispute returns the service that still has the better right to the address, and forgets the dispute if there is none.
func (a *Allocator) dispute(h *holder, address netip.Addr) types.NamespacedName {
	u := a.usages[address]
	if reason := u.admits(h.request.Service, u.users[h.request.Service]); reason != nil {
		return reason.By
	}
	delete(h.disputed, address)
	return types.NamespacedName{}
}

// judge records which of the addresses held the pools that they are held from would not give to the service any more.
func (a *Allocator) judge(h *holder) {
	name := h.request.Service
	var claims map[netip.Addr]string
	for _, c := range h.held {
		if a.owns(&h.request, c) {
			continue
		}
		if claims == nil {
			claims = map[netip.Addr]string{}
		}
		claims[c.address] = c.pool
	}
	if maps.Equal(claims, h.claims) {
		return
	}
	for address, pool := range h.claims {
		delete(a.incompatible[pool], config.Impact{Service: name, Address: address})
		if len(a.incompatible[pool]) == 0 {
			delete(a.incompatible, pool)
		}
		a.changed[pool] = struct{}{}
	}
	h.claims = claims
	for address, pool := range claims {
		if a.incompatible[pool] == nil {
			a.incompatible[pool] = map[config.Impact]struct{}{}
		}
		a.incompatible[pool][config.Impact{Service: name, Address: address}] = struct{}{}
		a.changed[pool] = struct{}{}
	}
}
