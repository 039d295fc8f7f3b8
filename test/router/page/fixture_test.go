// SPDX-License-Identifier: Apache-2.0

package page_test

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"metallb.io/metallb/test/router/router"
	"metallb.io/metallb/test/router/routers"
)

// state is one thing the page has to show well.
type state string

const (
	notConnected state = "not-connected"
	toldNothing  state = "told-nothing"
	connected    state = "connected"
	lostNode     state = "lost-node"
	notRunning   state = "not-running"
	manyNodes    state = "many"
	forwarding   state = "forwarding"
	bothFamilies state = "both-families"
	lostFamily   state = "lost-family"
)

// dual tells whether the nodes have a session of each family.
func (s state) dual() bool { return s == bothFamilies || s == lostFamily }

// source is a Source whose state a test changes.
type source struct {
	mu    sync.Mutex
	state state
}

func (s *source) set(st state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = st
}

func (s *source) read(ctx context.Context, _ time.Duration) router.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return snapshot(ctx, s.state)
}

// canned is a router that always says the same.
type canned struct{ report router.Report }

func (c canned) Name() string                       { return c.report.Name }
func (c canned) Read(context.Context) router.Report { return c.report }
func (canned) Stop()                                {}

// snapshot returns the state through a real Observer, so that verdicts, names and nodes are what they are in the product.
func snapshot(ctx context.Context, s state) router.Snapshot {
	options := routers.Options{Title: "Test BGP routers", Names: map[netip.Addr]string{}, Now: moment}
	for i := 1; i <= 99; i++ {
		options.Names[node(i)] = fmt.Sprintf("node-%d", i)
	}
	if s == forwarding { // the rack's router is one daemon
		options.Title, options.Forwarding = "Rack router", "bird"
		return routers.New([]router.Router{canned{report(s, "bird")}}, options).Read(ctx, 0)
	}
	return routers.New([]router.Router{canned{report(s, "bird")}, canned{report(s, "frr")}}, options).Read(ctx, 0)
}

func moment() time.Time { return time.Date(2026, 11, 22, 12, 40, 0, 0, time.UTC) }

func node(i int) netip.Addr { return netip.AddrFrom4([4]byte{172, 30, 0, byte(10 + i)}) }

func report(s state, name string) router.Report {
	r := router.Report{
		Name: name, Software: "BIRD", ASN: 64512, PeerASN: "internal", Endpoint: "10.96.0.100:179",
		Listen: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:1179")},
		Raw:    []router.Output{{Command: "birdc show protocols", Text: "Name       Proto      Table      State  Since         Info\nkernel4    Kernel     master4    up     2026-11-22 12:39:24  \nnodes4     BGP        ---        start  2026-11-22 12:39:24  Passive       \n"}},
	}
	if name == "frr" {
		r.Software, r.Endpoint = "FRR", "10.96.0.101:179"
		r.Raw = []router.Output{{Command: "vtysh -c 'show bgp summary'", Text: frrSummary}}
	}
	nodes, prefixes := 3, []string{"198.51.100.0/32", "198.51.100.1/32", "2001:db8::1/128"}
	switch s {
	case notConnected:
		nodes, prefixes = 0, nil
		r.Raw[0].Text = "% No BGP neighbors found in VRF default\n"
	case toldNothing:
		prefixes = nil
	case manyNodes:
		nodes, prefixes = 20, make([]string, 0, 250)
		for i := range 250 {
			prefixes = append(prefixes, fmt.Sprintf("198.51.%d.%d/32", 100+i/250, i))
		}
	case notRunning:
		if name == "frr" {
			r.Raw = nil
			r.Error = "bgpd: exit status 1: bgp_socket: bind: Address already in use"
			nodes, prefixes = 0, nil
		}
	case forwarding:
		r.ASN, r.PeerASN, r.Endpoint = 64513, "external", ""
		r.Listen = []netip.AddrPort{netip.MustParseAddrPort("172.30.0.2:179"), netip.MustParseAddrPort("[fd00:30::2]:179")}
	case bothFamilies, lostFamily:
		prefixes[2] = "fd00:198:51:100::1/128"
	case connected, lostNode:
	}
	for i := 1; i <= nodes; i++ {
		r.Neighbors = append(r.Neighbors, neighbor(s, i))
		if s.dual() {
			r.Neighbors = append(r.Neighbors, neighbor6(s, i))
		}
	}
	for i, p := range prefixes {
		r.Routes = append(r.Routes, route(s, i, p, nodes))
	}
	return r
}

func neighbor(s state, i int) router.Neighbor {
	n := router.Neighbor{
		Address: node(i), RouterID: node(i), ASN: 64512, State: "Established", Established: true, Since: moment().Add(-time.Hour), Paths: 3,
	}
	if i == 1 && s != forwarding {
		n.Address = netip.MustParseAddr("10.244.1.1")
	}
	if s.dual() {
		n.Paths = 2
	}
	if s == toldNothing || i > 3 {
		n.Paths = 0
	}
	if s == lostNode && i == 2 {
		n.State, n.Established, n.Restarting, n.LastError = "Active", false, true, "Socket: Connection closed"
	}
	return n
}

// neighbor6 is the same node over IPv6.
func neighbor6(s state, i int) router.Neighbor {
	n := neighbor(s, i)
	n.Address = netip.MustParseAddr(fmt.Sprintf("fd00:172:30::1%d", i))
	if i == 1 {
		n.Address = netip.MustParseAddr("fd00:10:244:1::1")
	}
	n.Paths = 1
	if s == lostFamily && i == 2 {
		n.State, n.Established, n.Paths, n.LastError = "Active", false, 0, "Received: Hold timer expired"
	}
	return n
}

func route(s state, index int, prefix string, nodes int) router.Route {
	r := router.Route{Prefix: netip.MustParsePrefix(prefix)}
	for i := 1; i <= min(nodes, 3); i++ {
		if index == 1 && i == 2 { // a service with endpoints on two nodes only
			continue
		}
		pref := uint32(100)
		p := router.Path{Neighbor: neighbor(s, i).Address, NextHop: node(i), Best: i == 1, Reachable: true, Origin: "IGP", LocalPref: &pref}
		if s == forwarding {
			p.ASPath = "64512"
		}
		if !r.Prefix.Addr().Is4() {
			p.NextHop = netip.MustParseAddr(fmt.Sprintf("fd00:30::1%d", i))
			p.Communities, p.LargeCommunities = []string{"64512:100"}, []string{"64512:1:2"}
		}
		if s.dual() && !r.Prefix.Addr().Is4() {
			n := neighbor6(s, i)
			if !n.Established {
				continue
			}
			p.Neighbor, p.NextHop = n.Address, netip.MustParseAddr(fmt.Sprintf("fd00:172:30::1%d", i))
		}
		p.Stale = !neighbor(s, i).Established
		r.Paths = append(r.Paths, p)
	}
	return r
}

const frrSummary = `IPv4 Unicast Summary (VRF default):
BGP router identifier 10.244.2.4, local AS number 64512 vrf-id 0
BGP table version 3
RIB entries 3, using 576 bytes of memory
Peers 3, using 2172 KiB of memory

Neighbor        V         AS   MsgRcvd   MsgSent   TblVer  InQ OutQ  Up/Down State/PfxRcd   PfxSnt Desc
*10.244.1.1     4      64512        38        35        0    0    0 01:00:05            2        0 N/A
*172.30.0.12    4      64512        38        35        0    0    0 01:00:05            1        0 N/A
*172.30.0.13    4      64512        38        35        0    0    0 01:00:05            2        0 N/A
`

// packets is a Recorder with nothing but numbers.
type packets struct{}

func (packets) WritePcap(to io.Writer) error {
	_, err := io.WriteString(to, "pcap")
	return err
}

func (packets) Packets() (held, discarded int) { return 1284, 0 }
