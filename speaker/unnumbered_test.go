// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/conformance"
	"metallb.io/metallb/test/docs"
)

// bothFamilies are the objects of a node that announces an address of each family. The peer is to be added.
const bothFamilies = `
apiVersion: v1
kind: Node
metadata: {name: node-1}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: public, namespace: metallb-system}
spec: {addresses: [198.51.100.0/24, "2001:db8:1::/120"]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: everything, namespace: metallb-system}
spec: {}
` + nginx + nginxIPv6 + "---\n"

const unnumberedPeer = `
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: leaf, namespace: metallb-system}
spec: {myASN: 64500, dynamicASN: external, interface: %s, routerID: 10.0.0.1, connectTime: 1s, holdTime: 6s, keepaliveTime: 2s}
`

const gatewayPeer = `
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: rack, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, defaultGateway: IPv4, routerID: 10.0.0.1, connectTime: 1s}
`

// blocks returns the configuration that the documentation has for the router, with eth0 as the port that the node is connected to.
func blocks(t *testing.T, language string) string {
	t.Helper()
	page, err := docs.Read("..", "docs/routers.md")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, b := range page.Blocks {
		if b.Language == language {
			all.WriteString(b.Text + "\n")
		}
	}
	return strings.ReplaceAll(all.String(), "swp1", "eth0")
}

// startWithBothFamilies starts a speaker with the peer. The default route leads to the gateway.
func startWithBothFamilies(t *testing.T, gateway *bgptest.Node, peer string) (*speakerProcess, kubectl) {
	t.Helper()
	kube := newKubectl(t, gateway)
	kube.grant(t)
	kube.Apply(t, bothFamilies, peer)
	kube.assign(t, "198.51.100.7", "2001:db8:1::7")
	return startSpeaker(t, kube), kube
}

// leaf is a router on the other side of a link without addresses.
type leaf struct {
	*WithT
	t      *testing.T
	node   *bgptest.Node
	router bgptest.Program
}

// nextHops are those of the router's kernel for the service's addresses.
func (l *leaf) nextHops() (ipv4, ipv6 string) {
	hop := map[string]string{}
	l.node.Inside(l.t, func(there *netlink.Handle, eth0 netlink.Link) error {
		routes, err := there.RouteList(eth0, netlink.FAMILY_ALL)
		for i := range routes {
			r := &routes[i]
			if via, isVia := r.Via.(*netlink.Via); isVia {
				hop[r.Dst.String()] = via.Addr.String()
			} else if r.Dst != nil && r.Gw != nil {
				hop[r.Dst.String()] = r.Gw.String()
			}
		}
		return err
	})
	return hop["198.51.100.7/32"], hop["2001:db8:1::7/128"]
}

// awaitRoutes waits until the router has routes to the node by its link-local address, and returns since when it has.
func (l *leaf) awaitRoutes(log func() string) time.Duration {
	l.t.Helper()
	began := time.Now()
	l.Eventually(func() string {
		ours := linkLocal(l.node)
		if ipv4, ipv6 := l.nextHops(); ours == "" || ipv4 != ours || ipv6 != ours {
			return fmt.Sprintf("next hops %q and %q, and we are %q", ipv4, ipv6, ours)
		}
		return "routes"
	}).Should(Equal("routes"), func() string { return log() + l.explain() })
	return time.Since(began).Round(time.Millisecond)
}

// explain tells what the router and its kernel know.
func (l *leaf) explain() string {
	var text strings.Builder
	for _, family := range []string{"-4", "-6"} {
		l.node.Run(l.t, func() error {
			out, err := exec.CommandContext(l.t.Context(), "ip", family, "route").CombinedOutput()
			text.Write(out)
			return err
		})
	}
	questions := []string{"show protocols all", "show route all"}
	if l.router.Name() == "FRR" {
		questions = []string{"show bgp neighbors eth0", "show bgp ipv4 unicast", "show bgp ipv6 unicast"}
	}
	for _, question := range questions {
		text.WriteString(l.router.Ask(l.t, question))
	}
	return text.String()
}

// awaitNone waits until the router has no route any more.
func (l *leaf) awaitNone() {
	l.t.Helper()
	l.Eventually(func() string { ipv4, ipv6 := l.nextHops(); return ipv4 + ipv6 }).Should(BeEmpty())
}

// linkLocal is the address of the test's side of the link; empty if it has none.
func linkLocal(n *bgptest.Node) string {
	link, err := netlink.LinkByName(n.Link)
	if err != nil {
		return ""
	}
	addresses, _ := netlink.AddrList(link, netlink.FAMILY_V6)
	for _, a := range addresses {
		if a.IP.IsLinkLocalUnicast() {
			return a.IP.String()
		}
	}
	return ""
}

// move gives the router another link-local address.
func (l *leaf) move(to string) {
	l.t.Helper()
	l.node.Inside(l.t, func(there *netlink.Handle, eth0 netlink.Link) error {
		addresses, err := there.AddrList(eth0, netlink.FAMILY_V6)
		if err != nil {
			return err
		}
		added, err := netlink.ParseAddr(to + "/64")
		if err != nil {
			return err
		}
		added.Flags = unix.IFA_F_NODAD
		if err := there.AddrAdd(eth0, added); err != nil {
			return err
		}
		for i := range addresses {
			if addresses[i].IP.IsLinkLocalUnicast() {
				err = there.AddrDel(eth0, &addresses[i])
			}
		}
		return err
	})
}

func TestASessionWithTheRouterOnAnInterfaceCarriesBothFamiliesAndFollowsIt(t *testing.T) {
	bgptest.Require(t)
	for name, program := range map[string]func(*bgptest.Node) bgptest.Program{
		"FRR": func(n *bgptest.Node) bgptest.Program { return bgptest.FRRWithZebra(t, n, blocks(t, "frr")) },
		"BIRD": func(n *bgptest.Node) bgptest.Program {
			return bgptest.BIRDWith(t, n, "log stderr all;\n"+blocks(t, "bird"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, family := range []string{conformance.IPv4, conformance.IPv6} {
				conformance.Seen(t, conformance.Cell{Feature: "Unnumbered session on an interface", Router: name, Family: family, Kind: conformance.External})
			}
			l := &leaf{WithT: newGomega(t), t: t, node: lab.NewNode(t)}
			l.node.Forward(t)
			l.router = program(l.node)
			l.router.Start(t)
			l.node.Disconnect(t)
			away := lab.NewNode(t) // The API server needs some default route.
			s, kube := startWithBothFamilies(t, away, fmt.Sprintf(unnumberedPeer, l.node.Link))
			states := func() string {
				var text strings.Builder
				for _, session := range kube.sessions(t, "node-1") {
					fmt.Fprintln(&text, session.Status.State, session.Status.Address, session.Status.LastError)
				}
				return text.String()
			}
			l.Eventually(states).Should(ContainSubstring("interface "+l.node.Link+" is not on this node"), s.log)

			l.node.Connect(t)
			t.Logf("routes in the kernel after the boot of the link: %s", l.awaitRoutes(s.log))

			l.node.SetLink(t, false)
			if name == "FRR" {
				l.awaitNone() // It ends the session.
			}
			l.node.SetLink(t, true)
			t.Logf("after a flap: %s", l.awaitRoutes(s.log))

			l.move("fe80::77")
			began := time.Now()
			l.Eventually(states).Should(MatchRegexp(`(?m)Established.*fe80::77|fe80::77.*Established`), s.log)
			t.Logf("session with another address of the router: %s", time.Since(began).Round(time.Millisecond))
			l.awaitRoutes(s.log)

			l.node.Disconnect(t)
			l.Eventually(states).Should(ContainSubstring("interface "+l.node.Link+" is not on this node"), s.log)
			l.node.Connect(t)
			t.Logf("with the link made anew: %s", l.awaitRoutes(s.log))

			l.Expect(s.kill(t, syscall.SIGTERM)).To(Succeed())
			l.awaitNone()
		})
	}
}

func TestASessionWithTheDefaultGatewayFollowsTheDefaultRoute(t *testing.T) {
	bgptest.Require(t)
	conformance.Seen(t, conformance.Cell{Feature: "Session with the default gateway", Router: conformance.BIRD, Family: conformance.IPv4, Kind: conformance.External})
	g := newGomega(t)
	one, two := lab.NewNode(t), lab.NewNode(t)
	routers := map[*bgptest.Node]bgptest.Router{}
	for _, n := range []*bgptest.Node{one, two} {
		routers[n] = bgptest.NewBIRD(t, n, bgptest.Neighbor{Address: n.Test4, Local: n.Addr4, LocalASN: 64501, PeerASN: 64500})
		routers[n].Start(t)
	}
	s, _ := startWithBothFamilies(t, one, gatewayPeer)
	isUp := func(n *bgptest.Node) func() bool {
		return func() bool { session := routers[n].Session(t); return session.Up && session.Routes == 1 }
	}
	g.Eventually(isUp(one)).Should(BeTrue(), s.log)
	g.Expect(netlink.RouteReplace(&netlink.Route{Gw: two.Addr4.AsSlice()})).To(Succeed())
	began := time.Now()
	g.Eventually(isUp(two)).Should(BeTrue(), s.log)
	t.Logf("with the other gateway after %s", time.Since(began).Round(time.Millisecond))
	g.Eventually(isUp(one)).Should(BeFalse())
	g.Expect(s.kill(t, syscall.SIGTERM)).To(Succeed())
}
