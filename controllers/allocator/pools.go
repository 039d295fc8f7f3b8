// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"net/netip"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/api/ipam"
)

// poolChange is a pool before and after a change; states that are not in use stand for none.
type poolChange struct{ before, after *poolState }

// replacePools brings the pools into use, and returns those that are others than before. The addresses in use and the services that
// are concerned are looked at, and no others.
func (a *Allocator) replacePools(pools ipam.Pools, abandoned []string) []poolChange {
	changes := a.changesTo(pools, abandoned)
	affected := map[netip.Addr]*addressEntry{}
	for _, c := range changes {
		a.addAffected(affected, c)
	}
	for _, e := range affected {
		a.vacate(e)
	}
	a.order, a.abandoned = pools, map[string]bool{}
	for _, name := range abandoned {
		a.abandoned[name] = true
	}
	for _, c := range changes {
		a.pool(c.after.name).configure(&c.after.pool)
		a.changed[c.after.name] = struct{}{}
	}
	for _, e := range affected {
		e.pool = a.poolOf(e.address, e.pool)
		a.occupy(e)
		for name := range e.users {
			a.refresh(a.services[name])
		}
	}
	for _, c := range changes {
		a.tidy(a.pool(c.after.name))
	}
	return changes
}

// changesTo returns how the pools differ from those in use.
func (a *Allocator) changesTo(pools ipam.Pools, abandoned []string) []poolChange {
	found := map[string]*poolChange{}
	of := func(name string) *poolChange {
		if found[name] == nil {
			found[name] = &poolChange{newPool(name), newPool(name)}
		}
		return found[name]
	}
	for i := range a.order {
		of(a.order[i].Name).before.configure(&a.order[i])
	}
	for i := range pools {
		of(pools[i].Name).after.configure(&pools[i])
	}
	var changes []poolChange
	for name := range a.pools {
		of(name)
	}
	for name, c := range found {
		if !reflect.DeepEqual(c.before.pool, c.after.pool) || slices.Contains(abandoned, name) != a.abandoned[name] {
			changes = append(changes, *c)
		}
	}
	return changes
}

// addAffected adds the addresses in use that belong to another pool after the change, or are held from the pool on another
// condition.
func (a *Allocator) addAffected(affected map[netip.Addr]*addressEntry, c poolChange) {
	before, after := &c.before.pool, &c.after.pool
	all := before.AvoidBuggyIPs != after.AvoidBuggyIPs ||
		before.AllowDisruption != after.AllowDisruption || !reflect.DeepEqual(before.Allocation, after.Allocation)
	add := func(e *addressEntry) { affected[e.address] = e }
	for _, side := range [][2]*ipam.Pool{{before, after}, {after, before}} {
		for _, span := range side[0].Ranges {
			if all || !slices.Contains(side[1].Ranges, span) {
				a.usedIn(span, add)
			}
		}
	}
	if p := a.pools[c.after.name]; p != nil {
		for held := range p.incompatible {
			add(a.addresses[held.Address])
		}
	}
}

// usedIn calls the function for the addresses in use that the range has.
func (a *Allocator) usedIn(span ipam.Range, each func(*addressEntry)) {
	a.byAddress.AscendGreaterOrEqual(&addressEntry{address: span.From}, func(e *addressEntry) bool {
		if span.To.Less(e.address) {
			return false
		}
		each(e)
		return true
	})
}

// refresh takes the pools into account that the service holds its addresses from.
func (a *Allocator) refresh(s *serviceState) {
	held := slices.Clone(s.held)
	for i, c := range held {
		held[i].Pool = a.heldFrom(&s.request, c)
	}
	a.hold(s, held)
	s.answer.held = s.held
	a.touched[s] = struct{}{}
	a.reconsider(s)
}

// reconsiderWaiting has those services looked at that wait, and that a change of pools concerns.
func (a *Allocator) reconsiderWaiting(changes []poolChange) {
	a.waiting.Ascend(func(s *serviceState) bool {
		if slices.ContainsFunc(changes, func(c poolChange) bool { return s.isConcerned(c) }) {
			a.reconsider(s)
		}
		return true
	})
}

// isConcerned reports whether the change may give the service what it waits for, or change why it is refused.
func (s *serviceState) isConcerned(c poolChange) bool {
	r := &s.request
	if len(r.Addresses) > 0 {
		for _, p := range []*poolState{c.before, c.after} {
			for _, address := range r.Addresses {
				if slices.ContainsFunc(p.pool.Ranges, func(span ipam.Range) bool { return span.Contains(address) }) {
					return true
				}
			}
		}
		return false
	}
	if r.Pool != "" {
		return r.Pool == c.after.name
	}
	return slices.ContainsFunc(r.Families, func(f corev1.IPFamily) bool {
		before, after := c.before.standing(r, f), c.after.standing(r, f)
		cause := s.answer.cause(f)
		if cause == "" {
			// The service has an address of the family, or could have one: it waits for another family, or in conflict.
			return r.RequireAll && s.answer.refusal != nil && before != after
		}
		return (before != after || after == PoolExhausted) && max(before.strength(), after.strength()) >= cause.strength()
	})
}

// cause returns why there is no address of the family; "" if one is not missing.
func (a answer) cause(f corev1.IPFamily) Cause {
	for _, r := range []*Refusal{a.refusal, a.missing} {
		if r == nil {
			continue
		}
		for _, reason := range r.Reasons {
			if reason.Family == f {
				return reason.Cause
			}
		}
	}
	return ""
}

// pool returns the state of the pool.
func (a *Allocator) pool(name string) *poolState {
	p := a.pools[name]
	if p == nil {
		p = newPool(name)
		a.pools[name] = p
	}
	return p
}

// tidy forgets a pool that is not in use if nothing is held from it.
func (a *Allocator) tidy(p *poolState) {
	if p.unused() {
		delete(a.pools, p.name)
	}
}

// heldFrom returns the pool that a service with the request holds the address from. A pool that it requests stays the one,
// so that no change of pools moves the service; also if the request came after the change, and the status says it yet.
func (a *Allocator) heldFrom(r *Request, c Assignment) string {
	recorded := func(as Assignment) bool { return as.Address == c.Address && as.Pool == r.Pool }
	if r.Pool != "" && (r.Pool == c.Pool || slices.ContainsFunc(r.Recorded, recorded)) {
		return r.Pool
	}
	return a.poolOf(c.Address, c.Pool)
}

// poolOf returns the pool that contains the address, or the one given if none does.
func (a *Allocator) poolOf(address netip.Addr, recorded string) string {
	if a.pools[recorded].contains(address) {
		return recorded
	}
	if p, ok := a.order.Find(address); ok {
		return p.Name
	}
	return recorded
}
