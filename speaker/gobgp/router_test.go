// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/conformance"
)

// drainingMED is the MULTI_EXIT_DISC of a path that drains.
const drainingMED = 1<<32 - 2

// lab makes the routers' namespaces.
var lab bgptest.Lab

type makeRouter func(testing.TB, *bgptest.Node, bgptest.Neighbor) bgptest.Router

// onEachRouter runs a test with BIRD and with FRR.
func onEachRouter(t *testing.T, test func(*testing.T, makeRouter)) {
	t.Helper()
	for name, router := range map[string]makeRouter{"BIRD": bgptest.NewBIRD, "FRR": bgptest.NewFRR} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bgptest.Require(t)
			test(t, router)
		})
	}
}

// neighbors are the two sides of a session over IPv4 between ASN 64500 and 64512.
func neighbors(node *bgptest.Node) (bgptest.Neighbor, bgp.Peer) {
	return bgptest.Neighbor{Address: node.Test4, Local: node.Addr4, LocalASN: sinkASN, PeerASN: speakerASN},
		to("tor", netip.AddrPortFrom(node.Addr4, 179))
}

// neighbors6 are the same over IPv6.
func neighbors6(node *bgptest.Node) (bgptest.Neighbor, bgp.Peer) {
	return bgptest.Neighbor{Address: node.Test6, Local: node.Addr6, LocalASN: sinkASN, PeerASN: speakerASN},
		to("tor", netip.AddrPortFrom(node.Addr6, 179))
}

func community(t *testing.T, s string) bgp.Community {
	t.Helper()
	c, err := bgp.ParseCommunity(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// seen notes for the table of conformance what a test of a session with the router has shown, of routes of one family.
func seen(t *testing.T, feature string, r bgptest.Router, six bool, c bgp.Peer) {
	t.Helper()
	if feature == "" {
		return
	}
	cell := conformance.Cell{Feature: feature, Router: r.Name(), Family: conformance.IPv4, Kind: conformance.External}
	if six {
		cell.Family = conformance.IPv6
	}
	if c.IBGP() {
		cell.Kind = conformance.Internal
	}
	conformance.Seen(t, cell)
}

func awaitOnRouter(t *testing.T, r bgptest.Router, routes int) {
	t.Helper()
	eventually(t, 20*time.Second, func() (bool, string) {
		s := r.Session(t)
		return s.Up && s.Routes == routes, fmt.Sprintf("%s: %+v, not %d routes", r.Name(), s, routes)
	})
}

// differ says in what the router's routes differ from those that it is to have; nothing if they do not.
func differ(t *testing.T, r bgptest.Router, want ...bgptest.Route) string {
	t.Helper()
	routes := map[netip.Prefix]bgptest.Route{}
	for _, route := range want {
		routes[route.Prefix] = route
	}
	return cmp.Diff(routes, r.Routes(t), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmpopts.EquateEmpty())
}

func expectRoutes(t *testing.T, r bgptest.Router, want ...bgptest.Route) {
	t.Helper()
	if diff := differ(t, r, want...); diff != "" {
		t.Errorf("routes of %s (-want +got):\n%s", r.Name(), diff)
	}
}

func TestARouterLearnsWhatIsAnnounced(t *testing.T) {
	attributes := rib.Path{
		LocalPref:   150,
		Communities: []bgp.Community{community(t, "64500:1"), community(t, "64500:2"), community(t, "large:64500:1:2")},
	}
	shutdown := []string{"65535:0"}
	tests := map[string]struct {
		// feature is that of the table of conformance.
		feature string
		six     bool
		change  func(*bgptest.Neighbor, *bgp.Peer)
		// device is whether the connection is bound to the link, as to a VRF.
		device  bool
		prepend uint8
		// draining is whether the path drains, and also has the community that it then has.
		draining bool
		also     []string
		want     bgptest.Route
		hold     time.Duration
	}{
		"eBGP over IPv4": {
			feature: "Routes, communities and large communities",
			want:    bgptest.Route{ASPath: []uint32{speakerASN}, LocalPref: 100},
			hold:    90 * time.Second,
		},
		"eBGP over IPv6": {
			feature: "Routes, communities and large communities",
			six:     true,
			want:    bgptest.Route{ASPath: []uint32{speakerASN}, LocalPref: 100},
			hold:    90 * time.Second,
		},
		"iBGP over IPv4": {
			feature: "Routes, communities and large communities",
			change:  func(n *bgptest.Neighbor, c *bgp.Peer) { n.PeerASN, c.LocalASN = sinkASN, sinkASN },
			want:    bgptest.Route{LocalPref: 150},
			hold:    90 * time.Second,
		},
		"iBGP over IPv6": {
			feature: "Routes, communities and large communities",
			six:     true,
			change:  func(n *bgptest.Neighbor, c *bgp.Peer) { n.PeerASN, c.LocalASN = sinkASN, sinkASN },
			want:    bgptest.Route{LocalPref: 150},
			hold:    90 * time.Second,
		},
		"autonomous systems of four octets": {
			feature: "ASNs of four octets (RFC 6793)",
			change: func(n *bgptest.Neighbor, c *bgp.Peer) {
				n.LocalASN, c.PeerASN = 4200000001, 4200000001
				n.PeerASN, c.LocalASN = 4200000002, 4200000002
			},
			want: bgptest.Route{ASPath: []uint32{4200000002}, LocalPref: 100},
			hold: 90 * time.Second,
		},
		"an AS path that is prepended to": {
			feature: "AS path prepending",
			change:  func(n *bgptest.Neighbor, c *bgp.Peer) { n.PeerASN, c.LocalASN = 64513, 64513 },
			prepend: 2,
			want:    bgptest.Route{ASPath: []uint32{64513, 64513, 64513}, LocalPref: 100},
			hold:    90 * time.Second,
		},
		"an AS path that is prepended to over IPv6": {
			feature: "AS path prepending",
			six:     true,
			prepend: 2,
			want:    bgptest.Route{ASPath: []uint32{speakerASN, speakerASN, speakerASN}, LocalPref: 100},
			hold:    90 * time.Second,
		},
		"the longest AS path of autonomous systems of four octets": {
			feature: "ASNs of four octets (RFC 6793)",
			change: func(n *bgptest.Neighbor, c *bgp.Peer) {
				n.LocalASN, c.PeerASN = 4200000001, 4200000001
				n.PeerASN, c.LocalASN = 4200000002, 4200000002
			},
			prepend: 10,
			want:    bgptest.Route{ASPath: slices.Repeat([]uint32{4200000002}, 11), LocalPref: 100},
			hold:    90 * time.Second,
		},
		"an AS path that would be a loop to an iBGP peer is not prepended to": {
			change:  func(n *bgptest.Neighbor, c *bgp.Peer) { n.PeerASN, c.LocalASN = sinkASN, sinkASN },
			prepend: 2,
			want:    bgptest.Route{LocalPref: 150},
			hold:    90 * time.Second,
		},
		"a path that drains": {
			feature:  "Draining (RFC 8326)",
			draining: true, also: shutdown, prepend: 1,
			want: bgptest.Route{ASPath: slices.Repeat([]uint32{speakerASN}, 5), LocalPref: 100, MED: new(uint32(drainingMED))},
			hold: 90 * time.Second,
		},
		"a path that drains over IPv6": {
			feature: "Draining (RFC 8326)",
			six:     true, draining: true, also: shutdown,
			want: bgptest.Route{ASPath: slices.Repeat([]uint32{speakerASN}, 4), LocalPref: 100, MED: new(uint32(drainingMED))},
			hold: 90 * time.Second,
		},
		"a path that drains to an iBGP peer": {
			feature:  "Draining (RFC 8326)",
			change:   func(n *bgptest.Neighbor, c *bgp.Peer) { n.PeerASN, c.LocalASN = sinkASN, sinkASN },
			draining: true, also: shutdown,
			want: bgptest.Route{LocalPref: 0, MED: new(uint32(drainingMED))},
			hold: 90 * time.Second,
		},
		"another port, source address and a password": {
			feature: "TCP MD5 (RFC 2385), port, source address",
			change: func(n *bgptest.Neighbor, c *bgp.Peer) {
				n.Port, c.Port = 1790, 1790
				n.Password, c.Password = "s3cret", "s3cret"
				c.Source = n.Address
			},
			want: bgptest.Route{ASPath: []uint32{speakerASN}, LocalPref: 100},
			hold: 90 * time.Second,
		},
		"a password over IPv6": {
			feature: "TCP MD5 (RFC 2385)",
			six:     true,
			change:  func(n *bgptest.Neighbor, c *bgp.Peer) { n.Password, c.Password = "s3cret", "s3cret" },
			want:    bgptest.Route{ASPath: []uint32{speakerASN}, LocalPref: 100},
			hold:    90 * time.Second,
		},
		"the device that connections are made from, and a password": {
			feature: "VRF: connection from a device",
			device:  true,
			change:  func(n *bgptest.Neighbor, c *bgp.Peer) { n.Password, c.Password = "s3cret", "s3cret" },
			want:    bgptest.Route{ASPath: []uint32{speakerASN}, LocalPref: 100},
			hold:    90 * time.Second,
		},
		"a hold time of 3 s": {
			feature: "Hold time",
			change: func(_ *bgptest.Neighbor, c *bgp.Peer) {
				c.HoldTime, c.KeepaliveTime = 3*time.Second, time.Second
			},
			want: bgptest.Route{ASPath: []uint32{speakerASN}, LocalPref: 100},
			hold: 3 * time.Second,
		},
		"a router that wants no hold time": {
			feature: "Session without hold time",
			change: func(n *bgptest.Neighbor, c *bgp.Peer) {
				n.HoldTime, c.HoldTime, c.KeepaliveTime = bgptest.NoHoldTime, 0, 0
			},
			want: bgptest.Route{ASPath: []uint32{speakerASN}, LocalPref: 100},
		},
		"a router that connects to the node as well": {
			feature: "Router that connects too",
			change:  func(n *bgptest.Neighbor, _ *bgp.Peer) { n.Dials = true },
			want:    bgptest.Route{ASPath: []uint32{speakerASN}, LocalPref: 100},
			hold:    90 * time.Second,
		},
		"a peer that may be several hops away": {
			feature: "eBGP multihop",
			change:  func(n *bgptest.Neighbor, c *bgp.Peer) { n.MultiHop, c.MultiHopTTL = true, 255 },
			want:    bgptest.Route{ASPath: []uint32{speakerASN}, LocalPref: 100},
			hold:    90 * time.Second,
		},
	}
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if elsewhere(t) {
					return
				}
				node := lab.NewNode(t)
				sides, p := neighbors, attributes
				p.ASPathPrepend, p.Draining = tt.prepend, tt.draining
				tt.want.NextHop, p.Prefix = node.Test4, netip.MustParsePrefix("198.51.100.0/32")
				if tt.six {
					sides = neighbors6
					tt.want.NextHop, p.Prefix = node.Test6, netip.MustParsePrefix("2001:db8::1/128")
				}
				tt.want.Prefix = p.Prefix
				tt.want.Communities = []string{"64500:1", "64500:2"}
				tt.want.Communities = append(tt.want.Communities, tt.also...)
				tt.want.LargeCommunities = []string{"64500:1:2"}
				n, c := sides(node)
				if tt.device {
					c.VRF = node.Link
				}
				if tt.change != nil {
					tt.change(&n, &c)
				}
				r := router(t, node, n)
				seen(t, tt.feature, r, tt.six, c)
				if tt.draining && r.Name() == "FRR" {
					tt.want.LocalPref = 0 // FRR honours GRACEFUL_SHUTDOWN unasked (RFC 8326).
				}
				r.Start(t)
				s, j := newSessions(t, Options{})
				configure(t, s, always(p), c)
				awaitUp(t, s, "tor")
				awaitOnRouter(t, r, 1)
				expectRoutes(t, r, tt.want)
				state := stateOf(s, "tor")
				if state.HoldTime != tt.hold || state.PeerRouterID.IsValid() == false || state.LocalAddress != tt.want.NextHop ||
					state.Carried.IPv4 == tt.six || state.Carried.IPv6 != tt.six || state.Advertised() != 1 {
					t.Errorf("state is %+v, hold time should be %s", state, tt.hold)
				}
				if leaks := j.with("s3cret"); len(leaks) > 0 {
					t.Errorf("the password is logged: %s", leaks)
				}
			})
		}
	})
}
