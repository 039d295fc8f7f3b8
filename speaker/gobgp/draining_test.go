// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
)

// Two nodes announce one prefix to a router. One of them is about to stop.
func TestARouterLeavesAPathThatDrainsBeforeItGoes(t *testing.T) {
	prefix := netip.MustParsePrefix("198.51.100.0/32")
	kinds := map[string]uint32{"internal": sinkASN, "external": speakerASN}
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		for kind, asn := range kinds {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				if elsewhere(t) {
					return
				}
				node := lab.NewNode(t)
				n, c := neighbors(node)
				n.Other, n.PeerASN, c.LocalASN = node.Other4, asn, asn
				r := router(t, node, n)
				r.Start(t)
				s, _ := newSessions(t, Options{})
				nodes := map[netip.Addr]string{node.Test4: "one", node.Other4: "two"}
				configs := make([]bgp.Peer, 0, len(nodes))
				for source, peer := range nodes {
					c := c
					c.Name, c.Source = peer, source
					configs = append(configs, c)
				}
				path := rib.Path{Prefix: prefix, LocalPref: 100}
				configure(t, s, always(path), configs...)
				awaitUp(t, s, "one", "two")
				awaitBest := func(want func(netip.Addr) bool) netip.Addr {
					t.Helper()
					var best netip.Addr
					eventually(t, 10*time.Second, func() (bool, string) {
						var paths int
						best, paths = r.Best(t, prefix)
						return paths == 2 && best.IsValid() && want(best), fmt.Sprintf("%s uses %s of %d paths", r.Name(), best, paths)
					})
					return best
				}
				first := awaitBest(func(netip.Addr) bool { return true })
				draining := path
				draining.Draining = true
				apply(t, s, rib.Change{Peer: nodes[first], Announce: []rib.Path{draining}})
				second := awaitBest(func(best netip.Addr) bool { return best != first })

				t.Log("both drain: one is used all the same")
				apply(t, s, rib.Change{Peer: nodes[second], Announce: []rib.Path{draining}})
				apply(t, s, rib.Change{Peer: nodes[first], Announce: []rib.Path{path}})
				awaitBest(func(best netip.Addr) bool { return best == first })
				apply(t, s, rib.Change{Peer: nodes[first], Announce: []rib.Path{draining}})
				awaitBest(netip.Addr.IsValid)
			})
		}
	})
}

// A path that drains has the octets of an address at the end of the IPv4 addresses as its MED. What is discarded of such paths is not what a session
// that ends waits for, or GoBGP would never free what it has left to send.
func TestNothingIsLeftOfASessionThatEndsWhileItsPathsDrain(t *testing.T) {
	if elsewhere(t) {
		return
	}
	v := newVillain(t, func(c *net.TCPConn) {
		_ = c.SetReadBuffer(4096)
		_, _ = io.WriteString(c, greeting(t))
		<-t.Context().Done() // It reads nothing.
	}, time.Hour)
	s, j := newSessions(t, Options{})
	j.quiet = true
	const n = 5000
	paths := hosts(n)
	for i := range paths {
		paths[i].Communities = []bgp.Community{community(t, fmt.Sprintf("1:%d", i))} // A message for each.
	}
	configure(t, s, always(paths...), to("tor", v.at))
	awaitUp(t, s, "tor")
	s.options.Table.SetDraining(true)
	s.peerings()["tor"].await()
	configure(t, s, nothing)
	eventually(t, 5*time.Second, func() (bool, string) {
		var stacks bytes.Buffer
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 2)
		return !strings.Contains(stacks.String(), "infiniteBuffer"), "a queue of GoBGP is left"
	})
}
