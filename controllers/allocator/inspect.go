// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/controllers/config"
)

// Filter selects what is inspected; the zero value selects everything.
type Filter struct {
	// Service that holds addresses or waits.
	Service types.NamespacedName
	// Pool that addresses belong to, or are held from, or that services wait for.
	Pool string
}

// Inspection is what the allocator knows at one moment. It is a copy.
type Inspection struct {
	// Pools are sorted by name: those in force, and those that addresses are held from.
	Pools []InspectedPool
	// Addresses in use, sorted.
	Addresses []InspectedAddress
	// Waiters are the services whose request is not met or not wholly, in the order in which they are served.
	Waiters []InspectedWaiter
}

// InspectedPool is a pool in numbers.
type InspectedPool struct {
	Name    string
	InForce bool
	Counts
	// Incompatible are the addresses held that the pool would not give again, sorted.
	Incompatible config.Impacts
}

// InspectedAddress is an address in use.
type InspectedAddress struct {
	Address netip.Addr
	Pool    string
	// Holders are sorted by name.
	Holders []InspectedHolder
}

// InspectedHolder is a service that uses an address.
type InspectedHolder struct {
	Service types.NamespacedName
	Sharing Sharing
	// Given is whether the service has another address already, and this one is not free yet.
	Given bool
	// Incompatible is whether no pool would give the service the address again, Disputed who has the better right to it.
	Incompatible bool
	Disputed     types.NamespacedName
}

// InspectedWaiter is a service that waits.
type InspectedWaiter struct {
	Request Request
	// Held are the addresses that it has all the same.
	Held []netip.Addr
	// Refusal is why the request is not met; nil if another service has the better right to an address of it.
	Refusal *Refusal
}

// Inspect returns what the filter selects. Of one service, that costs in proportion to what it holds, else to all that is
// held.
func (a *Allocator) Inspect(f Filter) Inspection {
	i := a.copy(f)
	slices.SortFunc(i.Pools, func(p, q InspectedPool) int { return strings.Compare(p.Name, q.Name) })
	slices.SortFunc(i.Addresses, func(x, y InspectedAddress) int { return x.Address.Compare(y.Address) })
	slices.SortFunc(i.Waiters, func(v, w InspectedWaiter) int {
		return (&waiter{request: v.Request}).compare(&waiter{request: w.Request})
	})
	for _, p := range i.Pools {
		p.Incompatible.Sort()
	}
	for _, address := range i.Addresses {
		slices.SortFunc(address.Holders, func(x, y InspectedHolder) int { return compareNames(x.Service, y.Service) })
	}
	return i
}

// copy copies what the lock guards, in no order.
func (a *Allocator) copy(f Filter) Inspection {
	a.mu.Lock()
	defer a.mu.Unlock()
	var i Inspection
	pools := map[string]bool{}
	if f.Service == (types.NamespacedName{}) && f.Pool == "" {
		for name := range a.spaces {
			pools[name] = true
		}
	}
	for _, u := range a.usedBy(f.Service) {
		if f.Pool != "" && u.pool != f.Pool && !a.heldFromPool(u, f.Pool) {
			continue
		}
		i.Addresses = append(i.Addresses, a.inspectUsage(u))
		pools[u.pool] = f.Pool == ""
	}
	if f.Pool != "" {
		pools = map[string]bool{f.Pool: a.knows(f.Pool)}
	}
	maps.DeleteFunc(pools, func(_ string, wanted bool) bool { return !wanted })
	for name := range pools {
		i.Pools = append(i.Pools, a.inspectPool(name))
	}
	for name, w := range a.waiters {
		if (f.Service == (types.NamespacedName{}) || name == f.Service) && (f.Pool == "" || w.concerns(f.Pool)) {
			i.Waiters = append(i.Waiters, a.inspectWaiter(w))
		}
	}
	return i
}

// usedBy returns the addresses that the service uses; without a name all that are used.
func (a *Allocator) usedBy(service types.NamespacedName) []*usage {
	if service == (types.NamespacedName{}) {
		return slices.Collect(maps.Values(a.usages))
	}
	var found []*usage
	if h := a.holders[service]; h != nil {
		for _, c := range h.held {
			found = append(found, a.usages[c.address])
		}
		for _, g := range h.given {
			found = append(found, a.usages[g.address])
		}
	}
	return found
}

// heldFromPool reports whether a service holds the address from the pool, though it belongs to another.
func (a *Allocator) heldFromPool(u *usage, pool string) bool {
	for name := range u.users {
		if slices.Contains(a.holders[name].held, choice{u.address, pool}) {
			return true
		}
	}
	return false
}

// knows reports whether there is such a pool, or an address is held from it.
func (a *Allocator) knows(pool string) bool {
	return a.spaces[pool] != nil || a.incompatible[pool] != nil ||
		a.assigned[poolFamily{pool, corev1.IPv4Protocol}]+a.assigned[poolFamily{pool, corev1.IPv6Protocol}] > 0
}

func (a *Allocator) inspectPool(name string) InspectedPool {
	p := InspectedPool{Name: name, InForce: a.spaces[name] != nil, Counts: a.counts(name)}
	for c := range a.incompatible[name] {
		p.Incompatible = append(p.Incompatible, c)
	}
	return p
}

func (a *Allocator) inspectUsage(u *usage) InspectedAddress {
	found := InspectedAddress{Address: u.address, Pool: u.pool, Holders: make([]InspectedHolder, 0, len(u.users))}
	for name, terms := range u.users {
		h := a.holders[name]
		holder := InspectedHolder{Service: name, Sharing: terms, Given: !h.holds(u.address)}
		_, holder.Incompatible = h.claims[u.address]
		if _, disputed := h.disputed[u.address]; disputed {
			if reason := u.admits(name, terms); reason != nil {
				holder.Disputed = reason.By
			}
		}
		found.Holders = append(found.Holders, holder)
	}
	return found
}

func (a *Allocator) inspectWaiter(w *waiter) InspectedWaiter {
	found := InspectedWaiter{Request: w.request, Refusal: w.refusal}
	if h := a.holders[w.request.Service]; h != nil {
		for _, c := range h.held {
			found.Held = append(found.Held, c.address)
		}
	}
	return found
}

// concerns reports whether the service waits for the pool.
func (w *waiter) concerns(pool string) bool {
	return w.request.Pool == pool ||
		w.refusal != nil && slices.ContainsFunc(w.refusal.Reasons, func(r Reason) bool { return r.Pool == pool })
}
