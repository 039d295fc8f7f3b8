// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Held is an address that a service holds.
type Held struct {
	Service types.NamespacedName
	Address netip.Addr
}

// Counts are numbers of addresses of a pool. An address that services share counts once.
type Counts struct {
	// Assigned addresses, those included that the pool has ceased to contain.
	AssignedIPv4, AssignedIPv6 int64
	// Available addresses, saturating at math.MaxInt64.
	AvailableIPv4, AvailableIPv6 int64
	// Size is all addresses that the pool contains, saturating at math.MaxInt64.
	SizeIPv4, SizeIPv6 int64
}

// Counts returns the counts of every pool in use, by name.
func (a *Allocator) Counts() map[string]Counts {
	a.mu.Lock()
	defer a.mu.Unlock()
	counts := make(map[string]Counts, len(a.order))
	for i := range a.order {
		counts[a.order[i].Name] = a.pools[a.order[i].Name].counts()
	}
	return counts
}

// PoolCounts returns the counts of one pool. Of a pool that is not in use, only the addresses assigned count.
func (a *Allocator) PoolCounts(pool string) Counts {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pools[pool].counts()
}

func (p *poolState) counts() Counts {
	if p == nil {
		return Counts{}
	}
	c := Counts{AssignedIPv4: p.assigned[corev1.IPv4Protocol], AssignedIPv6: p.assigned[corev1.IPv6Protocol]}
	if p.inUse {
		c.AvailableIPv4, c.AvailableIPv6 = p.available(corev1.IPv4Protocol), p.available(corev1.IPv6Protocol)
		c.SizeIPv4, c.SizeIPv6 = p.size[corev1.IPv4Protocol], p.size[corev1.IPv6Protocol]
	}
	return c
}

// ServicesByPool returns how many services hold addresses of each pool, if any does.
func (a *Allocator) ServicesByPool() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	services := map[string]int{}
	for name, p := range a.pools {
		if p.services > 0 {
			services[name] = p.services
		}
	}
	return services
}

// Incompatible returns the addresses that services hold from the pool, and that it does not contain any more, by service.
func (a *Allocator) Incompatible(pool string) []Held {
	a.mu.Lock()
	defer a.mu.Unlock()
	return sorted(a.pools[pool])
}

func sorted(p *poolState) []Held {
	if p == nil {
		return nil
	}
	return slices.SortedFunc(maps.Keys(p.incompatible), func(x, y Held) int {
		if c := compareNames(x.Service, y.Service); c != 0 {
			return c
		}
		return x.Address.Compare(y.Address)
	})
}

// HasIncompatible reports whether any service holds an address that no pool contains.
func (a *Allocator) HasIncompatible() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.pools {
		if len(p.incompatible) > 0 {
			return true
		}
	}
	return false
}

// Services returns every service that holds an address or waits for one, by name.
func (a *Allocator) Services() []types.NamespacedName {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.SortedFunc(maps.Keys(a.services), compareNames)
}

// Changed returns the pools whose counts or incompatible addresses may have changed since it was last called.
func (a *Allocator) Changed() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	names := slices.Collect(maps.Keys(a.changed))
	clear(a.changed)
	return names
}

// Filter selects what is inspected; the zero value selects everything.
type Filter struct {
	// Service that holds addresses or waits.
	Service types.NamespacedName
	// Pool that addresses belong to, or are held from, or that services wait for.
	Pool string
}

// Inspection is what the allocator knows at one moment. It is a copy.
type Inspection struct {
	// Pools are sorted by name: those in use, and those that addresses are held from.
	Pools []InspectedPool
	// Addresses in use, sorted.
	Addresses []InspectedAddress
	// Waiters are the services whose request is not met or not wholly, in the order in which they are served.
	Waiters []InspectedWaiter
}

// InspectedPool is a pool in numbers.
type InspectedPool struct {
	Name  string
	InUse bool
	Counts
	// Incompatible are the addresses held that the pool does not contain, sorted.
	Incompatible []Held
}

// InspectedAddress is an address in use.
type InspectedAddress struct {
	Address netip.Addr
	Pool    string
	// Users are sorted by name.
	Users []InspectedUser
}

// InspectedUser is a service that uses an address.
type InspectedUser struct {
	Service types.NamespacedName
	Sharing Sharing
	// PendingRelease is whether the service has another address already, and this one is not free yet.
	PendingRelease bool
	// Incompatible is whether the pool does not contain the address any more.
	Incompatible bool
	// Conflict is an older service that holds the address too, and does not share it.
	Conflict types.NamespacedName
}

// InspectedWaiter is a service that waits.
type InspectedWaiter struct {
	Request Request
	// Held are the addresses that it has all the same.
	Held []netip.Addr
	// Refusal is why the request is not met, or what is missing.
	Refusal *Refusal
}

// Inspect returns what the filter selects. Of one service, that costs in proportion to what it holds, else to all that is
// held.
func (a *Allocator) Inspect(f Filter) Inspection {
	a.mu.Lock()
	defer a.mu.Unlock()
	var i Inspection
	pools := map[string]bool{}
	if f == (Filter{}) {
		for name := range a.pools {
			pools[name] = true
		}
	}
	if f.Pool != "" && a.pools[f.Pool] != nil {
		pools[f.Pool] = true
	}
	for _, e := range a.usedBy(f.Service) {
		if f.Pool != "" && e.pool != f.Pool && !a.isHeldFrom(e, f.Pool) {
			continue
		}
		i.Addresses = append(i.Addresses, a.inspectAddress(e))
		if f.Pool == "" {
			pools[e.pool] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(pools)) {
		p := a.pools[name]
		i.Pools = append(i.Pools, InspectedPool{Name: name, InUse: p.inUse, Counts: p.counts(), Incompatible: sorted(p)})
	}
	a.waiting.Ascend(func(s *serviceState) bool {
		if (f.Service == (types.NamespacedName{}) || s.request.Service == f.Service) && (f.Pool == "" || s.waitsFor(f.Pool)) {
			i.Waiters = append(i.Waiters, s.inspect())
		}
		return true
	})
	return i
}

// usedBy returns the addresses that the service uses, sorted; without a name all that are used.
func (a *Allocator) usedBy(service types.NamespacedName) []*addressEntry {
	var found []*addressEntry
	if service == (types.NamespacedName{}) {
		a.byAddress.Ascend(func(e *addressEntry) bool {
			found = append(found, e)
			return true
		})
		return found
	}
	if s := a.services[service]; s != nil {
		for _, c := range s.held {
			found = append(found, a.addresses[c.Address])
		}
		for _, p := range s.pending {
			found = append(found, a.addresses[p.Address])
		}
	}
	slices.SortFunc(found, func(x, y *addressEntry) int { return x.address.Compare(y.address) })
	return found
}

// isHeldFrom reports whether a service holds the address from the pool, though it belongs to another.
func (a *Allocator) isHeldFrom(e *addressEntry, pool string) bool {
	for name := range e.users {
		if slices.ContainsFunc(a.services[name].held, func(c Assignment) bool { return c.Address == e.address && c.Pool == pool }) {
			return true
		}
	}
	return false
}

func (a *Allocator) inspectAddress(e *addressEntry) InspectedAddress {
	found := InspectedAddress{Address: e.address, Pool: e.pool, Users: make([]InspectedUser, 0, len(e.users))}
	for name, terms := range e.users {
		s := a.services[name]
		user := InspectedUser{Service: name, Sharing: terms, PendingRelease: !s.holds(e.address)}
		user.Incompatible = slices.ContainsFunc(s.held, func(c Assignment) bool { return c.Address == e.address && c.Incompatible })
		if conflict := a.conflict(e, s); conflict != nil && !user.PendingRelease {
			user.Conflict = conflict.By
		}
		found.Users = append(found.Users, user)
	}
	slices.SortFunc(found.Users, func(x, y InspectedUser) int { return compareNames(x.Service, y.Service) })
	return found
}

func (s *serviceState) inspect() InspectedWaiter {
	found := InspectedWaiter{Request: s.request, Refusal: s.answer.refusal}
	if found.Refusal == nil {
		found.Refusal = s.answer.missing
	}
	for _, c := range s.held {
		found.Held = append(found.Held, c.Address)
	}
	return found
}

// waitsFor reports whether the service waits for the pool.
func (s *serviceState) waitsFor(pool string) bool {
	names := func(r *Refusal) bool {
		return r != nil && slices.ContainsFunc(r.Reasons, func(reason Reason) bool { return reason.Pool == pool })
	}
	return s.request.Pool == pool || names(s.answer.refusal) || names(s.answer.missing) ||
		slices.ContainsFunc(s.waits, func(k waitKey) bool { return k.pool == pool })
}

// Standing is how a pool stands to a request for an address of one family.
type Standing struct {
	Pool   string
	Family corev1.IPFamily
	// Cause is why the pool gives no address of its own; empty if it can.
	Cause Cause
}

// Standings returns how the pools that the request may name stand to it, in the order in which pools are tried.
func (a *Allocator) Standings(r Request) []Standing {
	a.mu.Lock()
	defer a.mu.Unlock()
	var reserved, open []Standing
	for i := range a.order {
		p := a.pools[a.order[i].Name]
		for _, f := range r.Families {
			s := Standing{Pool: p.name, Family: f, Cause: p.standing(&r, f)}
			switch {
			case s.Cause == "": // The request names another pool.
				continue
			case s.Cause == PoolExhausted && p.available(f) > 0:
				s.Cause = ""
			}
			if p.pool.Allocation != nil {
				reserved = append(reserved, s)
			} else {
				open = append(open, s)
			}
		}
	}
	return append(reserved, open...)
}
