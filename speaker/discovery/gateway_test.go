// SPDX-License-Identifier: Apache-2.0

//go:build linux

package discovery

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr/funcr"
	"github.com/vishvananda/netlink"

	"metallb.io/metallb/api/v1beta2"
	bgptest "metallb.io/metallb/test/bgp"
)

func TestTheGatewayIsThatOfTheLowestMetricAndStaysIfItIsAsGood(t *testing.T) {
	t.Parallel()
	to := func(metric int, gateway string) hop { return hop{metric, netip.MustParseAddr(gateway)} }
	for name, tc := range map[string]struct {
		hops    []hop
		present string
		want    string
	}{
		"the only one":                            {[]hop{to(100, "192.0.2.1")}, "", "192.0.2.1"},
		"the lowest metric":                       {[]hop{to(100, "192.0.2.1"), to(50, "192.0.2.9")}, "", "192.0.2.9"},
		"the lowest address":                      {[]hop{to(100, "192.0.2.9"), to(100, "192.0.2.10")}, "", "192.0.2.9"},
		"the present one is as good":              {[]hop{to(100, "192.0.2.9"), to(100, "192.0.2.1")}, "192.0.2.9", "192.0.2.9"},
		"the present one is worse now":            {[]hop{to(200, "192.0.2.9"), to(100, "192.0.2.1")}, "192.0.2.9", "192.0.2.1"},
		"the present one is gone":                 {[]hop{to(200, "192.0.2.1")}, "192.0.2.9", "192.0.2.1"},
		"all are gone":                            {nil, "192.0.2.9", "192.0.2.9"},
		"there never was one":                     {nil, "", "invalid IP"},
		"the same address on another interface":   {[]hop{to(1024, "fe80::1%eth1"), to(1024, "fe80::1%eth0")}, "", "fe80::1%eth0"},
		"a metric of 0":                           {[]hop{to(0, "192.0.2.9"), to(100, "192.0.2.1")}, "192.0.2.1", "192.0.2.9"},
		"a link-local address that moved to eth1": {[]hop{to(1024, "fe80::1%eth1")}, "fe80::1%eth0", "fe80::1%eth1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var present netip.Addr
			if tc.present != "" {
				present = netip.MustParseAddr(tc.present)
			}
			if got := chooseGateway(tc.hops, present); got.String() != tc.want {
				t.Errorf("gateway %s, want %s", got, tc.want)
			}
		})
	}
}

// gate is a link with routers that are not there, which a default route may lead to.
type gate struct {
	*testing.T
	link netlink.Link
}

func newGate(t *testing.T, name string, addresses ...string) gate {
	t.Helper()
	g := gate{t, &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: name + "-peer"}}
	if err := netlink.LinkAdd(g.link); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = netlink.LinkDel(g.link) })
	for _, a := range addresses {
		address, err := netlink.ParseAddr(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := netlink.AddrAdd(g.link, address); err != nil {
			t.Fatal(err)
		}
	}
	peer, err := netlink.LinkByName(name + "-peer")
	if err != nil {
		t.Fatal(err)
	}
	gate{t, peer}.set(netlink.LinkSetUp)
	g.set(netlink.LinkSetUp)
	return g
}

func (g gate) set(change func(netlink.Link) error) {
	g.Helper()
	if err := change(g.link); err != nil {
		g.Fatal(err)
	}
}

// route is a default route by the link.
func (g gate) route(change func(*netlink.Route) error, metric int, gateways ...string) {
	g.Helper()
	everything := &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 8*net.IPv4len)}
	if net.ParseIP(gateways[0]).To4() == nil {
		everything = &net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 8*net.IPv6len)}
	}
	r := &netlink.Route{Dst: everything, Priority: metric}
	for _, gateway := range gateways {
		r.MultiPath = append(r.MultiPath, &netlink.NexthopInfo{LinkIndex: g.link.Attrs().Index, Gw: net.ParseIP(gateway)})
	}
	if len(gateways) == 1 {
		r.LinkIndex, r.Gw, r.MultiPath = g.link.Attrs().Index, r.MultiPath[0].Gw, nil
	}
	if err := change(r); err != nil {
		g.Fatalf("default route to %s: %v", gateways, err)
	}
}

func (n *node) awaitGateway(family v1beta2.GatewayFamily, want string) {
	n.Helper()
	n.await(want, func() (netip.Addr, error) { return n.finder.Gateway(family) })
}

// It is not parallel, as there is one table of routes.
func TestTheGatewaysFollowTheDefaultRoutes(t *testing.T) {
	bgptest.Require(t)
	one, two := newGate(t, "gate1", "192.0.2.100/24", "2001:db8:1::100/64"), newGate(t, "gate2", "198.51.100.100/24", "2001:db8:2::100/64")
	n := start(t)
	n.awaitGateway(v1beta2.IPv4Gateway, "the node has no default route with an IPv4 gateway")
	n.awaitGateway(v1beta2.IPv6Gateway, "the node has no default route with an IPv6 gateway")

	one.route(netlink.RouteAdd, 100, "192.0.2.2")
	n.awaitGateway(v1beta2.IPv4Gateway, "192.0.2.2")
	one.route(netlink.RouteAdd, 100, "2001:db8:1::1")
	n.awaitGateway(v1beta2.IPv6Gateway, "2001:db8:1::1")
	two.route(netlink.RouteAdd, 50, "fe80::1")
	n.awaitGateway(v1beta2.IPv6Gateway, "fe80::1%gate2")

	two.route(netlink.RouteAdd, 50, "198.51.100.2", "198.51.100.1")
	n.awaitGateway(v1beta2.IPv4Gateway, "198.51.100.1")
	two.set(netlink.LinkSetDown)
	n.awaitGateway(v1beta2.IPv4Gateway, "192.0.2.2")
	n.awaitGateway(v1beta2.IPv6Gateway, "2001:db8:1::1")
	two.set(netlink.LinkSetUp)
	two.route(netlink.RouteAdd, 50, "198.51.100.9")
	n.awaitGateway(v1beta2.IPv4Gateway, "198.51.100.9")

	two.route(netlink.RouteDel, 50, "198.51.100.9")
	n.awaitGateway(v1beta2.IPv4Gateway, "192.0.2.2")
	one.route(netlink.RouteDel, 100, "192.0.2.2") // It stays the gateway until there is another one.
	one.route(netlink.RouteAdd, 100, "192.0.2.3")
	n.awaitGateway(v1beta2.IPv4Gateway, "192.0.2.3")
}

// lines are those of a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) write(prefix, args string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(prefix + args + "\n")
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// It is not parallel, as there is one table of routes.
func TestWhatTheKernelCouldNotTellIsReadAgain(t *testing.T) {
	bgptest.Require(t)
	g := newGate(t, "gate1", "192.0.2.100/24")
	log := &lines{}
	n := startWith(t, funcr.New(log.write, funcr.Options{}))
	n.awaitGateway(v1beta2.IPv4Gateway, "no default route")
	n.finder.mu.Lock() // Nobody reads what the kernel tells now.
	for i := range 4000 {
		neighbour := &netlink.Neigh{
			LinkIndex: g.link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: net.ParseIP("2001:db8::1"), HardwareAddr: net.HardwareAddr{2, 0, 0, 0, byte(i >> 8), byte(i)},
		}
		if err := netlink.NeighSet(neighbour); err != nil {
			n.finder.mu.Unlock()
			t.Fatal(err)
		}
	}
	g.route(netlink.RouteAdd, 100, "192.0.2.2")
	n.finder.mu.Unlock()
	n.awaitGateway(v1beta2.IPv4Gateway, "192.0.2.2")
	if got := log.String(); !strings.Contains(got, "no buffer space available") {
		t.Errorf("no message was lost: %s", got)
	}
}
