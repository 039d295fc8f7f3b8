// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
)

// plan is what a request would lead to. Making one changes nothing.
type plan struct {
	// choices are the addresses to hold, in the order of the families; none if the request is refused.
	choices []choice
	// refusal says what cannot be had; with choices, what is missing beside them.
	refusal *Refusal
	// stays is set if a choice is one that the service would have to leave, but for which there is no other.
	stays bool
	// left says of the addresses held that the service has to leave why.
	left []Reason
	// followers are services that can move together with this one.
	followers []types.NamespacedName
	// wants are the changes that would make it worthwhile to try again.
	wants []want
}

// meets reports whether the request is met, though something may be missing.
func (p *plan) meets() bool { return len(p.choices) > 0 && !p.stays }

func (p *plan) refuse(r Reason) {
	if p.refusal == nil {
		p.refusal = &Refusal{}
	}
	p.refusal.Reasons = append(p.refusal.Reasons, r)
}

// plan chooses addresses for the request; h is what the service holds, or nil.
func (a *Allocator) plan(r *Request, h *holder) plan {
	if len(r.Addresses) > 0 {
		return a.planRequested(r, h)
	}
	var p plan
	chosen, displaced := a.keepable(r, h)
	if len(displaced) > 0 {
		p.followers = a.seekTogether(r, displaced, chosen)
	}
	sought := slices.DeleteFunc(slices.Clone(r.Families), func(f corev1.IPFamily) bool {
		_, ok := chosen[f]
		return ok
	})
	if len(sought) > 0 {
		a.seek(r, sought, chosen)
	}
	for _, f := range r.Families {
		old, isDisplaced := displaced[f]
		c, ok := chosen[f]
		switch {
		case ok && isDisplaced:
			p.left = append(p.left, *a.whyNot(r, old.address))
		case isDisplaced:
			p.refuse(*a.whyNot(r, old.address))
			c, p.stays = old, true
		}
		if !ok {
			a.explain(&p, r, f)
			p.wants = append(p.wants, h.wantsToKeep(f)...)
		}
		if ok || isDisplaced {
			p.choices = append(p.choices, c)
		}
	}
	if r.RequireAll && len(p.choices) < len(r.Families) {
		p.choices = nil
	}
	return p
}

// wantsToKeep returns what would let the service keep what it holds of the family.
func (h *holder) wantsToKeep(f corev1.IPFamily) []want {
	var wants []want
	if h == nil {
		return nil
	}
	for _, c := range h.held {
		if FamilyOf(c.address) == f {
			wants = append(wants, want{address: c.address})
		}
	}
	return wants
}

// planRequested checks the addresses that the request names. It takes all or none.
func (a *Allocator) planRequested(r *Request, h *holder) plan {
	var p plan
	for _, address := range r.Addresses {
		c, held, reason := a.requested(r, h, address)
		if reason != nil {
			p.refuse(*reason)
			p.wants = append(p.wants, want{address: address})
		}
		if reason == nil || held {
			p.choices, p.stays = append(p.choices, c), p.stays || reason != nil
		}
	}
	if len(p.choices) < len(r.Addresses) {
		p.choices = nil
	}
	return p
}

// requested returns the requested address if the service may have it, or whether it holds it already, and why it may not
// have it. What the service holds and names it keeps, even if it would have to leave it otherwise.
func (a *Allocator) requested(r *Request, h *holder, address netip.Addr) (c choice, held bool, reason *Reason) {
	for _, c := range h.had(r) {
		if c, ok := a.keep(r, h, c); ok && c.address == address {
			if a.displaced(r, h, c) {
				return c, true, a.whyNot(r, address)
			}
			return c, true, nil
		}
	}
	if reason := a.whyNot(r, address); reason != nil {
		return choice{}, false, reason
	}
	if u := a.usages[address]; u != nil {
		if reason := u.admits(r.Service, r.Sharing); reason != nil {
			return choice{}, false, reason
		}
	}
	return choice{address, a.poolOf(address, "")}, false, nil
}

// whyNot returns why no pool gives the address to the service, whoever uses it; nil if one does.
func (a *Allocator) whyNot(r *Request, address netip.Addr) *Reason {
	pool, found := a.pools.Find(address)
	switch {
	case !found:
		return a.whyNotFound(address)
	case r.Pool != "" && r.Pool != pool.Name:
		return &Reason{Cause: NotInRequestedPool, Address: address, Pool: pool.Name}
	case !pool.Admits(r.Service.Namespace, r.NamespaceLabels, r.Labels):
		return &Reason{Cause: NotSelected, Address: address, Pool: pool.Name}
	}
	return nil
}

// whyNotFound tells an address that is in no pool from one that its pool avoids.
func (a *Allocator) whyNotFound(address netip.Addr) *Reason {
	for i := range a.pools {
		p := &a.pools[i]
		if slices.ContainsFunc(p.Ranges, func(r ipam.Range) bool { return r.Contains(address) }) {
			return &Reason{Cause: AddressAvoided, Address: address, Pool: p.Name}
		}
	}
	return &Reason{Cause: NotInAnyPool, Address: address}
}

// keepable returns what the service holds and can keep under the request, and what it could keep if it had not to leave it.
func (a *Allocator) keepable(r *Request, h *holder) (kept, displaced map[corev1.IPFamily]choice) {
	kept = map[corev1.IPFamily]choice{}
	for _, c := range h.had(r) {
		f := FamilyOf(c.address)
		if _, ok := kept[f]; ok || !slices.Contains(r.Families, f) {
			continue
		}
		c, ok := a.keep(r, h, c)
		switch {
		case !ok:
		case a.displaced(r, h, c):
			if !h.holds(c.address) {
				continue // It has another already.
			}
			if displaced == nil {
				displaced = map[corev1.IPFamily]choice{}
			}
			displaced[f] = c
		default:
			kept[f] = c
		}
	}
	return kept, displaced
}

// keep returns what becomes of a choice that the service holds, and whether the request allows to hold it on. Whether the
// pool would give the address to the service again is of no concern here: what is assigned stays assigned, unless it is
// displaced. What is disputed it holds on while it is told so.
func (a *Allocator) keep(r *Request, h *holder, c choice) (choice, bool) {
	c.pool = a.heldFrom(r, c)
	if r.Pool != "" && r.Pool != c.pool {
		return c, false
	}
	u := a.usages[c.address]
	return c, h.wasTold(c.address) && u.users[r.Service].Equal(r.Sharing) || u.admits(r.Service, r.Sharing) == nil
}

// seek adds to the chosen addresses those of the families sought, from a single pool if one has all.
func (a *Allocator) seek(r *Request, sought []corev1.IPFamily, chosen map[corev1.IPFamily]choice) {
	choose(a.candidates(r), a.shareable(r.Service, r.Sharing), sought, chosen)
}

// choose adds to the chosen addresses those of the families sought that the pools can give, in order, or that can be shared.
func choose(spaces []*space, shareable []*usage, sought []corev1.IPFamily, chosen map[corev1.IPFamily]choice) {
	for _, c := range chosen {
		// One address is kept already: its pool is the first to ask for the other.
		slices.SortStableFunc(spaces, func(x, y *space) int { return boolToInt(y.pool.Name == c.pool) - boolToInt(x.pool.Name == c.pool) })
	}
	if len(sought) > 1 {
		for _, s := range spaces {
			offers := map[corev1.IPFamily]choice{}
			for _, f := range sought {
				if address, ok := s.offer(f, shareable); ok {
					offers[f] = choice{address, s.pool.Name}
				}
			}
			if len(offers) == len(sought) {
				maps.Copy(chosen, offers)
				return
			}
		}
	}
	for _, f := range sought {
		for _, s := range spaces {
			if address, ok := s.offer(f, shareable); ok {
				chosen[f] = choice{address, s.pool.Name}
				break
			}
		}
	}
}

// candidates returns the pools that the request may be met from, in order: first those with a serviceAllocation.
func (a *Allocator) candidates(r *Request) []*space {
	var reserved, open []*space
	for i := range a.pools {
		p := &a.pools[i]
		if a.whyNotFrom(r, p) != "" {
			continue
		}
		if p.Allocation != nil {
			reserved = append(reserved, a.spaces[p.Name])
		} else {
			open = append(open, a.spaces[p.Name])
		}
	}
	return append(reserved, open...)
}

// whyNotFrom returns why the request cannot be met from the pool, or "" if it can.
func (a *Allocator) whyNotFrom(r *Request, p *ipam.Pool) Cause {
	switch {
	case r.Pool != "" && r.Pool != p.Name:
		return NotInRequestedPool
	case r.Pool == "" && !p.AutoAssign:
		return NotAutoAssigned
	case !p.Admits(r.Service.Namespace, r.NamespaceLabels, r.Labels):
		return NotSelected
	}
	return ""
}

// offer returns the first address of the family that the pool can give: a free one or one that can be shared.
func (s *space) offer(f corev1.IPFamily, shareable []*usage) (netip.Addr, bool) {
	best, ok := s.lowest(f)
	for _, u := range shareable {
		if FamilyOf(u.address) != f || !s.pool.Contains(u.address) {
			continue
		}
		if !ok || s.precedes(u.address, best) {
			best, ok = u.address, true
		}
	}
	return best, ok
}

// explain adds to the plan why no pool gives an address of the family, and what would change that.
func (a *Allocator) explain(p *plan, r *Request, f corev1.IPFamily) {
	if r.Pool != "" {
		if _, ok := a.spaces[r.Pool]; !ok {
			p.refuse(Reason{Cause: PoolNotFound, Family: f, Pool: r.Pool})
			return
		}
	}
	if len(a.pools) == 0 {
		p.refuse(Reason{Cause: NoPools, Family: f})
	}
	for i := range a.pools {
		pool := &a.pools[i]
		cause := a.whyNotFrom(r, pool)
		switch {
		case cause == NotInRequestedPool:
			continue
		case cause != "":
		case !a.spaces[pool.Name].has(f):
			cause = FamilyMissing
		default:
			cause = PoolExhausted
			p.wants = append(p.wants, want{pool: pool.Name, family: f})
		}
		p.refuse(Reason{Cause: cause, Family: f, Pool: pool.Name})
	}
	if r.Sharing.Key == "" {
		return
	}
	p.wants = append(p.wants, want{group: r.Sharing.group()})
	for _, port := range r.Sharing.Ports {
		p.wants = append(p.wants, want{group: r.Sharing.group(), port: port})
	}
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
