// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/api/bgp"
	bgptest "metallb.io/metallb/test/bgp"
)

var (
	prefix4 = netip.MustParsePrefix("198.51.100.7/32")
	prefix6 = netip.MustParsePrefix("2001:db8::7/128")
)

// The node's address of the other family is beside the session's on the link, though the cluster knows another.
func TestBothFamiliesGoOverOneSession(t *testing.T) {
	both := bgp.Families{IPv4: true, IPv6: true}
	elsewhereOnNode := bgp.OwnAddresses{IPv4: netip.MustParseAddr("10.9.9.9"), IPv6: netip.MustParseAddr("fd99::9")}
	tests := map[string]struct {
		// feature is that of the table of conformance.
		feature string
		six     bool
		router  func(*bgptest.Neighbor)
		change  func(*bgp.Peer)
		// want are the next hops by prefix, as they follow from the addresses of the link.
		want    func(*bgptest.Node) map[netip.Prefix]netip.Addr
		carried bgp.Families
		// says is what the state says is wrong.
		says string
	}{
		"over IPv4": {
			feature: "Both families over an IPv4 session",
			router:  func(n *bgptest.Neighbor) { n.IPv4, n.IPv6 = true, true },
			want: func(n *bgptest.Node) map[netip.Prefix]netip.Addr {
				return map[netip.Prefix]netip.Addr{prefix4: n.Test4, prefix6: n.Test6}
			},
			carried: both,
		},
		"over IPv6, with an IPv6 next hop for IPv4": {
			feature: "Both families over an IPv6 session, IPv6 next hop (RFC 8950)",
			six:     true,
			router:  func(n *bgptest.Neighbor) { n.IPv4, n.IPv6, n.IPv6NextHop = true, true, true },
			want: func(n *bgptest.Node) map[netip.Prefix]netip.Addr {
				return map[netip.Prefix]netip.Addr{prefix4: n.Test6, prefix6: n.Test6}
			},
			carried: both,
		},
		"over IPv6, to an internal peer": {
			feature: "Both families over an IPv6 session, IPv6 next hop (RFC 8950)",
			six:     true,
			router:  func(n *bgptest.Neighbor) { n.IPv4, n.IPv6, n.IPv6NextHop, n.PeerASN = true, true, true, sinkASN },
			change:  func(p *bgp.Peer) { p.LocalASN = sinkASN },
			want: func(n *bgptest.Node) map[netip.Prefix]netip.Addr {
				return map[netip.Prefix]netip.Addr{prefix4: n.Test6, prefix6: n.Test6}
			},
			carried: both,
		},
		"over IPv6, to a router that takes no IPv6 next hop for IPv4": {
			feature: "Both families over an IPv6 session, IPv4 next hop",
			six:     true,
			router:  func(n *bgptest.Neighbor) { n.IPv4, n.IPv6 = true, true },
			want: func(n *bgptest.Node) map[netip.Prefix]netip.Addr {
				return map[netip.Prefix]netip.Addr{prefix4: n.Test4, prefix6: n.Test6}
			},
			carried: both,
		},
		"to a router that takes IPv4 only": {
			router: func(n *bgptest.Neighbor) { n.IPv4 = true },
			want: func(n *bgptest.Node) map[netip.Prefix]netip.Addr {
				return map[netip.Prefix]netip.Addr{prefix4: n.Test4}
			},
			carried: bgp.Families{IPv4: true},
			says:    "peer does not take IPv6 routes on this session: enable the address family for it on the peer",
		},
		"one family of a router that takes both": {
			router: func(n *bgptest.Neighbor) { n.IPv4, n.IPv6 = true, true },
			change: func(p *bgp.Peer) { p.Families = bgp.Families{IPv4: true} },
			want: func(n *bgptest.Node) map[netip.Prefix]netip.Addr {
				return map[netip.Prefix]netip.Addr{prefix4: n.Test4}
			},
			carried: bgp.Families{IPv4: true},
		},
		"IPv6 alone over IPv4": {
			router: func(n *bgptest.Neighbor) { n.IPv6 = true },
			want: func(n *bgptest.Node) map[netip.Prefix]netip.Addr {
				return map[netip.Prefix]netip.Addr{prefix6: n.Test6}
			},
			carried: bgp.Families{IPv6: true},
			says:    "peer does not take IPv4 routes on this session: enable the address family for it on the peer",
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
				sides := neighbors
				if tt.six {
					sides = neighbors6
				}
				n, c := sides(node)
				c.Families, c.OwnAddresses = both, elsewhereOnNode
				tt.router(&n)
				if tt.change != nil {
					tt.change(&c)
				}
				r := router(t, node, n)
				seen(t, tt.feature, r, false, c)
				seen(t, tt.feature, r, true, c)
				r.Start(t)
				s, _ := newSessions(t, Options{})
				configure(t, s, always(path(prefix4.String()), path(prefix6.String())), c)
				awaitUp(t, s, "tor")
				want := tt.want(node)
				awaitOnRouter(t, r, len(want))
				got := map[netip.Prefix]netip.Addr{}
				for prefix, route := range r.Routes(t) {
					got[prefix] = route.NextHop
				}
				if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
					cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
					t.Errorf("next hops at %s (-want +got):\n%s", r.Name(), diff)
				}
				state := stateOf(s, "tor")
				if state.Carried != tt.carried || state.LastError != tt.says || state.Advertised() != len(want) ||
					!strings.Contains(state.Capabilities, "four-octet-asn") {
					t.Errorf("state is %+v", state)
				}
			})
		}
	})
}

func TestAPeerThatMayHaveAnyASNIsToldApart(t *testing.T) {
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		node := lab.NewNode(t)
		if elsewhere(t) {
			return
		}
		n, c := neighbors(node)
		n.LocalASN, c.PeerASN = 4200000033, 0
		r := router(t, node, n)
		seen(t, "Any ASN of the peer (dynamicASN)", r, false, c)
		r.Start(t)
		s, _ := newSessions(t, Options{})
		configure(t, s, always(path("198.51.100.7/32")), c)
		awaitUp(t, s, "tor")
		awaitOnRouter(t, r, 1)
		if state := stateOf(s, "tor"); state.PeerASN != 4200000033 {
			t.Errorf("the peer's ASN is %d", state.PeerASN)
		}
		if path := r.Routes(t)[prefix4].ASPath; len(path) != 1 || path[0] != speakerASN {
			t.Errorf("AS path of an external peer is %v", path)
		}
	})
}

func TestTTLSecurityKeepsARouterThatIsNear(t *testing.T) {
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		for name, six := range map[string]bool{"IPv4": false, "IPv6": true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if elsewhere(t) {
					return
				}
				node := lab.NewNode(t)
				n, c := neighbors(node)
				if six {
					n, c = neighbors6(node)
				}
				n.TTLSecurity, c.SecurityHops = true, 1
				r := router(t, node, n)
				seen(t, "TTL security (RFC 5082)", r, six, c)
				r.Start(t)
				s, _ := newSessions(t, Options{})
				configure(t, s, always(path(prefix4.String()), path(prefix6.String())), c)
				awaitUp(t, s, "tor")
				awaitOnRouter(t, r, 1)
			})
		}
	})
}
