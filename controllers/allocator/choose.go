// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/api/ipam"
)

// decision is what a request leads to. Making one changes nothing.
type decision struct {
	// holds are the addresses to hold, in the order of the families; none if the request is refused.
	holds []Assignment
	// reasons say why the request is not met; or, if it is, what is missing.
	reasons []Reason
	// stays is set if the service has to leave an address that it is to hold, and there is no other.
	stays bool
	// left says why of the addresses that the service has to leave, and leaves.
	left []Reason
	// followers are services that can leave their address together with this one.
	followers []*serviceState
	// waits are the changes that make it worthwhile to decide again.
	waits []waitKey
}

// meets reports whether the request is met, though something may be missing.
func (d *decision) meets() bool { return len(d.holds) > 0 && !d.stays }

// decide chooses the addresses for the request, given what the service holds. This is the only place where that is done.
func (a *Allocator) decide(r *Request, s *serviceState) decision {
	if len(r.Addresses) > 0 {
		return a.decideNamed(r, s)
	}
	options := a.options(r, s)
	chosen := map[corev1.IPFamily]Assignment{}
	for f, o := range options {
		if o.stays {
			chosen[f] = o.Assignment
		}
	}
	var d decision
	d.followers = a.chooseTogether(r, options, chosen)
	choose(a.candidates(r), a.shareable(r.Service, r.Sharing), r.Families, chosen)
	for _, f := range r.Families {
		o, holds := options[f]
		c, found := chosen[f]
		switch {
		case found && o.leave != nil:
			d.left = append(d.left, *o.leave)
		case found:
		case holds && o.leave == nil:
			c = o.Assignment // In conflict, which is better than nothing.
		case holds:
			c, d.stays, d.reasons = o.Assignment, true, append(d.reasons, *o.leave)
			a.explain(&d, r, f)
		default:
			a.explain(&d, r, f)
		}
		if found || holds {
			d.holds = append(d.holds, c)
		}
	}
	if r.RequireAll && len(d.holds) < len(r.Families) {
		d.giveUp()
	}
	return d
}

// giveUp makes the decision hold nothing of what it could. Once that is taken the refusal is another.
func (d *decision) giveUp() {
	for _, c := range d.holds {
		d.waits = append(d.waits, waitKey{pool: c.Pool, family: FamilyOf(c.Address), exhausted: true}, waitKey{address: c.Address})
	}
	d.holds = nil
}

// option is an address that the service has.
type option struct {
	Assignment
	// stays is set if the service need not look for another: it has not to leave the address, and can share it with its other
	// users, or could not already when it was last asked.
	stays bool
	// leave says why the service has to leave the address, if there is another.
	leave *Reason
}

// options returns the addresses, one of a family, that the service has and may go on to hold.
func (a *Allocator) options(r *Request, s *serviceState) map[corev1.IPFamily]option {
	found := map[corev1.IPFamily]option{}
	for _, c := range s.had(r) {
		f := FamilyOf(c.Address)
		before, ok := found[f]
		if before.stays || !slices.Contains(r.Families, f) {
			continue
		}
		o, may := a.option(r, s, c)
		if may && (o.stays || !ok && s.holds(c.Address)) {
			found[f] = o
		}
	}
	return found
}

// option returns what becomes of an address that the service has, and whether it may go on to hold it. What its status
// does not report yet it does not have to leave, for a write may be on its way; but nor may it keep that for another request, which may be
// that of a new service of the same name, unless it would get it as if it had never had it.
func (a *Allocator) option(r *Request, s *serviceState, c Assignment) (o option, may bool) {
	c.Pool = a.heldFrom(r, c)
	o.Assignment = c
	if r.Pool != "" && r.Pool != c.Pool {
		return o, false
	}
	e := a.addresses[c.Address]
	fits := e.fits(r.Service, r.Sharing)
	same := e.users[r.Service].Equal(r.Sharing)
	if !s.isReported(c.Address) {
		o.stays = same && r.Version == s.request.Version || fits && a.gives(r, c.Address)
		return o, o.stays
	}
	o.leave = a.whyLeave(r, c)
	o.stays = o.leave == nil && (fits || same)
	return o, true
}

// gives reports whether a pool gives the address to the service, whoever uses it.
func (a *Allocator) gives(r *Request, address netip.Addr) bool {
	if a.whyNot(r, address) != nil {
		return false
	}
	pool, _ := a.order.Find(address)
	return pool.AutoAssign || r.Pool != "" || slices.Contains(r.Addresses, address)
}

// whyLeave returns why the service has to leave an address that it holds; nil if it has not. What is assigned stays assigned, unless
// the service is not admitted any more to the pool that contains the address, or the pool, which does not contain it any more,
// allows disruption.
func (a *Allocator) whyLeave(r *Request, c Assignment) *Reason {
	p := a.pools[c.Pool]
	switch {
	case p.contains(c.Address):
		if p.admits(r) {
			return nil
		}
		return &Reason{Cause: NotSelected, Address: c.Address, Pool: c.Pool}
	case p.isInUse() && p.pool.AllowDisruption, !p.isInUse() && a.abandoned[c.Pool]:
		return a.whyNot(r, c.Address)
	}
	return nil
}

// decideNamed checks the addresses that the request names. It takes all or none.
func (a *Allocator) decideNamed(r *Request, s *serviceState) decision {
	var d decision
	for _, address := range r.Addresses {
		c, holds, reason := a.named(r, s, address)
		if reason != nil {
			d.reasons, d.stays = append(d.reasons, *reason), d.stays || holds
		}
		if reason == nil || holds {
			d.holds = append(d.holds, c)
		}
	}
	if len(d.holds) < len(r.Addresses) {
		d.holds = nil
	}
	if len(d.reasons) > 0 {
		for _, address := range r.Addresses {
			d.waits = append(d.waits, waitKey{address: address})
		}
	}
	return d
}

// named returns the named address if the service may have it, or whether it has it already, and why it may not have it. What
// the service has and names it keeps, even if it would have to leave it otherwise.
func (a *Allocator) named(r *Request, s *serviceState, address netip.Addr) (c Assignment, holds bool, reason *Reason) {
	for _, c := range s.had(r) {
		if c.Address != address {
			continue
		}
		if o, may := a.option(r, s, c); may {
			return o.Assignment, true, o.leave
		}
	}
	if reason := a.whyNot(r, address); reason != nil {
		return Assignment{}, false, reason
	}
	return Assignment{Address: address, Pool: a.poolOf(address, "")}, false, a.obstacle(a.addresses[address], r)
}

// whyNot returns why no pool gives the address to the service, whoever uses it; nil if one does.
func (a *Allocator) whyNot(r *Request, address netip.Addr) *Reason {
	pool, found := a.order.Find(address)
	switch {
	case !found:
		for i := range a.order {
			if slices.ContainsFunc(a.order[i].Ranges, func(span ipam.Range) bool { return span.Contains(address) }) {
				return &Reason{Cause: AddressAvoided, Address: address, Pool: a.order[i].Name}
			}
		}
		return &Reason{Cause: NotInAnyPool, Address: address}
	case r.Pool != "" && r.Pool != pool.Name:
		return &Reason{Cause: NotInRequestedPool, Address: address, Pool: pool.Name}
	case !a.pools[pool.Name].admits(r):
		return &Reason{Cause: NotSelected, Address: address, Pool: pool.Name}
	}
	return nil
}

// choose adds to the chosen addresses those of the other families that the pools can give, in order, or that can be shared:
// from a single pool if one has all.
func choose(pools []*poolState, shareable []*addressEntry, families []corev1.IPFamily, chosen map[corev1.IPFamily]Assignment) {
	for _, c := range chosen {
		// One address is kept already: its pool is the first to ask for the other.
		slices.SortStableFunc(pools, func(x, y *poolState) int { return boolToInt(y.name == c.Pool) - boolToInt(x.name == c.Pool) })
	}
	for _, all := range []bool{true, false} {
		for _, p := range pools {
			offers := map[corev1.IPFamily]Assignment{}
			missing := 0
			for _, f := range families {
				if _, found := chosen[f]; found {
					continue
				}
				missing++
				if address, ok := p.offer(f, shareable); ok {
					offers[f] = Assignment{Address: address, Pool: p.name}
				}
			}
			if missing == 0 {
				return
			}
			if !all || len(offers) == missing {
				maps.Copy(chosen, offers)
			}
		}
	}
}

// candidates returns the pools that the request may be met from, in order: first those with a serviceAllocation.
func (a *Allocator) candidates(r *Request) []*poolState {
	var reserved, open []*poolState
	for i := range a.order {
		p := a.pools[a.order[i].Name]
		switch {
		case r.Pool == "" && !p.pool.AutoAssign || r.Pool != "" && r.Pool != p.name || !p.admits(r):
		case p.pool.Allocation != nil:
			reserved = append(reserved, p)
		default:
			open = append(open, p)
		}
	}
	return append(reserved, open...)
}

// maxPools is how many pools a refusal names.
const maxPools = 5

// explain adds to the decision why no pool gives an address of the family, and what would change that.
//
// If the service names a pool, that is the one that matters. Else those pools matter that come closest to serving it, and only their
// cause is given: they are exhausted, or avoid all their addresses, and the first five are named; or they have no address of the
// family, do not select the service, or are not auto-assigned, and none is named. So one more pool that cannot serve the service
// does not change why it is refused.
func (a *Allocator) explain(d *decision, r *Request, f corev1.IPFamily) {
	cause, pools := NoPools, []string(nil)
	if r.Pool != "" && !a.pools[r.Pool].isInUse() {
		cause, pools = PoolNotFound, []string{r.Pool}
	}
	for i := range a.order {
		name := a.order[i].Name
		c := a.pools[name].standing(r, f)
		if c.strength() > cause.strength() {
			cause, pools = c, nil
		}
		if c == cause && (r.Pool != "" || c == PoolExhausted || c == FamilyAvoided) {
			pools = append(pools, name)
		}
		if c == PoolExhausted {
			d.waits = append(d.waits, waitKey{pool: name, family: f})
		}
	}
	for i, name := range pools[:min(len(pools), maxPools)] {
		reason := Reason{Cause: cause, Family: f, Pool: name}
		if i == maxPools-1 {
			reason.More = len(pools) - maxPools
		}
		d.reasons = append(d.reasons, reason)
	}
	if len(pools) == 0 {
		d.reasons = append(d.reasons, Reason{Cause: cause, Family: f})
	}
	if r.Sharing.Key != "" {
		d.waits = append(d.waits, waitKey{group: r.Sharing.group()})
		for _, port := range r.Sharing.Ports {
			d.waits = append(d.waits, waitKey{group: r.Sharing.group(), port: port})
		}
	}
}
