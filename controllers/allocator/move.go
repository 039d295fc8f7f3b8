// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// owns reports whether the pool that the address is held from would give it to the service again.
func (a *Allocator) owns(r *Request, c choice) bool {
	s := a.spaces[c.pool]
	return s != nil && s.pool.Contains(c.address) && s.pool.Admits(r.Service.Namespace, r.NamespaceLabels, r.Labels)
}

// disrupts reports whether services may be moved off addresses that the pool does not give them any more.
func (a *Allocator) disrupts(pool string) bool {
	if s := a.spaces[pool]; s != nil {
		return s.pool.AllowDisruption
	}
	return a.abandoned[pool]
}

// displaced reports whether the service has to leave an address that it holds. What it was not told yet it does not leave:
// nobody knows how far the telling has got.
func (a *Allocator) displaced(r *Request, h *holder, c choice) bool {
	return h.wasTold(c.address) && a.disrupts(c.pool) && !a.owns(r, c)
}

// mustMove reports whether the service has to leave an address, as far as its request was met or may be met.
func (a *Allocator) mustMove(h *holder) bool {
	if !h.open {
		return false
	}
	for address, pool := range h.claims {
		if h.wasTold(address) && a.disrupts(pool) {
			return true
		}
	}
	return false
}

// whyLeft returns why the service has to leave the address; nil if it wants to.
func (p *plan) whyLeft(address netip.Addr) *Reason {
	for i := range p.left {
		if p.left[i].Address == address {
			return &p.left[i]
		}
	}
	return nil
}

// seekTogether adds to the chosen addresses those that services can share again which share the displaced ones now. It
// returns the others if they can follow.
func (a *Allocator) seekTogether(r *Request, displaced, chosen map[corev1.IPFamily]choice) []types.NamespacedName {
	var sought []corev1.IPFamily
	var others []*holder
	for _, f := range r.Families {
		c, ok := displaced[f]
		if _, found := chosen[f]; found || !ok || a.succeed(r, c, chosen) {
			continue
		}
		if companions := a.companions(r, c); len(companions) > 0 {
			sought, others = append(sought, f), append(others, companions...)
		}
	}
	if len(others) == 0 {
		return nil
	}
	all := r.Sharing
	all.Ports = slices.Clone(all.Ports)
	for _, o := range others {
		all.Ports = append(all.Ports, o.request.Sharing.Ports...)
	}
	spaces := slices.DeleteFunc(a.candidates(r), func(s *space) bool {
		return slices.ContainsFunc(others, func(o *holder) bool { return a.whyNotFrom(&o.request, &s.pool) != "" })
	})
	before := len(chosen)
	choose(spaces, a.shareable(r.Service, all), sought, chosen)
	if len(chosen) == before {
		return nil
	}
	followers := make([]types.NamespacedName, 0, len(others))
	for _, o := range others {
		followers = append(followers, o.request.Service)
	}
	return followers
}

// succeed chooses the address to which another service has moved that shared the one displaced, if it can be shared again.
func (a *Allocator) succeed(r *Request, c choice, chosen map[corev1.IPFamily]choice) bool {
	u := a.usages[a.usages[c.address].successor]
	if u == nil || u.groups[r.Sharing.group()] == 0 || u.admits(r.Service, r.Sharing) != nil {
		return false
	}
	for _, s := range a.candidates(r) {
		if s.pool.Contains(u.address) {
			chosen[FamilyOf(u.address)] = choice{u.address, s.pool.Name}
			return true
		}
	}
	return false
}

// companions returns the other services, by name, that share the displaced address and have to leave it as well.
func (a *Allocator) companions(r *Request, c choice) []*holder {
	u := a.usages[c.address]
	if r.Sharing.Key == "" || len(u.users) == 1 {
		return nil
	}
	var found []*holder
	for name, terms := range u.users {
		if h := a.holders[name]; name != r.Service && terms.group() == r.Sharing.group() && a.mustLeave(h, c.address) {
			found = append(found, h)
		}
	}
	slices.SortFunc(found, func(x, y *holder) int { return compareNames(x.request.Service, y.request.Service) })
	return found
}

// mustLeave reports whether the service has to leave the address, and can.
func (a *Allocator) mustLeave(h *holder, address netip.Addr) bool {
	if !h.open || len(h.request.Addresses) > 0 {
		return false
	}
	_, displaced := a.keepable(&h.request, h)
	return displaced[FamilyOf(address)].address == address
}

// lead notes where the service has gone for those that can follow.
func (a *Allocator) lead(h *holder, p *plan) {
	a.followers = append(a.followers, p.followers...)
	for _, left := range p.left {
		for _, c := range h.held {
			if FamilyOf(c.address) == FamilyOf(left.Address) {
				a.usages[left.Address].successor = c.address
			}
		}
	}
}

// follow tries the services that can move after another, and returns those that did.
func (a *Allocator) follow() []types.NamespacedName {
	var moved []types.NamespacedName
	for len(a.followers) > 0 {
		h := a.holders[a.followers[0]]
		a.followers = a.followers[1:]
		if a.mustMove(h) && a.attempt(h.request) {
			moved = append(moved, h.request.Service)
		}
	}
	a.followers = nil
	return moved
}
