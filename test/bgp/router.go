// SPDX-License-Identifier: Apache-2.0

package bgptest

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	routes "metallb.io/metallb/test/router/router"
)

// Neighbor is how a router sees the speaker.
type Neighbor struct {
	// Address is the speaker's. Local is the router's own; both are of one family.
	Address, Local netip.Addr
	// IPv4 and IPv6 are the families that the router takes; if neither is set, the one of Address. IPv6NextHop has it take IPv4 routes
	// with an IPv6 next hop (RFC 8950).
	IPv4, IPv6, IPv6NextHop bool
	// LocalASN is the router's, PeerASN the speaker's.
	LocalASN, PeerASN uint32
	// Port that the router listens on; 0 is 179.
	Port uint16
	// HoldTime in seconds: 0 is what the router proposes of itself, NoHoldTime that it proposes 0.
	HoldTime int
	// Password for TCP MD5, none if empty.
	Password string
	// MultiHop lets the speaker be more than a hop away. TTLSecurity has the router drop what does not come from its subnet (RFC 5082).
	MultiHop, TTLSecurity bool
	// Dials has the router connect to the speaker too, and not only be connected to.
	Dials bool
	// Restarts has the router restart gracefully itself (RFC 4724), when it is started again after it was killed. Without it, it only keeps the routes
	// of speakers that do, as routers do by default.
	Restarts bool
	// KeepsOnNotification has the router keep them when a NOTIFICATION ends the session too (RFC 8538), which only FRR can.
	KeepsOnNotification bool
	// Other is the address of another speaker, if there is one, which is like the first in all else.
	Other netip.Addr
}

// namedNeighbor is a speaker as a configuration has it.
type namedNeighbor struct {
	Name     string
	Neighbor Neighbor
}

// Speakers returns the one speaker, or the two.
func (n Neighbor) Speakers() []namedNeighbor {
	speakers := []namedNeighbor{{"speaker", n}}
	if n.Other.IsValid() {
		other := n
		other.Address = n.Other
		speakers = append(speakers, namedNeighbor{"other_speaker", other})
	}
	return speakers
}

// Families are those that the router takes, as routers name them.
func (n Neighbor) Families() []string {
	var families []string
	neither := !n.IPv4 && !n.IPv6
	if n.IPv4 || neither && n.Address.Is4() {
		families = append(families, "ipv4")
	}
	if n.IPv6 || neither && n.Address.Is6() {
		families = append(families, "ipv6")
	}
	return families
}

// NoHoldTime has the router propose a hold time of 0.
const NoHoldTime = -1

// Route is one that the speaker announced, as the router tells it.
type Route struct {
	Prefix  netip.Prefix
	NextHop netip.Addr
	ASPath  []uint32
	// LocalPref is 100 where the router shows none of its own.
	LocalPref uint32
	// MED is nil if the route has none.
	MED *uint32
	// Communities are written "64512:100", large ones "64512:1:2", both sorted. Extended ones are written as the router writes them,
	// but with colons, and without what it says of them.
	Communities, LargeCommunities, ExtendedCommunities []string
}

// routesOf returns the routes of a table, each of which has one path.
func routesOf(tb testing.TB, table []routes.Route) map[netip.Prefix]Route {
	tb.Helper()
	sorted := func(list []string) []string { return slices.Sorted(slices.Values(list)) }
	all := make(map[netip.Prefix]Route, len(table))
	for _, route := range table {
		if len(route.Paths) != 1 {
			tb.Fatalf("there are %d paths to %s", len(route.Paths), route.Prefix)
		}
		p := route.Paths[0]
		r := Route{
			Prefix: route.Prefix, NextHop: p.NextHop, ASPath: asPath(p.ASPath), LocalPref: 100, MED: p.MED,
			Communities: sorted(p.Communities), LargeCommunities: sorted(p.LargeCommunities), ExtendedCommunities: sorted(p.ExtendedCommunities),
		}
		if p.LocalPref != nil {
			r.LocalPref = *p.LocalPref
		}
		all[r.Prefix] = r
	}
	return all
}

// asPath reads ASNs.
func asPath(s string) []uint32 {
	var path []uint32
	for f := range strings.FieldsSeq(s) {
		if asn, err := strconv.ParseUint(f, 10, 32); err == nil {
			path = append(path, uint32(asn))
		}
	}
	return path
}

// Session is the session with the speaker, as the router tells it.
type Session struct {
	Up bool
	// State is what the router calls it.
	State string
	// HoldTime that was negotiated.
	HoldTime time.Duration
	// Routes is the number of prefixes that the router has from the speaker.
	Routes int
	// Updates counts what the speaker announced since the session is up: BIRD counts prefixes, FRR messages.
	Updates int
	// Withdrawals counts the prefixes that were withdrawn since the session is up. FRR does not tell.
	Withdrawals int
	// LastError is why the session was last down, in the router's words.
	LastError string
}

// Version tells a route from one that replaces it, in one of two ways.
type Version struct {
	// Number is that of the table of which the route came.
	Number int
	// Since is the time at which it came.
	Since time.Time
}

// Same reports whether it is one version. BIRD computes the time at each question, from how long ago that was, so it may differ by a millisecond.
func (v Version) Same(other Version) bool {
	return v.Number == other.Number && v.Since.Sub(other.Since).Abs() < 20*time.Millisecond
}

// Router is a BIRD or an FRR with the speaker as its one peer.
type Router interface {
	// Name is of the program.
	Name() string
	// Configure changes how it sees the speaker, which takes effect when it is started next.
	Configure(tb testing.TB, neighbor Neighbor)
	// Start runs the router. It is killed when the test ends.
	Start(tb testing.TB)
	// Kill ends it as kill -9 does. It may be started again.
	Kill(tb testing.TB)
	// Reset has the router close the session and take it up again.
	Reset(tb testing.TB)
	// Session and Routes ask the router. They fail the test if it does not answer.
	Session(tb testing.TB) Session
	Routes(tb testing.TB) map[netip.Prefix]Route
	// Prefixes returns those that the router has routes for, each with whether the route is stale: kept of a session that was lost. It
	// takes one or two questions.
	Prefixes(tb testing.TB) map[netip.Prefix]bool
	// Versions returns for each prefix which version of the route the router has. It stays the same if the same route is sent again, and does not
	// if the route was away meanwhile.
	Versions(tb testing.TB) map[netip.Prefix]Version
	// Best asks for the next hop of the path that the router has chosen for the prefix, and for how many it has chosen from.
	Best(tb testing.TB, prefix netip.Prefix) (nextHop netip.Addr, paths int)
}
