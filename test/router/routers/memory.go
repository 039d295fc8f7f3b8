// SPDX-License-Identifier: Apache-2.0

package routers

import (
	"net/netip"
	"time"

	"metallb.io/metallb/test/router/router"
)

// forgetAfter is how long a session that a router no longer knows is still shown.
const forgetAfter = 15 * time.Minute

// memory knows every session that was once established. Routers forget: a session that is down has no router ID any
// more, and FRR drops a dynamic neighbour altogether.
type memory struct {
	sessions map[sessionKey]*session
	// ids are the router IDs seen with each host name. A name shared by several nodes names none of them.
	ids map[string]map[netip.Addr]struct{}
}

type sessionKey struct {
	router  string
	address netip.Addr
}

type session struct {
	last router.Neighbor
	gone time.Time // zero while the router knows the session
}

func newMemory() memory {
	return memory{sessions: map[sessionKey]*session{}, ids: map[string]map[netip.Addr]struct{}{}}
}

// complete learns from a report and adds to it what the router has forgotten.
func (m *memory) complete(r *router.Report, now time.Time) {
	if r.Error != "" {
		return
	}
	reported := map[netip.Addr]bool{}
	for i := range r.Neighbors {
		n := &r.Neighbors[i]
		reported[n.Address] = true
		m.learn(r.Name, n)
	}
	for key, s := range m.sessions {
		if key.router != r.Name || reported[key.address] {
			continue
		}
		if s.gone.IsZero() {
			s.gone = now
		}
		if now.Sub(s.gone) > forgetAfter {
			delete(m.sessions, key)
			continue
		}
		n := s.last
		n.State, n.Established, n.Since, n.Paths, n.Node = router.StateGone, false, s.gone, 0, ""
		r.Neighbors = append(r.Neighbors, n)
	}
}

// learn records an established session, and fills in what is known of one that is not.
func (m *memory) learn(name string, n *router.Neighbor) {
	key := sessionKey{router: name, address: n.Address}
	if n.Established {
		m.sessions[key] = &session{last: *n}
		if n.Hostname != "" && n.RouterID.IsValid() {
			if m.ids[n.Hostname] == nil {
				m.ids[n.Hostname] = map[netip.Addr]struct{}{}
			}
			m.ids[n.Hostname][n.RouterID] = struct{}{}
		}
		return
	}
	if s := m.sessions[key]; s != nil {
		s.gone = time.Time{}
		if !n.RouterID.IsValid() {
			n.RouterID = s.last.RouterID
		}
		if n.Hostname == "" {
			n.Hostname = s.last.Hostname
		}
		if n.ASN == 0 {
			n.ASN = s.last.ASN
		}
	}
}

// namer returns the function that names the node behind a session: the operator's name for its address or router ID,
// the host name it announces if no other node does, its router ID, its address.
func (m *memory) namer(names map[netip.Addr]string) func(router.Neighbor) string {
	return func(n router.Neighbor) string {
		if name := names[n.Address]; name != "" {
			return name
		}
		if name := names[n.RouterID]; name != "" {
			return name
		}
		if n.Hostname != "" && len(m.ids[n.Hostname]) == 1 {
			return n.Hostname
		}
		if n.RouterID.IsValid() {
			return n.RouterID.String()
		}
		return n.Address.String()
	}
}
