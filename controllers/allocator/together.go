// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// chooseTogether adds to the chosen addresses those that services can share again which share now an address that all have to
// leave. It returns the others, if they can follow.
func (a *Allocator) chooseTogether(r *Request, options map[corev1.IPFamily]option, chosen map[corev1.IPFamily]Assignment) []*serviceState {
	var families []corev1.IPFamily
	var others []*serviceState
	for _, f := range r.Families {
		o := options[f]
		if _, found := chosen[f]; found || o.leave == nil || a.succeed(r, o.Assignment, chosen) {
			continue
		}
		if companions := a.companions(r, o.Assignment); len(companions) > 0 {
			families, others = append(families, f), append(others, companions...)
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
	pools := slices.DeleteFunc(a.candidates(r), func(p *poolState) bool {
		return slices.ContainsFunc(others, func(o *serviceState) bool { return !slices.Contains(a.candidates(&o.request), p) })
	})
	before := len(chosen)
	if choose(pools, a.shareable(r.Service, all), families, chosen); len(chosen) == before {
		return nil
	}
	return others
}

// succeed chooses the address to which another service has moved that shared the one to leave, if it can be shared again.
func (a *Allocator) succeed(r *Request, c Assignment, chosen map[corev1.IPFamily]Assignment) bool {
	e := a.addresses[a.addresses[c.Address].successor]
	if e == nil || e.groups[r.Sharing.group()] == 0 || !e.fits(r.Service, r.Sharing) {
		return false
	}
	for _, p := range a.candidates(r) {
		if p.contains(e.address) {
			chosen[FamilyOf(e.address)] = Assignment{Address: e.address, Pool: p.name}
			return true
		}
	}
	return false
}

// companions returns the other services, by name, that share the address and have to leave it as well.
func (a *Allocator) companions(r *Request, c Assignment) []*serviceState {
	e := a.addresses[c.Address]
	if r.Sharing.Key == "" || len(e.users) == 1 {
		return nil
	}
	var found []*serviceState
	for name, terms := range e.users {
		s := a.services[name]
		if name == r.Service || terms.group() != r.Sharing.group() || !s.open || len(s.request.Addresses) > 0 {
			continue
		}
		if o := a.options(&s.request, s)[FamilyOf(c.Address)]; o.leave != nil && o.Address == c.Address {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(x, y *serviceState) int { return compareNames(x.request.Service, y.request.Service) })
	return found
}

// lead notes where a service has gone that had to leave addresses, for those that can follow. They are next.
func (a *Allocator) lead(s *serviceState, d *decision) {
	a.followers = append(a.followers, d.followers...)
	for _, left := range d.left {
		for _, c := range s.held {
			if FamilyOf(c.Address) == FamilyOf(left.Address) {
				a.addresses[left.Address].successor = c.Address
			}
		}
	}
}

// nextFollower returns the next service that can move after another; nil if there is none.
func (a *Allocator) nextFollower() *serviceState {
	for len(a.followers) > 0 {
		s := a.followers[0]
		a.followers = a.followers[1:]
		if s.open {
			return s
		}
	}
	return nil
}
