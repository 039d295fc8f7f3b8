// SPDX-License-Identifier: Apache-2.0

//go:build linux

package discovery

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	bgptest "metallb.io/metallb/test/bgp"
)

const unnumberedFRR = `router bgp 64501
 bgp router-id 203.0.113.2
 no bgp ebgp-requires-policy
 neighbor eth0 interface remote-as external
`

// birdToUs waits for a session from our address on the link.
func birdToUs(t *testing.T, n *bgptest.Node) string {
	t.Helper()
	return fmt.Sprintf(`log stderr all;
router id 203.0.113.1;
protocol device { scan time 1; }
protocol bgp speaker {
  local as 64501;
  neighbor %s%%eth0 as 64500;
  connect delay time 1;
  connect retry time 2;
  error wait time 1, 2;
  ipv6 { import all; export none; };
}
`, ourLinkLocal(t, n))
}

// side is what is on the other side of the link.
type side struct {
	forwards bool
	// router is what runs there, if anything does.
	router func(*testing.T, *bgptest.Node) bgptest.Program
}

var sides = map[string]side{
	"FRR": {true, func(t *testing.T, n *bgptest.Node) bgptest.Program {
		t.Helper()
		return bgptest.FRRWithZebra(t, n, unnumberedFRR)
	}},
	"BIRD": {true, func(t *testing.T, n *bgptest.Node) bgptest.Program {
		t.Helper()
		return bgptest.BIRDWith(t, n, birdToUs(t, n))
	}},
	"BIRD on a machine that does not forward": {false, func(t *testing.T, n *bgptest.Node) bgptest.Program {
		t.Helper()
		return bgptest.BIRDWith(t, n, birdToUs(t, n))
	}},
	"a machine that forwards": {true, nil},
}

func (s side) start(t *testing.T) *bgptest.Node {
	t.Helper()
	n := lab.NewNode(t)
	if s.forwards {
		n.Forward(t)
	}
	if s.router != nil {
		s.router(t, n).Start(t)
	}
	return n
}

func onEachSide(t *testing.T, test func(*testing.T, side, *bgptest.Node)) {
	t.Helper()
	for name, s := range sides {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s, s.start(t))
		})
	}
}

func TestTheRouterOnAnInterfaceIsFoundAndFollowed(t *testing.T) {
	onEachSide(t, func(t *testing.T, s side, r *bgptest.Node) {
		t.Helper()
		n, iface := start(t, r.Link), r.Link
		t.Logf("found after %s", n.awaitRouter(iface, linkLocal(t, r)))

		moved := move(t, r, "fe80::77")
		t.Logf("found with another address after %s", n.awaitRouter(iface, moved))

		told := n.told()
		r.SetLink(t, false)
		n.awaitLink(iface, false)
		r.SetLink(t, true)
		n.awaitLink(iface, true)
		if router, err := n.finder.Router(iface); err != nil || router.String() != moved || n.told() != told {
			t.Errorf("after a flap: router %s, %v, and told %d times of changes", router, err, n.told()-told)
		}

		r.SetLink(t, false)
		n.awaitLink(iface, false)
		moved = move(t, r, "fe80::78")
		r.SetLink(t, true)
		t.Logf("found with another address on a link that was down after %s", n.awaitRouter(iface, moved))

		r.Disconnect(t)
		n.awaitRouter(iface, "interface "+iface+" is not on this node")
		r.Connect(t)
		if s.forwards { // BIRD alone would have to know our new address.
			t.Logf("found on a new interface after %s", n.awaitRouter(iface, linkLocal(t, r)))
		}

		n.finder.Follow(nil)
		n.awaitForgotten(iface)
	})
}

func TestFRRFindsTheNode(t *testing.T) {
	t.Parallel()
	bgptest.Require(t)
	r := lab.NewNode(t)
	frr := bgptest.FRRWithZebra(t, r, unnumberedFRR)
	frr.Start(t)
	start(t, r.Link)
	awaitNeighbour := func(address netip.Addr) {
		t.Helper()
		began, tick := time.Now(), time.NewTicker(20*time.Millisecond)
		defer tick.Stop()
		for !strings.Contains(frr.Ask(t, "show bgp neighbors eth0"), "BGP neighbor on eth0: "+address.String()) {
			if <-tick.C; time.Since(began) > patience {
				t.Fatalf("FRR has not found %s: %s", address, frr.Ask(t, "show bgp neighbors eth0"))
			}
		}
		t.Logf("FRR found us after %s", time.Since(began).Round(time.Millisecond))
	}
	awaitNeighbour(ourLinkLocal(t, r))
	frr.Kill(t)
	frr.Start(t)
	awaitNeighbour(ourLinkLocal(t, r))
}

func TestTheRouterIsFoundWhenItsInterfaceComesAfterTheSpeaker(t *testing.T) {
	t.Parallel()
	bgptest.Require(t)
	r := lab.NewNode(t)
	r.Disconnect(t)
	n := start(t, r.Link)
	n.awaitRouter(r.Link, "is not on this node")
	r.Connect(t)
	r.SetLink(t, false)
	n.awaitRouter(r.Link, "interface "+r.Link+" is down")
	r.SetLink(t, true)
	r.Forward(t)
	n.awaitRouter(r.Link, linkLocal(t, r))
}

func TestAHostThatPlaysRoutersDoesNotMoveTheSession(t *testing.T) {
	t.Parallel()
	bgptest.Require(t)
	r := lab.NewNode(t)
	r.Forward(t)
	n, want := start(t, r.Link), linkLocal(t, r)
	n.awaitRouter(r.Link, want)
	asked, told := solicited(t, r), n.told()
	for i := range 20 {
		c := impostor(t, r, fmt.Sprintf("fe80::1:%x", i))
		for range 20 {
			if err := c.advertise(allNodes); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 3 { // The router is asked, and answers.
		awaitQuestion(t, asked, want)
	}
	if router, err := n.finder.Router(r.Link); err != nil || router.String() != want {
		t.Errorf("the router is %s, %v; want %s", router, err, want)
	}
	if now := n.told(); now != told {
		t.Errorf("told %d times of changes", now-told)
	}
	move(t, r, "fe80::77") // Now it does not answer, and who is to know which of the others it is?
	n.awaitRouter(r.Link, "no router found on interface "+r.Link)
}

func TestTwoNeighboursOnALinkAreNamed(t *testing.T) {
	t.Parallel()
	bgptest.Require(t)
	r := lab.NewNode(t)
	awaitNeighbours(t, r, "fe80::5", "fe80::6")
	n := start(t, r.Link)
	n.awaitRouter(r.Link, "fe80::5 and fe80::6 are all neighbours, and none says that it is a router: an unnumbered peer needs a link with one router")
}

// withoutRawSockets is set in the environment of a test process that may not open any.
const withoutRawSockets = "DISCOVERY_WITHOUT_RAW_SOCKETS"

func TestWithoutTheCapabilityTheNeighbourTableTells(t *testing.T) {
	t.Parallel()
	bgptest.Require(t)
	if os.Getenv(withoutRawSockets) == "" {
		cmd := bgptest.Apart(t.Context(), "setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw",
			os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(cmd.Environ(), withoutRawSockets+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: "+t.Name()) {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	r := lab.NewNode(t)
	n := start(t, r.Link)
	n.awaitRouter(r.Link, "since the speaker lacks the capability NET_RAW")
	bgptest.BIRDWith(t, r, birdToUs(t, r)).Start(t)
	n.awaitRouter(r.Link, linkLocal(t, r))
}

func TestNobodyIsToldTwice(t *testing.T) {
	t.Parallel()
	told := 0
	f := New(Options{Logger: logr.Discard(), Changed: func() { told++ }})
	f.tell("eth1", answer{err: context.Canceled})
	f.tell("eth1", answer{err: context.Canceled})
	f.tell("eth1", answer{router: a})
	f.tell("eth1", answer{router: a})
	if told != 2 {
		t.Errorf("told %d times, want 2", told)
	}
}
