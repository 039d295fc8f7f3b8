// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// addressEntry is who uses one address, and on what terms: those of the service's present request.
type addressEntry struct {
	address netip.Addr
	// pool that the address belongs to, or, if none contains it, that it was allocated from.
	pool  string
	users map[types.NamespacedName]Sharing
	// groups and ports count the users. Users of several groups, or with a port in common, are in conflict.
	groups map[groupKey]int
	ports  map[groupPort]int
	// successor is where the last user that had to leave the address went.
	successor netip.Addr
}

// groupKey identifies the services that may share addresses.
type groupKey struct {
	key       string
	local     bool
	endpoints string
}

type groupPort struct {
	group groupKey
	port  Port
}

// group is the addresses that the services of one group use.
type group struct {
	members map[netip.Addr]*addressEntry
	// ports counts the addresses on which a port is taken.
	ports map[Port]int
}

// fits reports whether the service can use the address with the others that do.
func (e *addressEntry) fits(service types.NamespacedName, s Sharing) bool {
	own, isUser := e.users[service]
	others := len(e.users)
	if isUser {
		others--
	}
	if others == 0 {
		return true
	}
	g := s.group()
	isMember := isUser && own.Key != "" && own.group() == g
	members := e.groups[g]
	if isMember {
		members--
	}
	if s.Key == "" || members != others {
		return false
	}
	for _, p := range s.Ports {
		n := e.ports[groupPort{g, p}]
		if isMember && slices.Contains(own.Ports, p) {
			n--
		}
		if n > 0 {
			return false
		}
	}
	return true
}

// obstacle returns why the service cannot use the address, which it does not hold, with those that do; nil if it can.
func (a *Allocator) obstacle(e *addressEntry, r *Request) *Reason {
	if e == nil || e.fits(r.Service, r.Sharing) {
		return nil
	}
	return a.misfit(e, r, func(*serviceState) bool { return true })
}

// conflict returns why the service should not use the address, which it holds: an older service does, and the two cannot
// share it. The address is taken from neither. As the older is found by state and not by who changed last, a restart changes
// nothing.
func (a *Allocator) conflict(e *addressEntry, s *serviceState) *Reason {
	if e.fits(s.request.Service, s.request.Sharing) {
		return nil
	}
	reason := a.misfit(e, &s.request, func(other *serviceState) bool { return other.before(s) })
	if reason != nil {
		reason.Conflict = true
	}
	return reason
}

// misfit names the oldest of the other users that the request does not fit.
func (a *Allocator) misfit(e *addressEntry, r *Request, counts func(*serviceState) bool) *Reason {
	var oldest *serviceState
	var found *Reason
	for name, terms := range e.users {
		other := a.services[name]
		if name == r.Service || oldest != nil && oldest.before(other) || !counts(other) {
			continue
		}
		if cause, port := r.Sharing.misfit(terms); cause != "" {
			oldest, found = other, &Reason{Cause: cause, Address: e.address, By: name, Port: port}
		}
	}
	return found
}

// use makes the service a user of the address on the terms of its request.
func (a *Allocator) use(c Assignment, r *Request) {
	e := a.addresses[c.Address]
	if e == nil {
		e = &addressEntry{
			address: c.Address, pool: a.poolOf(c.Address, c.Pool),
			users: map[types.NamespacedName]Sharing{}, groups: map[groupKey]int{}, ports: map[groupPort]int{},
		}
		a.addresses[c.Address] = e
		a.byAddress.ReplaceOrInsert(e)
		a.occupy(e)
	}
	terms, isUser := e.users[r.Service]
	if isUser && terms.Equal(r.Sharing) {
		return
	}
	if isUser {
		a.removeUser(e, r.Service)
	}
	a.addUser(e, r.Service, r.Sharing)
	a.signal(waitKey{address: e.address})
	if !e.fits(r.Service, r.Sharing) {
		for name := range e.users {
			if name != r.Service {
				a.reconsider(a.services[name])
			}
		}
	}
}

// drop ends the service's use of the address, which is free if it was the last user.
func (a *Allocator) drop(address netip.Addr, service types.NamespacedName) {
	e := a.addresses[address]
	a.removeUser(e, service)
	if len(e.users) == 0 {
		delete(a.addresses, address)
		a.byAddress.Delete(e)
		a.vacate(e)
		a.signal(waitKey{pool: e.pool, family: FamilyOf(address)})
	}
	a.signal(waitKey{address: address})
}

// occupy counts the address to its pool.
func (a *Allocator) occupy(e *addressEntry) {
	p := a.pool(e.pool)
	p.take(e.address)
	if f := FamilyOf(e.address); p.available(f) == 0 {
		a.signal(waitKey{pool: e.pool, family: f, exhausted: true})
	}
	a.changed[e.pool] = struct{}{}
}

// vacate undoes occupy.
func (a *Allocator) vacate(e *addressEntry) {
	p := a.pool(e.pool)
	p.free(e.address)
	a.changed[e.pool] = struct{}{}
	a.tidy(p)
}

func (a *Allocator) addUser(e *addressEntry, service types.NamespacedName, s Sharing) {
	e.users[service] = s
	if s.Key == "" {
		return
	}
	k := s.group()
	g := a.groups[k]
	if g == nil {
		g = &group{members: map[netip.Addr]*addressEntry{}, ports: map[Port]int{}}
		a.groups[k] = g
	}
	if e.groups[k]++; e.groups[k] == 1 {
		g.members[e.address] = e
		a.signal(waitKey{group: k})
	}
	for _, p := range s.Ports {
		if e.ports[groupPort{k, p}]++; e.ports[groupPort{k, p}] == 1 {
			g.ports[p]++
		}
	}
}

func (a *Allocator) removeUser(e *addressEntry, service types.NamespacedName) {
	s := e.users[service]
	delete(e.users, service)
	for k, n := range e.groups {
		if n == len(e.users) && (s.Key == "" || s.group() != k) {
			a.signal(waitKey{group: k}) // Nobody is in the way any more of those who could share the address.
		}
	}
	if s.Key == "" {
		return
	}
	k := s.group()
	g := a.groups[k]
	for _, p := range s.Ports {
		a.signal(waitKey{group: k, port: p})
		if e.ports[groupPort{k, p}]--; e.ports[groupPort{k, p}] > 0 {
			continue
		}
		delete(e.ports, groupPort{k, p})
		if g.ports[p]--; g.ports[p] == 0 {
			delete(g.ports, p)
		}
	}
	if e.groups[k]--; e.groups[k] > 0 {
		return
	}
	delete(e.groups, k)
	delete(g.members, e.address)
	if len(g.members) == 0 {
		delete(a.groups, k)
	}
}

// shareable returns the addresses in use that the service could share.
func (a *Allocator) shareable(service types.NamespacedName, s Sharing) []*addressEntry {
	if s.Key == "" {
		return nil
	}
	g := a.groups[s.group()]
	if g == nil {
		return nil
	}
	for _, p := range s.Ports {
		// The usual case of many services with one key and the same port: no address has it free.
		if g.ports[p] == len(g.members) {
			return nil
		}
	}
	var found []*addressEntry
	for _, e := range g.members {
		if e.fits(service, s) {
			found = append(found, e)
		}
	}
	return found
}

func compareNames(a, b types.NamespacedName) int {
	if c := strings.Compare(a.Namespace, b.Namespace); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}
