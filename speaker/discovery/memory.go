// SPDX-License-Identifier: Apache-2.0

//go:build linux

package discovery

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	// maxSeen is how many addresses are remembered on a link. Those that come later are not, for as long as they are heard.
	maxSeen = 8
	// oldAfter is how long an address is not heard before another one may take its place.
	oldAfter = 30 * time.Second
	// maxNamed is how many addresses an error names.
	maxNamed = 3
)

// evidence that an address is a router's, the best first.
type evidence int

const (
	// advertises: it sends router advertisements.
	advertises evidence = iota
	// echoes: it answers what is sent to all routers.
	echoes
	// claims: the kernel's neighbour table has it as a router.
	claims
	// exists: it is a neighbour.
	exists
	none
)

// sighting is of an address from which something was heard.
type sighting struct {
	evidence evidence
	last     time.Time
}

// memory is what is known of the routers on a link. It decides which is used.
type memory struct {
	// router is the one in use, and why is what it was found by. It is silent if it has not answered and nothing was heard since.
	router netip.Addr
	why    evidence
	silent bool
	seen   map[netip.Addr]sighting
	link   link
}

func newMemory() memory { return memory{why: none, seen: map[netip.Addr]sighting{}} }

// learn takes note of the kernel's view.
func (m *memory) learn(l link) {
	for _, address := range l.failed {
		if !slices.Contains(m.link.failed, address) {
			m.lose(address)
		}
	}
	isBack := slices.Contains(m.link.failed, m.router) && !slices.Contains(l.failed, m.router)
	if isBack && (slices.Contains(l.routers, m.router) || slices.Contains(l.neighbours, m.router)) {
		m.silent = false
	}
	m.link = l
}

// hear takes note of a message from a router.
func (m *memory) hear(from netip.Addr, e evidence, now time.Time) {
	if slices.Contains(m.link.own, from) {
		return
	}
	if from == m.router {
		m.silent = false
		m.why = min(m.why, e)
	}
	s, known := m.seen[from]
	if !known {
		if !m.makeRoom(now) && from != m.router {
			return
		}
		s.evidence = e
	}
	m.seen[from] = sighting{min(s.evidence, e), now}
}

// makeRoom reports whether another address may be remembered, after it has forgotten the one that was not heard for longest.
func (m *memory) makeRoom(now time.Time) bool {
	if len(m.seen) < maxSeen {
		return true
	}
	var oldest netip.Addr
	for address, s := range m.seen {
		if address != m.router && (!oldest.IsValid() || s.last.Before(m.seen[oldest].last)) {
			oldest = address
		}
	}
	if now.Sub(m.seen[oldest].last) < oldAfter {
		return false
	}
	delete(m.seen, oldest)
	return true
}

// confirm takes note that the address has answered.
func (m *memory) confirm(address netip.Addr) {
	if address == m.router {
		m.silent = false
	}
}

// lose takes note that the address has not answered.
func (m *memory) lose(address netip.Addr) {
	delete(m.seen, address)
	if address == m.router {
		m.silent = true
	}
}

// candidates returns who may be the router, by the evidence, without the one in use. Each is in one list.
func (m *memory) candidates() [none][]netip.Addr {
	var all [none][]netip.Addr
	for address, s := range m.seen {
		all[s.evidence] = append(all[s.evidence], address)
	}
	all[claims], all[exists] = slices.Clone(m.link.routers), slices.Clone(m.link.neighbours)
	for e := range all {
		all[e] = slices.DeleteFunc(all[e], func(a netip.Addr) bool {
			_, isSeen := m.seen[a]
			return a == m.router || isSeen && evidence(e) >= claims
		})
		slices.SortFunc(all[e], netip.Addr.Compare)
	}
	return all
}

// choose chooses the router. It returns who is to be asked whether they are there, since that may change the choice.
func (m *memory) choose() (doubtful []netip.Addr) {
	candidates := m.candidates()
	holds := m.router.IsValid() && !m.silent
	for e, addresses := range candidates {
		switch {
		case len(addresses) == 0:
			continue
		case holds && (m.why != exists || evidence(e) >= exists):
			return []netip.Addr{m.router}
		case len(addresses) == 1:
			m.router, m.why, m.silent = addresses[0], evidence(e), false
			return nil
		case holds:
			continue
		default:
			m.router, m.why = netip.Addr{}, none
			return addresses[:min(len(addresses), maxSeen)]
		}
	}
	return nil
}

// answer says which router is used, or what is known instead.
func (m *memory) answer() (netip.Addr, error) {
	if m.router.IsValid() {
		return m.router.WithZone(m.link.name), nil
	}
	if m.link.unusable != nil {
		return netip.Addr{}, m.link.unusable
	}
	for e, addresses := range m.candidates() {
		if len(addresses) == 0 {
			continue
		}
		return netip.Addr{}, fmt.Errorf("no router found on interface %s: %s %s: an unnumbered peer needs a link with one router, or set its address in place of interface",
			m.link.name, listed(addresses), evidence(e))
	}
	return netip.Addr{}, fmt.Errorf(
		"no router found on interface %s: none sends router advertisements or answers: check that its side of the link is up and has an IPv6 link-local address", m.link.name)
}

// String returns what two or more of which there is such evidence do.
func (e evidence) String() string {
	switch e {
	case advertises:
		return "all send router advertisements"
	case echoes, claims:
		return "all are routers"
	default:
		return "are all neighbours, and none says that it is a router"
	}
}

// listed names the first addresses.
func listed(addresses []netip.Addr) string {
	names := make([]string, 0, maxNamed)
	for _, a := range addresses[:min(len(addresses), maxNamed)] {
		names = append(names, a.String())
	}
	if more := len(addresses) - len(names); more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), more)
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
