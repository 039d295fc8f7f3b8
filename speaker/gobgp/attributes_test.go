// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
	bgptest "metallb.io/metallb/test/bgp"
)

// attributeCase is a path, and how routers show it.
type attributeCase struct {
	path rib.Path
	// want of both routers, but for extended communities.
	want bgptest.Route
	// wantBIRD and wantFRR are extended communities.
	wantBIRD, wantFRR []string
}

// linkBandwidth is a link bandwidth as BIRD shows it, which has no name for it: the first two octets, which say whether it is
// transitive, the ASN, and a floating-point number as if it were an integer.
func linkBandwidth(internal bool, asn uint32, bytesPerSecond float32) string {
	kind := 0x0004
	if internal {
		kind = 0x4004
	}
	return fmt.Sprintf("%#x:%d:%d", kind, asn, math.Float32bits(bytesPerSecond))
}

func attributeCases(t *testing.T, internal bool) map[string]attributeCase {
	t.Helper()
	communities := func(texts ...string) rib.Path {
		all, err := bgp.ResolveCommunities(texts, nil)
		if err != nil {
			t.Fatal(err)
		}
		return rib.Path{Communities: all}
	}
	weighing := func(p rib.Path, weight uint32) rib.Path {
		p.Weight = weight
		return p
	}
	asn := map[bool]uint32{true: sinkASN, false: speakerASN}[internal]
	lb := fmt.Sprintf("LB:%d:", asn)
	return map[string]attributeCase{
		"no attribute":          {},
		"a MED":                 {path: rib.Path{MED: bgp.NewMED(new(uint32(20)))}, want: bgptest.Route{MED: new(uint32(20))}},
		"the lowest MED":        {path: rib.Path{MED: bgp.NewMED(new(uint32(0)))}, want: bgptest.Route{MED: new(uint32(0))}},
		"the highest MED":       {path: rib.Path{MED: bgp.NewMED(new(uint32(1<<32 - 1)))}, want: bgptest.Route{MED: new(uint32(1<<32 - 1))}},
		"well-known names":      {path: communities("no-export", "no-advertise", "no-peer", "no-export-subconfed"), want: bgptest.Route{Communities: []string{"65535:65281", "65535:65282", "65535:65283", "65535:65284"}}},
		"blackhole":             {path: communities("blackhole", "no-llgr", "accept-own"), want: bgptest.Route{Communities: []string{"65535:1", "65535:666", "65535:7"}}},
		"route targets":         {path: communities("rt:64512:100", "rt:4200000000:100", "rt:192.0.2.1:100"), wantBIRD: []string{"rt:192.0.2.1:100", "rt:4200000000:100", "rt:64512:100"}, wantFRR: []string{"RT:192.0.2.1:100", "RT:4200000000:100", "RT:64512:100"}},
		"route origins":         {path: communities("soo:64512:4294967295", "soo:4200000000:65535", "soo:192.0.2.1:1"), wantBIRD: []string{"ro:192.0.2.1:1", "ro:4200000000:65535", "ro:64512:4294967295"}, wantFRR: []string{"SoO:192.0.2.1:1", "SoO:4200000000:65535", "SoO:64512:4294967295"}},
		"a link bandwidth":      {path: communities("bandwidth:65000:125000000"), wantBIRD: []string{linkBandwidth(internal, 65000, 125e6)}, wantFRR: []string{"LB:65000:125000000"}},
		"two link bandwidths":   {path: communities("bandwidth:65000:125000000", "bandwidth:65001:375000"), wantBIRD: []string{linkBandwidth(internal, 65001, 375e3)}, wantFRR: []string{"LB:65001:375000"}},
		"a weight":              {path: rib.Path{Weight: 3}, wantBIRD: []string{linkBandwidth(internal, asn, 375e3)}, wantFRR: []string{lb + "375000"}},
		"a weight in its place": {path: weighing(communities("bandwidth:65000:125000000", "rt:1:2"), 1), wantBIRD: []string{linkBandwidth(internal, asn, 125e3), "rt:1:2"}, wantFRR: []string{lb + "125000", "RT:1:2"}},
	}
}

func TestEachAttributeIsOnTheRouterAsItWasMeant(t *testing.T) {
	kinds := map[string]uint32{"internal": sinkASN, "external": speakerASN}
	families := map[string]func(*bgptest.Node) (bgptest.Neighbor, bgp.Peer){"over IPv4": neighbors, "over IPv6": neighbors6}
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		for kind, asn := range kinds {
			for family, sides := range families {
				t.Run(kind+" "+family, func(t *testing.T) {
					t.Parallel()
					if elsewhere(t) {
						return
					}
					node := lab.NewNode(t)
					n, c := sides(node)
					n.PeerASN, c.LocalASN = asn, asn
					r := router(t, node, n)
					for _, feature := range []string{"MED", "Well-known communities", "Extended communities (RFC 4360, RFC 5668)", "Link bandwidth"} {
						seen(t, feature, r, c.Address.Is6(), c)
					}
					r.Start(t)
					paths, want := expectOn(t, r, c)
					s, _ := newSessions(t, Options{})
					configure(t, s, always(paths...), c)
					awaitUp(t, s, "tor")
					eventually(t, 20*time.Second, func() (bool, string) {
						diff := differ(t, r, want...)
						return diff == "", fmt.Sprintf("routes of %s (-want +got):\n%s", r.Name(), diff)
					})
				})
			}
		}
	})
}

// expectOn returns a path for each case, and the routes that the router is to have of them.
func expectOn(t *testing.T, r bgptest.Router, c bgp.Peer) (paths []rib.Path, want []bgptest.Route) {
	t.Helper()
	address := netip.MustParseAddr("198.51.100.0")
	nextHop := c.Address.Prev() // See bgptest.Lab.
	if c.Address.Is6() {
		address = netip.MustParseAddr("2001:db8::")
	}
	for _, tt := range attributeCases(t, c.IBGP()) {
		address = address.Next()
		route := tt.want
		route.ExtendedCommunities = tt.wantFRR
		if r.Name() == "BIRD" {
			route.ExtendedCommunities = tt.wantBIRD
		}
		if r.Name() == "FRR" && !c.IBGP() && slices.Contains(route.Communities, "65535:666") {
			// FRR adds NO_EXPORT, so that others do not drop what is sent to the prefix (RFC 7999 section 3.2).
			route.Communities = slices.Sorted(slices.Values(append(route.Communities, "65535:65281")))
		}
		route.LocalPref, route.NextHop = 100, nextHop
		if !c.IBGP() {
			route.ASPath = []uint32{c.LocalASN}
		}
		tt.path.Prefix = netip.PrefixFrom(address, address.BitLen())
		route.Prefix = tt.path.Prefix
		paths, want = append(paths, tt.path), append(want, route)
	}
	return paths, want
}

// Two nodes announce one prefix to an FRR, which spreads connections by what they say of their endpoints.
func TestARouterSpreadsConnectionsByEndpoints(t *testing.T) {
	t.Parallel()
	kinds := map[string]uint32{"internal": sinkASN, "external": speakerASN}
	for kind, asn := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			bgptest.Require(t)
			node := lab.NewNode(t)
			n, c := neighbors(node)
			n.Other, n.PeerASN, c.LocalASN = node.Other4, asn, asn
			r := bgptest.NewForwarder(t, node, n)
			seen(t, "Weighted ECMP by endpoints, in the router's kernel", r, false, c)
			r.Start(t)
			s, _ := newSessions(t, Options{})
			one, two := c, c
			one.Name, one.Source = "one", node.Test4
			two.Name, two.Source = "two", node.Other4
			path := rib.Path{Prefix: netip.MustParsePrefix("198.51.100.0/32"), LocalPref: 100, Weight: 1}
			configure(t, s, always(path), one, two)
			awaitUp(t, s, "one", "two")
			expect := func(ofOne, ofTwo int) {
				t.Helper()
				eventually(t, 20*time.Second, func() (bool, string) {
					got := node.Weights(t, path.Prefix)
					a, b := got[node.Test4], got[node.Other4]
					return len(got) == 2 && a*ofTwo == b*ofOne, fmt.Sprintf("the kernel's weights are %v", got)
				})
				t.Logf("%d and %d endpoints: the kernel's weights are %v", ofOne, ofTwo, node.Weights(t, path.Prefix))
			}
			expect(1, 1)
			before := []time.Time{stateOf(s, "one").Since, stateOf(s, "two").Since}

			path.Weight = 3
			apply(t, s, rib.Change{Peer: "one", Announce: []rib.Path{path}})
			expect(3, 1)
			const connections = 2000
			spread := r.Spread(t, path.Prefix.Addr(), connections)
			if share := float64(spread[node.Test4]) / connections; share < 0.70 || share > 0.80 {
				t.Errorf("of %d connections %v go to each node, not three of four to %s", connections, spread, node.Test4)
			}
			t.Logf("of %d connections %v go to each node", connections, spread)
			path.Weight = 2
			apply(t, s, rib.Change{Peer: "two", Announce: []rib.Path{path}})
			expect(3, 2)
			t.Log("a path without weight among others: they share equally")
			path.Weight = 0
			apply(t, s, rib.Change{Peer: "one", Announce: []rib.Path{path}})
			expect(1, 1)
			if after := []time.Time{stateOf(s, "one").Since, stateOf(s, "two").Since}; !cmp.Equal(before, after) {
				t.Errorf("sessions are up since %v, were since %v", after, before)
			}
		})
	}
}

func TestEachChangeOfAnAttributeIsOneUpdate(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	changing := path("198.51.100.0/32")
	configure(t, s, always(changing, path("198.51.100.1/32")), to("tor", k.addrPort()))
	awaitUp(t, s, "tor")
	awaitRoutes(t, k, 2)
	before := k.heard()
	for i, change := range []func(*rib.Path){
		func(p *rib.Path) { p.Weight = 1 },
		func(p *rib.Path) { p.Weight = 3 },
		func(p *rib.Path) { p.MED = bgp.NewMED(new(uint32(0))) },
		func(p *rib.Path) { p.MED = bgp.NewMED(new(uint32(7))) },
		func(p *rib.Path) { p.Communities = []bgp.Community{community(t, "rt:64500:1")} },
		func(p *rib.Path) {
			p.Communities = []bgp.Community{community(t, "no-export"), community(t, "soo:64500:1")}
		},
		func(p *rib.Path) { *p = path("198.51.100.0/32") },
	} {
		change(&changing)
		apply(t, s, rib.Change{Peer: "tor", Announce: []rib.Path{changing}})
		eventually(t, 10*time.Second, func() (bool, string) {
			now := k.heard()
			return now.updates == before.updates+i+1 && now.connections == 1 && len(now.routes) == 2, fmt.Sprintf("after change %d, heard %+v", i, now)
		})
	}
}

// Several advertisements of one prefix may have more communities together than a message has room for.
func TestARouteWithMoreCommunitiesThanFitIsAnnouncedWithThoseThatDo(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]string{"over IPv4": "127.0.0.1:0", "over IPv6": "[::1]:0"} {
		for kind, asn := range map[string]uint32{"internal": sinkASN, "external": speakerASN} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				if elsewhere(t) {
					return
				}
				k := newSinkAt(t, behaviour{}, at)
				c := to("tor", k.addrPort())
				c.LocalASN, c.Families = asn, bgp.Families{IPv4: true, IPv6: true}
				c.OwnAddresses = bgp.OwnAddresses{IPv4: netip.MustParseAddr("192.0.2.1"), IPv6: netip.MustParseAddr("2001:db8::1")}
				paths := [...]rib.Path{path("198.51.100.0/32"), path("2001:db8:1::/128")}
				for i := range paths {
					paths[i].ASPathPrepend, paths[i].Draining, paths[i].Weight = 10, true, 1
					for n := range 500 {
						paths[i].Communities = append(paths[i].Communities, community(t, fmt.Sprintf("large:64500:1:%d", n)))
					}
					paths[i].Communities = append(paths[i].Communities, community(t, "no-export"))
				}
				s, j := newSessions(t, Options{})
				configure(t, s, always(paths[0], paths[1], path("198.51.100.1/32")), c)
				awaitUp(t, s, "tor")
				awaitRoutes(t, k, 3)
				for _, p := range paths {
					if got := k.heard().routes[p.Prefix].communities; !strings.Contains(got, "no-export") || !strings.Contains(got, "64500:1:250") {
						t.Errorf("the communities of %s are %s", p.Prefix, got)
					}
				}
				if lines := j.with("more communities than fit"); len(lines) != 1 {
					t.Errorf("that communities are left out is told in these lines: %s", lines)
				}
			})
		}
	}
}
