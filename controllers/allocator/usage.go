// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// usage is who uses one address, and on what terms.
type usage struct {
	address netip.Addr
	// pool that the address belongs to, or, if none contains it, that it was allocated from.
	pool  string
	users map[types.NamespacedName]Sharing
	// groups and ports count the users; services of one group have no port in common unless they were replayed so.
	groups map[groupKey]int
	ports  map[groupPort]int
	// successor is where the last user that had to leave the address went.
	successor netip.Addr
}

// groupKey identifies the services that may share addresses.
type groupKey struct{ key, backend string }

type groupPort struct {
	group groupKey
	port  Port
}

// group is the addresses that the services of one group use.
type group struct {
	members map[netip.Addr]*usage
	// ports counts the addresses on which a port is taken.
	ports map[Port]int
}

func newUsage(a netip.Addr, pool string) *usage {
	return &usage{
		address: a, pool: pool,
		users:  map[types.NamespacedName]Sharing{},
		groups: map[groupKey]int{},
		ports:  map[groupPort]int{},
	}
}

// admits returns why the service cannot use the address with the others that do; nil if it can.
func (u *usage) admits(service types.NamespacedName, s Sharing) *Reason {
	own, isUser := u.users[service]
	others := len(u.users)
	if isUser {
		others--
	}
	if others == 0 {
		return nil
	}
	count := func(g groupKey) int {
		if isUser && own.group() == g {
			return u.groups[g] - 1
		}
		return u.groups[g]
	}
	if s.Key == "" || count(s.group()) != others {
		return u.refuse(service, s)
	}
	for _, p := range s.Ports {
		n := u.ports[groupPort{s.group(), p}]
		if isUser && own.group() == s.group() && own.has(p) {
			n--
		}
		if n > 0 {
			return &Reason{Cause: PortInUse, Address: u.address, Port: p, By: u.userOf(p, service)}
		}
	}
	return nil
}

// refuse says what keeps the service from sharing the address with one of the others, the first by name.
func (u *usage) refuse(service types.NamespacedName, s Sharing) *Reason {
	other := u.firstUser(service, func(theirs Sharing) bool { return s.Key == "" || theirs.group() != s.group() })
	theirs := u.users[other]
	r := &Reason{Cause: AddressInUse, Address: u.address, By: other}
	switch {
	case s.Key == "" || theirs.Key == "":
	case s.Key != theirs.Key:
		r.Cause = SharingKeyDiffers
	default:
		r.Cause = BackendDiffers
	}
	return r
}

func (u *usage) userOf(p Port, except types.NamespacedName) types.NamespacedName {
	return u.firstUser(except, func(s Sharing) bool { return s.has(p) })
}

// firstUser returns the first other user by name whose terms match.
func (u *usage) firstUser(except types.NamespacedName, matches func(Sharing) bool) types.NamespacedName {
	var first types.NamespacedName
	for name, s := range u.users {
		if name != except && matches(s) && (first.Name == "" || compareNames(name, first) < 0) {
			first = name
		}
	}
	return first
}

func (s Sharing) has(p Port) bool { return slices.Contains(s.Ports, p) }

// use makes the service a user of the address, on the terms given.
func (a *Allocator) use(u *usage, service types.NamespacedName, s Sharing) {
	u.users[service] = s
	if s.Key == "" {
		return
	}
	g := a.groups[s.group()]
	if g == nil {
		g = &group{members: map[netip.Addr]*usage{}, ports: map[Port]int{}}
		a.groups[s.group()] = g
	}
	u.groups[s.group()]++
	g.members[u.address] = u
	for _, p := range s.Ports {
		k := groupPort{s.group(), p}
		if u.ports[k]++; u.ports[k] == 1 {
			g.ports[p]++
		}
	}
}

// disuse ends the service's use of the address.
func (a *Allocator) disuse(u *usage, service types.NamespacedName) {
	s := u.users[service]
	delete(u.users, service)
	if s.Key == "" {
		return
	}
	g := a.groups[s.group()]
	for _, p := range s.Ports {
		k := groupPort{s.group(), p}
		if u.ports[k]--; u.ports[k] > 0 {
			continue
		}
		delete(u.ports, k)
		if g.ports[p]--; g.ports[p] == 0 {
			delete(g.ports, p)
		}
	}
	if u.groups[s.group()]--; u.groups[s.group()] > 0 {
		return
	}
	delete(u.groups, s.group())
	delete(g.members, u.address)
	if len(g.members) == 0 {
		delete(a.groups, s.group())
	}
}

// shareable returns the addresses in use that the service could share.
func (a *Allocator) shareable(service types.NamespacedName, s Sharing) []*usage {
	g := a.groups[s.group()]
	if s.Key == "" || g == nil {
		return nil
	}
	for _, p := range s.Ports {
		// The usual case of many services with one key and the same port: no address has it free.
		if g.ports[p] == len(g.members) {
			return nil
		}
	}
	var found []*usage
	for _, u := range g.members {
		if u.admits(service, s) == nil {
			found = append(found, u)
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
