// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"cmp"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// serviceState is what one service holds, and what it waits for.
type serviceState struct {
	request Request
	// open is set while the request may be tried again: it was not withdrawn, and does not contradict itself.
	open bool
	// held are the addresses, in the order of the families. The slice is replaced, never modified.
	held []Assignment
	// reported are the addresses that the status of the service says that it holds.
	reported []netip.Addr
	// pending are addresses that the service has given up, and that are not free for others yet.
	pending []pendingRelease
	// waits are the changes that make it worthwhile to try again.
	waits []waitKey
	// answer is what there is to say to the service, seen what its reconciler has heard, or has been woken to hear.
	answer, seen answer
}

// answer is what a service holds, why its request is not met, and what it lacks if it is.
type answer struct {
	held             []Assignment
	refusal, missing *Refusal
}

func (a answer) equal(o answer) bool {
	return slices.Equal(a.held, o.held) && a.refusal.Equal(o.refusal) && a.missing.Equal(o.missing)
}

// pendingRelease is an address that a service has given up.
type pendingRelease struct {
	Assignment
	// why the service had to leave it; nil if it wants to.
	why *Reason
}

// before reports whether the service is older: it is served first.
func (s *serviceState) before(o *serviceState) bool {
	return cmp.Or(s.request.Created.Compare(o.request.Created), compareNames(s.request.Service, o.request.Service)) < 0
}

func (s *serviceState) holds(a netip.Addr) bool {
	return slices.ContainsFunc(s.held, func(c Assignment) bool { return c.Address == a })
}

func (s *serviceState) isReported(a netip.Addr) bool { return slices.Contains(s.reported, a) }

// had returns what the service holds, and what it has given up as long as its status says that it has that: to return to it
// is no move. That comes first only if the request is of another version than the last one. Else what it holds does, for
// a write that says so may be on its way.
func (s *serviceState) had(r *Request) []Assignment {
	found := slices.Clone(s.held)
	for _, p := range s.pending {
		if s.isReported(p.Address) {
			found = append(found, p.Assignment)
		}
	}
	if r.Version != s.request.Version {
		slices.SortStableFunc(found, func(x, y Assignment) int {
			return boolToInt(s.isReported(y.Address)) - boolToInt(s.isReported(x.Address))
		})
	}
	return found
}

// kept returns what a service that is refused holds: what its status says and nothing else. What it got meanwhile was for a
// request that it does not make any more, or for another service of the same name: it may not even be allowed to share it.
func (s *serviceState) kept() []Assignment {
	had := slices.Clone(s.held)
	for _, p := range s.pending {
		had = append(had, p.Assignment)
	}
	held := make([]Assignment, 0, len(s.reported))
	for _, address := range s.reported {
		if i := slices.IndexFunc(had, func(c Assignment) bool { return c.Address == address }); i >= 0 {
			held = append(held, had[i])
		}
	}
	return held
}

// state returns what is known of the service.
func (a *Allocator) state(service types.NamespacedName) *serviceState {
	s := a.services[service]
	if s == nil {
		s = &serviceState{request: Request{Service: service}}
		a.services[service] = s
	}
	return s
}

// forgetIdle forgets a service that holds nothing and waits for nothing.
func (a *Allocator) forgetIdle(s *serviceState) {
	if len(s.held)+len(s.pending)+len(s.waits) == 0 && s.answer.refusal == nil {
		delete(a.services, s.request.Service)
	}
}

// assign makes the service hold the addresses and nothing else, on the terms of the request. Left says of those that it has
// to leave why.
func (a *Allocator) assign(s *serviceState, r *Request, held []Assignment, left []Reason) {
	s.request = *r
	for i, c := range held {
		held[i].Pool = a.heldFrom(r, c)
		a.use(held[i], r)
	}
	before := s.held
	a.hold(s, held)
	for _, c := range before {
		if s.holds(c.Address) {
			continue
		}
		p := pendingRelease{Assignment: c}
		if i := slices.IndexFunc(left, func(reason Reason) bool { return reason.Address == c.Address }); i >= 0 {
			p.why = &left[i]
		}
		s.pending = append(s.pending, p)
	}
	s.pending = slices.DeleteFunc(s.pending, func(p pendingRelease) bool { return s.holds(p.Address) })
}

// hold replaces what the service holds, and counts it to the pools.
func (a *Allocator) hold(s *serviceState, held []Assignment) {
	for i := range held {
		held[i].Incompatible = !a.pools[held[i].Pool].contains(held[i].Address)
	}
	if slices.Equal(held, s.held) {
		return
	}
	a.count(s.request.Service, s.held, -1)
	s.held = held
	a.count(s.request.Service, held, 1)
}

// count adds the assignments of a service to what is known of their pools, or takes them out of it.
func (a *Allocator) count(service types.NamespacedName, held []Assignment, n int) {
	for i, c := range held {
		p := a.pool(c.Pool)
		if !slices.ContainsFunc(held[:i], func(other Assignment) bool { return other.Pool == c.Pool }) {
			p.services += n
		}
		switch h := (Held{Service: service, Address: c.Address}); {
		case c.Incompatible && n > 0:
			p.incompatible[h] = struct{}{}
			a.changed[c.Pool] = struct{}{}
		case c.Incompatible:
			delete(p.incompatible, h)
			a.changed[c.Pool] = struct{}{}
		}
		a.tidy(p)
	}
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
