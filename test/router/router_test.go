// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"metallb.io/metallb/test/router/child"
	"metallb.io/metallb/test/router/router"
)

// rack makes a router "r" and nodes "n1" … on one wire: the router at .1 and .2, the nodes from .11.
func rack(t *testing.T, nodes int) rig {
	t.Helper()
	r := newRig(t, "k")
	r.add("r")
	r.run("ip -n @r link add br0 type bridge")
	r.run("ip -n @r link set br0 up")
	r.address("r", "br0", "172.31.9.1/24", "172.31.9.2/24", "fd00:9::1/64", "fd00:9::2/64")
	for i := 1; i <= nodes; i++ {
		name := fmt.Sprintf("n%d", i)
		r.add(name)
		r.wire("r", fmt.Sprintf("v%d", i), name, "eth0")
		r.run(fmt.Sprintf("ip -n @r link set v%d master br0", i))
		r.address(name, "eth0", fmt.Sprintf("172.31.9.1%d/24", i), fmt.Sprintf("fd00:9::1%d/64", i))
	}
	return r
}

func nodeSpeaker(i int, prefixes ...string) speaker {
	s := speaker{
		ASN: 64512, PeerASN: 64513, RouterID: netip.MustParseAddr(fmt.Sprintf("172.31.9.1%d", i)), NextHop6: netip.MustParseAddr(fmt.Sprintf("fd00:9::1%d", i)),
		Peers:       []netip.Addr{netip.MustParseAddr("172.31.9.1"), netip.MustParseAddr("172.31.9.2")},
		Communities: []uint32{64512<<16 | 100, 65535 << 16},
	}
	for _, p := range prefixes {
		s.Prefixes = append(s.Prefixes, netip.MustParsePrefix(p))
	}
	return s
}

// announcers returns prefix → nodes, by router.
func announcers(s router.Snapshot) map[string]map[string][]string {
	all := map[string]map[string][]string{}
	for _, r := range s.Routers {
		all[r.Name] = map[string][]string{}
		for _, route := range r.Routes {
			all[r.Name][route.Prefix.String()] = route.Nodes()
		}
	}
	return all
}

func TestRackRouterForwardsToEveryNodeThatAnnounces(t *testing.T) {
	require(t)
	r := rack(t, 3)
	s := program(t, "--netns", r.ns("r"), "--title", "Rack", "--asn", "64513", "--peer-asn", "external", "--forward", "bird",
		"--bird-address", "172.31.9.1,fd00:9::1", "--frr-address", "172.31.9.2,fd00:9::2",
		"--node", "node-1=172.31.9.11", "--node", "node-2=172.31.9.12", "--node", "node-3=172.31.9.13")
	s.verdicts(router.NotConnected)

	quiet := []*child.Child{nodeSpeaker(1).start(t, r.ns("n1"))}
	s.verdicts(router.ToldNothing)
	quiet[0].Stop()

	speakers := make([]*child.Child, 0, 3)
	for i := 1; i <= 3; i++ {
		prefixes := []string{"198.51.100.0/32", "2001:db8::1/128"}
		if i != 2 {
			prefixes = append(prefixes, "198.51.100.1/32")
		}
		speakers = append(speakers, nodeSpeaker(i, prefixes...).start(t, r.ns(fmt.Sprintf("n%d", i))))
	}
	everyone := map[string][]string{
		"198.51.100.0/32": {"node-1", "node-2", "node-3"}, "198.51.100.1/32": {"node-1", "node-3"}, "2001:db8::1/128": {"node-1", "node-2", "node-3"},
	}
	want := map[string]map[string][]string{"bird": everyone, "frr": everyone}
	s.eventually("told everything by everyone", func() bool { return cmp.Equal(want, announcers(s.snapshot())) })
	s.verdicts(router.Connected)
	checkPath(t, s.snapshot())

	s.eventually("forwarding to three nodes", func() bool {
		routes := r.run("ip -n @r route show 198.51.100.0")
		return strings.Contains(routes, "172.31.9.11") && strings.Contains(routes, "172.31.9.12") && strings.Contains(routes, "172.31.9.13")
	})
	if out := r.run("ip -n @r -6 route show 2001:db8::1"); strings.Count(out, "nexthop") != 3 {
		t.Errorf("IPv6 route: %s", out)
	}
	if out := r.run("ip netns exec @r cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/fib_multipath_hash_policy"); out != "1\n1\n" {
		t.Errorf("forwarding and hash policy are %q", out)
	}

	kill(t, speakers[1])
	s.eventually("a node lost and its routes kept", func() bool { return lost(s.snapshot(), "node-2") })
	checkCapture(t, s, 179)

	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if out := r.run("ip -n @r route show proto bird"); out != "" {
		t.Errorf("routes left behind: %s", out)
	}
}

func TestANodeLosesItsSessionOfOneFamily(t *testing.T) {
	require(t)
	r := rack(t, 2)
	s := program(t, "--netns", r.ns("r"), "--asn", "64513", "--peer-asn", "external",
		"--bird-address", "172.31.9.1,fd00:9::1", "--frr-address", "172.31.9.2,fd00:9::2",
		"--node", "node-1=172.31.9.11", "--node", "node-1=fd00:9::11", "--node", "node-2=172.31.9.12", "--node", "node-2=fd00:9::12")
	var overIPv6 *child.Child
	for i := 1; i <= 2; i++ {
		ns := r.ns(fmt.Sprintf("n%d", i))
		nodeSpeaker(i, "198.51.100.0/32").start(t, ns)
		six := nodeSpeaker(i, "2001:db8::1/128")
		six.Peers = []netip.Addr{netip.MustParseAddr("fd00:9::1"), netip.MustParseAddr("fd00:9::2")}
		overIPv6 = six.start(t, ns)
	}
	both := []string{"node-1", "node-2"}
	want := map[string][]string{"198.51.100.0/32": both, "2001:db8::1/128": both}
	s.eventually("told over both families", func() bool {
		return cmp.Equal(map[string]map[string][]string{"bird": want, "frr": want}, announcers(s.snapshot()))
	})
	for _, report := range s.snapshot().Routers {
		if up := report.Established(); len(up) != 4 || len(report.Lost()) > 0 {
			t.Errorf("%s has %d sessions and lost %v", report.Name, len(up), report.Lost())
		}
	}

	overIPv6.Stop()
	s.eventually("one family of node-2 lost", func() bool {
		for _, report := range s.snapshot().Routers {
			if report.Verdict != router.Connected || !cmp.Equal(map[string][]string{"node-2": {"IPv6"}}, report.Lost()) {
				return false
			}
		}
		return true
	})
	for _, node := range s.snapshot().Nodes {
		for _, link := range node.Links {
			if !link.Established || (len(link.Lost) > 0) != (node.Name == "node-2") {
				t.Errorf("%s: link %+v", node.Name, link)
			}
		}
	}
}

// checkPath checks the attributes of one path with both routers.
func checkPath(t *testing.T, s router.Snapshot) {
	t.Helper()
	for _, r := range s.Routers {
		route, _ := r.Find(netip.MustParsePrefix("2001:db8::1/128"))
		if len(route.Paths) == 0 {
			t.Fatalf("%s has no IPv6 route", r.Name)
		}
		got := route.Paths[0]
		got.Best = false // any of three equal paths may be the best
		last := uint32(0)
		want := router.Path{
			LocalPref: &last, // GRACEFUL_SHUTDOWN (RFC 8326)
			Neighbor:  netip.MustParseAddr("172.31.9.11"), Node: "node-1", NextHop: netip.MustParseAddr("fd00:9::11"), Reachable: true, Origin: "IGP",
			ASPath: "64512", Communities: []string{"64512:100", "65535:0"}, LargeCommunities: []string{"64512:1:2"},
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s: path (-want +got):\n%s", r.Name, diff)
		}
	}
}

// kill ends a speaker without a word to its peers.
func kill(t *testing.T, c *child.Child) {
	t.Helper()
	if err := syscall.Kill(c.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// lost tells whether both routers lost the session of a node and keep what it announced.
func lost(s router.Snapshot, name string) bool {
	for _, r := range s.Routers {
		i := slices.IndexFunc(r.Neighbors, func(n router.Neighbor) bool { return n.Node == name })
		if i < 0 || r.Neighbors[i].Established || !r.Neighbors[i].Restarting || r.Neighbors[i].Paths == 0 {
			return false
		}
		route, _ := r.Find(netip.MustParsePrefix("198.51.100.0/32"))
		for _, p := range route.Paths {
			if p.Stale != (p.Node == name) {
				return false
			}
		}
	}
	return true
}

// checkCapture checks that /pcap holds OPEN messages of the ports, each packet once.
func checkCapture(t *testing.T, s *served, ports ...uint16) {
	t.Helper()
	body, err := s.get("/pcap")
	if err != nil {
		t.Fatal(err)
	}
	reader, err := pcapgo.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%v: %.80q", err, body)
	}
	if reader.LinkType() != layers.LinkTypeLinuxSLL {
		t.Errorf("link type %v", reader.LinkType())
	}
	marker := bytes.Repeat([]byte{0xff}, 16)
	opens := map[string]int{}
	for {
		data, _, err := reader.ReadPacketData()
		if err != nil {
			break
		}
		i := bytes.Index(data, marker)
		if i < 0 || len(data) < i+19 || data[i+18] != 1 {
			continue
		}
		if from, to := uint16(data[36])<<8|uint16(data[37]), uint16(data[38])<<8|uint16(data[39]); !slices.Contains(ports, from) && !slices.Contains(ports, to) {
			t.Errorf("recorded a packet from port %d to %d", from, to)
		}
		opens[string(data[16:])]++
	}
	if len(opens) == 0 {
		t.Error("no OPEN message was recorded")
	}
	for packet, n := range opens {
		if n > 1 {
			t.Errorf("one packet was recorded %d times: %x", n, packet)
		}
	}
}

// TestRoutersInAPodAcceptNodesThroughAService rebuilds what kube-proxy does: each node translates the Service's address to
// the pod's, and its own source address to the one it reaches the pod from.
func TestRoutersInAPodAcceptNodesThroughAService(t *testing.T) {
	require(t)
	r := newRig(t, "p")
	for _, ns := range []string{"pod", "n1", "n2"} {
		r.add(ns)
	}
	r.wire("n1", "cni0", "pod", "eth0")
	r.address("n1", "cni0", "10.244.1.1/24")
	r.address("pod", "eth0", "10.244.1.4/24")
	r.run("ip -n @pod route add default via 10.244.1.1")
	r.wire("n1", "eth0", "n2", "eth0")
	for i, ns := range []string{"n1", "n2"} {
		r.address(ns, "eth0", fmt.Sprintf("172.31.9.1%d/24", i+1))
		r.run("ip netns exec @" + ns + " sysctl -qw net.ipv4.ip_forward=1")
		r.run("ip -n @" + ns + " route add 10.96.0.0/16 via 172.31.9.254 onlink dev eth0")
		r.run("ip netns exec @" + ns + " nft add table ip nat")
		r.run("ip netns exec @" + ns + " nft add chain ip nat output { type nat hook output priority -100 ; }")
		r.run("ip netns exec @" + ns + " nft add chain ip nat post { type nat hook postrouting priority 100 ; }")
		r.run("ip netns exec @" + ns + " nft add rule ip nat output ip daddr 10.96.0.100 tcp dport 179 dnat to 10.244.1.4:1179")
		r.run("ip netns exec @" + ns + " nft add rule ip nat output ip daddr 10.96.0.101 tcp dport 179 dnat to 10.244.1.4:1180")
		r.run("ip netns exec @" + ns + " nft add rule ip nat post ct status dnat masquerade")
	}
	r.run("ip -n @n2 route add 10.244.1.0/24 via 172.31.9.11")

	s := program(t, "--netns", r.ns("pod"), "--bird-port", "1179", "--frr-port", "1180", "--zebra=false",
		"--bird-endpoint", "10.96.0.100:179", "--frr-endpoint", "10.96.0.101:179")
	s.verdicts(router.NotConnected)
	for i := 1; i <= 2; i++ {
		sp := nodeSpeaker(i, "198.51.100.0/32")
		sp.Communities = nil
		sp.PeerASN, sp.Peers = 64512, []netip.Addr{netip.MustParseAddr("10.96.0.100"), netip.MustParseAddr("10.96.0.101")}
		sp.start(t, r.ns(fmt.Sprintf("n%d", i)))
	}
	both := map[string][]string{"198.51.100.0/32": {"172.31.9.11", "172.31.9.12"}}
	want := map[string]map[string][]string{"bird": both, "frr": both}
	s.eventually("told by both nodes", func() bool { return cmp.Equal(want, announcers(s.snapshot())) })
	for _, report := range s.snapshot().Routers {
		route, _ := report.Find(netip.MustParsePrefix("198.51.100.0/32"))
		for _, p := range route.Paths {
			if !p.Reachable || p.ASPath != "" || p.LocalPref == nil || *p.LocalPref != 150 {
				t.Errorf("%s: path %+v", report.Name, p)
			}
		}
		if first := report.Neighbors[0].Address; first != netip.MustParseAddr("10.244.1.1") {
			t.Errorf("%s sees the pod's own node as %s", report.Name, first)
		}
	}
	checkCapture(t, s, 1179, 1180)
}

func TestDaemonThatDiesIsReportedAndStartedAgain(t *testing.T) {
	require(t)
	r := newRig(t, "d")
	r.add("r")
	r.run("ip -n @r addr add 172.31.9.1/24 dev lo")
	s := program(t, "--netns", r.ns("r"), "--bird-port", "1179", "--frr-port", "1180")
	for pid := range strings.FieldsSeq(r.run("ip netns pids @r")) {
		if command, err := os.ReadFile("/proc/" + pid + "/comm"); err == nil && strings.TrimSpace(string(command)) == "bird" {
			r.run("kill -9 " + pid)
		}
	}
	s.eventually("told of the death", func() bool {
		report, _ := s.snapshot().Find("bird")
		return report.Verdict == router.NotRunning && strings.Contains(report.Error, "killed")
	})
	if body, _ := s.get("/healthz"); !strings.Contains(string(body), "bird") {
		t.Errorf("healthz: %s", body)
	}
	s.verdicts(router.NotConnected)
}
