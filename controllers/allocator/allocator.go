// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"net/netip"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/config"
)

// Allocator knows the pools, which service holds which addresses, and which services wait for one.
type Allocator struct {
	mu     sync.Mutex
	pools  ipam.Pools
	spaces map[string]*space
	// abandoned are pools that are gone, and whose services may be moved.
	abandoned map[string]bool
	usages    map[netip.Addr]*usage
	groups    map[groupKey]*group
	// assigned counts the addresses in use by their pool, which need not be in force.
	assigned map[poolFamily]int64

	holders map[types.NamespacedName]*holder
	waiters map[types.NamespacedName]*waiter
	queues  map[want][]*waiter
	// signals are changes that waiting services have not been told of yet.
	signals []want
	// followers are services to be tried next, because one that they share an address with has moved and left them room.
	followers []types.NamespacedName

	// incompatible are the addresses held that no pool would give again, by the pool they belong to or came from.
	incompatible map[string]map[config.Impact]struct{}
	changed      map[string]struct{}
}

type poolFamily struct {
	pool   string
	family corev1.IPFamily
}

// holder is a service that holds addresses.
type holder struct {
	request Request
	// open is set while the request may be tried again: it was not withdrawn, and does not contradict itself.
	open bool
	held []choice
	// told are the addresses that everybody has been told that the service holds.
	told []netip.Addr
	// given are addresses that the service has given up and that are not free for others yet.
	given []given
	// disputed are replayed addresses that another service, replayed earlier, holds and does not share.
	disputed map[netip.Addr]types.NamespacedName
	// claims are the entries in Allocator.incompatible.
	claims map[netip.Addr]string
}

// choice is an address and the pool that a service holds it from: the one that contains it, unless the service requests
// the one that contained it before.
type choice struct {
	address netip.Addr
	pool    string
}

func (h *holder) holds(a netip.Addr) bool {
	return slices.ContainsFunc(h.held, func(c choice) bool { return c.address == a })
}

// New returns an Allocator without pools.
func New() *Allocator {
	return &Allocator{
		spaces:       map[string]*space{},
		usages:       map[netip.Addr]*usage{},
		groups:       map[groupKey]*group{},
		assigned:     map[poolFamily]int64{},
		holders:      map[types.NamespacedName]*holder{},
		waiters:      map[types.NamespacedName]*waiter{},
		queues:       map[want][]*waiter{},
		incompatible: map[string]map[config.Impact]struct{}{},
		changed:      map[string]struct{}{},
	}
}

// SetPools replaces the pools, which must not overlap. Abandoned are pools that are gone and whose services may be moved.
// No service is left without its address by it: one whose pool allows disruption, and would not give it the address any
// more, moves to another if there is one for it; if it was not told the address yet, it moves when it asks after that.
// Such services, and those that wait, are served from the new pools in the order of their creation. Afterwards every
// service is worth looking at again: what it holds, whether that is still compatible, and why it is refused may all be
// different.
func (a *Allocator) SetPools(pools ipam.Pools, abandoned ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.replacePools(pools, abandoned)
	for _, h := range a.holders {
		for i, c := range h.held {
			h.held[i].pool = a.heldFrom(&h.request, c)
		}
		a.judge(h)
		if a.mustMove(h) && a.waiters[h.request.Service] == nil {
			a.wait(&waiter{request: h.request})
		}
	}
	a.serveAll()
	a.serve()
}

// Hydrate replays what a service holds, whatever the pools and the other services. It comes before the first Allocate, in
// the order of the services' creation: if two hold an address that they do not share, both keep it, and it is disputed
// for the one replayed later. Assignments are taken for their Address and Pool.
func (a *Allocator) Hydrate(r Request, assignments []Assignment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.release(r.Service)
	h := &holder{request: r, disputed: map[netip.Addr]types.NamespacedName{}}
	a.holders[r.Service] = h
	for _, as := range assignments {
		if h.holds(as.Address) {
			continue
		}
		if u := a.usages[as.Address]; u != nil {
			if reason := u.admits(r.Service, r.Sharing); reason != nil {
				h.disputed[as.Address] = reason.By
			}
		}
		c := choice{as.Address, as.Pool}
		c.pool = a.heldFrom(&r, c)
		a.take(c, r)
		h.held = append(h.held, c)
		h.told = append(h.told, c.address)
	}
	a.judge(h)
	a.signals = nil
}

// Allocate meets the request, or refuses it. The same request gets the same answer, and changes nothing. If it is
// refused the service keeps what it was told that it holds (Settle, Hydrate), which the Result tells in any case, and waits
// for what it asked for. A service that would have to leave an address, and can be given no other, is refused in this way.
//
// Addresses that the service gives up are free for others only after Settle.
func (a *Allocator) Allocate(r Request) (Result, *Refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.request(r)
	woken := a.serve()
	result := a.result(r.Service)
	result.Woken = woken
	if p.meets() {
		result.Missing = p.refusal
		return result, nil
	}
	return result, p.refusal
}

// Release frees everything that the service holds and ends its waiting. It returns whether it held anything, and the
// services that were waiting and have got something.
func (a *Allocator) Release(service types.NamespacedName) (held bool, woken []types.NamespacedName) {
	a.mu.Lock()
	defer a.mu.Unlock()
	held = a.release(service)
	return held, a.serve()
}

// Keep is for a request that contradicts itself: the service waits for nothing, and keeps what it was told that it holds on
// the terms of the request.
func (a *Allocator) Keep(r Request) Result {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopWaiting(r.Service)
	if h := a.holders[r.Service]; h != nil {
		a.keepTold(h)
		a.renew(h, r)
		h.open = false
	}
	woken := a.serve()
	result := a.result(r.Service)
	result.Woken = woken
	return result
}

// Withdraw ends the service's waiting; it keeps what it holds.
func (a *Allocator) Withdraw(service types.NamespacedName) Result {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopWaiting(service)
	if h := a.holders[service]; h != nil {
		h.open = false
	}
	return a.result(service)
}

func (a *Allocator) release(service types.NamespacedName) bool {
	a.stopWaiting(service)
	h := a.holders[service]
	if h == nil {
		return false
	}
	for _, c := range h.held {
		a.drop(c.address, service)
	}
	for _, g := range h.given {
		a.drop(g.address, service)
	}
	h.held = nil
	a.judge(h)
	delete(a.holders, service)
	return true
}

// request plans, applies the plan, and lets the service wait for what is missing.
func (a *Allocator) request(r Request) plan {
	h := a.holders[r.Service]
	p := a.plan(&r, h)
	a.stopWaiting(r.Service)
	if len(p.choices) > 0 {
		h = a.apply(r, h, &p)
	} else if h != nil {
		a.keepTold(h)
	}
	var disputes []want
	if h != nil {
		a.renew(h, r)
		h.open = true
		disputes = a.disputes(h)
	}
	if p.refusal != nil || len(p.wants)+len(disputes) > 0 {
		a.wait(&waiter{
			request: r, refusal: p.refusal, met: p.meets() && len(disputes) == 0, wants: append(p.wants, disputes...),
		})
	}
	return p
}

// apply makes the service hold the choices of the plan and nothing else.
func (a *Allocator) apply(r Request, h *holder, p *plan) *holder {
	if h == nil {
		h = &holder{}
		a.holders[r.Service] = h
	}
	before := h.held
	h.held = p.choices
	for _, c := range h.held {
		a.take(c, r)
	}
	for _, c := range before {
		if !h.holds(c.address) {
			h.give(given{c, p.whyLeft(c.address)})
		}
	}
	h.given = slices.DeleteFunc(h.given, func(g given) bool { return h.holds(g.address) })
	a.lead(h, p)
	return h
}

// renew makes the service hold what it holds on the terms of the request, also if that was refused, as far as the other
// users of the addresses permit.
func (a *Allocator) renew(h *holder, r Request) {
	h.request = r
	for _, c := range h.held {
		if a.usages[c.address].admits(r.Service, r.Sharing) == nil {
			a.take(c, r)
		}
	}
	a.judge(h)
}

// disputes returns what would end the disputes of the service.
func (a *Allocator) disputes(h *holder) []want {
	var wants []want
	for address := range h.disputed {
		if a.dispute(h, address) != (types.NamespacedName{}) {
			wants = append(wants, want{address: address})
		}
	}
	return wants
}

// take makes the service a user of the address on the terms of its request.
func (a *Allocator) take(c choice, r Request) {
	u := a.usages[c.address]
	if u == nil {
		u = newUsage(c.address, a.poolOf(c.address, c.pool))
		a.usages[c.address] = u
		a.occupy(u)
	}
	terms, isUser := u.users[r.Service]
	switch {
	case isUser && terms.Equal(r.Sharing):
		return
	case isUser:
		a.disuse(u, r.Service)
		a.signalLeft(u, terms)
	}
	a.use(u, r.Service, r.Sharing)
	if r.Sharing.Key != "" && u.groups[r.Sharing.group()] == 1 {
		a.signal(want{group: r.Sharing.group()})
	}
}

// occupy counts the address to its pool.
func (a *Allocator) occupy(u *usage) {
	a.assigned[poolFamily{u.pool, FamilyOf(u.address)}]++
	if s := a.spaces[u.pool]; s != nil {
		s.take(u.address)
	}
	a.changed[u.pool] = struct{}{}
}

// vacate undoes occupy.
func (a *Allocator) vacate(u *usage) {
	k := poolFamily{u.pool, FamilyOf(u.address)}
	if a.assigned[k]--; a.assigned[k] == 0 {
		delete(a.assigned, k)
	}
	if s := a.spaces[u.pool]; s != nil {
		s.free(u.address)
	}
	a.changed[u.pool] = struct{}{}
}

// drop ends the service's use of the address, which is free if it was the last user.
func (a *Allocator) drop(address netip.Addr, service types.NamespacedName) {
	u := a.usages[address]
	terms := u.users[service]
	a.disuse(u, service)
	if len(u.users) == 0 {
		delete(a.usages, address)
		a.vacate(u)
		a.signal(want{pool: u.pool, family: FamilyOf(address)})
	}
	a.signalLeft(u, terms)
}

// signalLeft tells those who wait for the address, or for a port of the group, that a user with these terms has left.
func (a *Allocator) signalLeft(u *usage, terms Sharing) {
	a.signal(want{address: u.address})
	if terms.Key == "" {
		return
	}
	for _, p := range terms.Ports {
		a.signal(want{group: terms.group(), port: p})
	}
}
