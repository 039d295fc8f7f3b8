// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/google/btree"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
)

// Allocator knows the pools, which service holds which addresses, and which services wait for one.
type Allocator struct {
	mu sync.Mutex

	// order has the pools in use in the order in which they are tried, pools also those that something is still held from.
	order ipam.Pools
	pools map[string]*poolState
	// abandoned are pools that are gone, and whose services may be moved.
	abandoned map[string]bool
	// addresses in use, and the groups of services that share some.
	addresses map[netip.Addr]*addressEntry
	byAddress *btree.BTreeG[*addressEntry]
	groups    map[groupKey]*group

	services map[types.NamespacedName]*serviceState
	// waiting are the services that wait, queues those that wait for a change.
	waiting *byAge
	queues  map[waitKey]*byAge
	nodes   *btree.FreeListG[*serviceState]

	// What is to be done before the lock is released: changes that waiting services have not been tried for, services to be tried,
	// those among them that can move after another, which are next, and those whose answer may have changed.
	signals   map[waitKey]*progress
	agenda    *byAge
	followers []*serviceState
	touched   map[*serviceState]struct{}

	// changed are the pools that Changed has not returned yet.
	changed map[string]struct{}
}

// New returns an Allocator without pools.
func New() *Allocator {
	nodes := btree.NewFreeListG[*serviceState](btree.DefaultFreeListSize)
	return &Allocator{
		pools: map[string]*poolState{}, addresses: map[netip.Addr]*addressEntry{},
		byAddress: btree.NewG(4*degree, func(x, y *addressEntry) bool { return x.address.Less(y.address) }),
		groups:    map[groupKey]*group{}, services: map[types.NamespacedName]*serviceState{},
		waiting: newByAge(nodes), queues: map[waitKey]*byAge{}, nodes: nodes,
		signals: map[waitKey]*progress{}, agenda: newByAge(nodes), touched: map[*serviceState]struct{}{}, changed: map[string]struct{}{},
	}
}

// SetPools replaces the pools, which must not overlap. Abandoned are pools that are gone and whose services may be moved.
// No service is left without its address by it: one whose pool does not contain the address any more and allows disruption, or
// does not admit the service, moves to another if there is one for it; if its status does not have the address yet, it moves when
// it asks after that. Such services, and those that wait, are served from the new pools in the order of their creation.
//
// It returns the services whose answer is another than before. What it costs depends on the addresses in use in ranges that have
// changed, and on the services that wait.
func (a *Allocator) SetPools(pools ipam.Pools, abandoned ...string) []types.NamespacedName {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reconsiderWaiting(a.replacePools(pools, abandoned))
	a.serve()
	return a.woken(nil)
}

// Hydrate replays what a service holds, whatever the pools and the other services. It comes before the first Allocate. If two
// services hold an address that they do not share, both keep it, and the younger is refused. Assignments are taken for their
// Address and Pool.
func (a *Allocator) Hydrate(r Request, assignments []Assignment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.release(r.Service)
	s := a.state(r.Service)
	held := make([]Assignment, 0, len(assignments))
	for _, as := range assignments {
		if slices.Contains(s.reported, as.Address) {
			continue
		}
		s.reported = append(s.reported, as.Address)
		as.Pool = a.heldFrom(&r, as)
		held = append(held, as)
	}
	a.assign(s, &r, held, nil)
	s.answer.held = s.held
	s.seen = s.answer
}

// Allocate meets the request, or refuses it. The same request gets the same answer, and changes nothing. If it is
// refused the service keeps what its status says that it holds (Settle, Hydrate), which the Result has in any case, and waits
// for what it asked for. A service that would have to leave an address, and can be given no other, is refused in this way, and
// so is one that holds an address that an older service holds too and does not share with it.
//
// Addresses that the service gives up are free for others only after Settle.
func (a *Allocator) Allocate(r Request) (Result, *Refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state(r.Service)
	a.evaluate(s, r)
	a.serve()
	return s.result(a.woken(s)), s.answer.refusal
}

// Release frees everything that the service holds and ends its waiting. It returns whether it held anything, and the
// services whose answer has changed in consequence.
func (a *Allocator) Release(service types.NamespacedName) (held bool, woken []types.NamespacedName) {
	a.mu.Lock()
	defer a.mu.Unlock()
	held = a.release(service)
	a.serve()
	return held, a.woken(nil)
}

// Keep is for a request that contradicts itself: the service waits for nothing, and keeps what its status says that it holds, on
// the terms of the request.
func (a *Allocator) Keep(r Request) Result {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state(r.Service)
	a.stopWaiting(s)
	a.assign(s, &r, s.kept(), nil)
	s.open = false
	s.answer = answer{held: s.held}
	a.forgetIdle(s)
	a.serve()
	return s.result(a.woken(s))
}

// Withdraw ends the service's waiting; it keeps what it holds.
func (a *Allocator) Withdraw(service types.NamespacedName) Result {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.services[service]
	if s == nil {
		return Result{}
	}
	a.stopWaiting(s)
	s.open = false
	s.answer = answer{held: s.held}
	s.seen = s.answer
	a.forgetIdle(s)
	return s.result(nil)
}

// Settle says what the status of the service reports that it holds, in a version that no write is known to have replaced. Other
// addresses that the service has given up are free then. What is reported is not freed, even if the service has got something else
// meanwhile. It returns the services whose answer has changed in consequence.
func (a *Allocator) Settle(service types.NamespacedName, reported []netip.Addr) []types.NamespacedName {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.services[service]
	if s == nil {
		return nil
	}
	s.reported = reported
	s.pending = slices.DeleteFunc(s.pending, func(p pendingRelease) bool {
		if s.isReported(p.Address) {
			return false
		}
		a.drop(p.Address, service)
		return true
	})
	a.forgetIdle(s)
	a.serve()
	return a.woken(s)
}

// release forgets the service, and returns whether it held anything.
func (a *Allocator) release(service types.NamespacedName) bool {
	s := a.services[service]
	if s == nil {
		return false
	}
	a.stopWaiting(s)
	held := len(s.held)+len(s.pending) > 0
	before := s.held
	a.hold(s, nil)
	for _, c := range before {
		a.drop(c.Address, service)
	}
	for _, p := range s.pending {
		a.drop(p.Address, service)
	}
	delete(a.services, service)
	return held
}

// evaluate decides the request, and puts the decision into effect: what the service holds, what it waits for, and its answer.
func (a *Allocator) evaluate(s *serviceState, r Request) {
	d := a.decide(&r, s)
	a.stopWaiting(s)
	if len(d.holds) > 0 {
		a.assign(s, &r, d.holds, d.left)
		a.lead(s, &d)
	} else {
		a.assign(s, &r, s.kept(), nil)
	}
	s.open = true
	s.answer = answer{held: s.held}
	reasons := d.reasons
	if d.meets() {
		s.answer.missing, reasons = refusal(d.reasons), nil
	}
	for _, c := range s.held {
		if conflict := a.conflict(a.addresses[c.Address], s); conflict != nil {
			reasons, d.waits = append(reasons, *conflict), append(d.waits, waitKey{address: c.Address})
		}
	}
	s.answer.refusal = refusal(reasons)
	if s.answer.refusal != nil || s.answer.missing != nil {
		a.wait(s, d.waits)
	}
	a.touched[s] = struct{}{}
}

// result returns what the service holds.
func (s *serviceState) result(woken []types.NamespacedName) Result {
	r := Result{Assignments: slices.Clone(s.held), Missing: s.answer.missing, Woken: woken}
	for _, p := range s.pending {
		if p.why != nil {
			r.Moved = append(r.Moved, *p.why)
		}
	}
	return r
}
