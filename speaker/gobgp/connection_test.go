// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
	bgptest "metallb.io/metallb/test/bgp"
)

// allowed is how long something may take where nothing else runs; the race detector slows everything down.
func allowed(d time.Duration) time.Duration {
	if raceDetector {
		return 10 * d
	}
	return d
}

// expectWithin has something done, five times at most, until it takes no longer than that. The time for which threads of this
// process wait for a processor does not count: the machine may be busy with something else.
func expectWithin(t *testing.T, limit time.Duration, do func() time.Duration) {
	t.Helper()
	var tried []string
	for range 5 {
		before := starved(t)
		took, waited := do(), starved(t)-before
		if took-waited <= allowed(limit) {
			t.Logf("it took %s, of which threads waited %s for a processor", took, waited)
			return
		}
		tried = append(tried, fmt.Sprintf("%s (waited %s)", took, waited))
	}
	t.Errorf("it takes %s, more than %s", tried, limit)
}

// starved is how long threads of this process that could run have waited for a processor.
func starved(t *testing.T) time.Duration {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/schedstat")
	if err != nil {
		t.Fatal(err)
	}
	var sum time.Duration
	for _, file := range files {
		var ran, waited time.Duration
		if content, err := os.ReadFile(file); err == nil {
			if _, err := fmt.Sscan(string(content), &ran, &waited); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
		sum += waited
	}
	return sum
}

func TestTwoPeersHaveTenThousandRoutesWellWithinASecond(t *testing.T) {
	if elsewhere(t) {
		return
	}
	expectWithin(t, 700*time.Millisecond, func() time.Duration {
		s, j := newSessions(t, Options{})
		j.quiet = true
		one, other := newSink(t, behaviour{}), newSink(t, behaviour{})
		began := time.Now()
		configure(t, s, always(hosts(10000)...), to("one", one.addrPort()), to("other", other.addrPort()))
		awaitRoutes(t, one, 10000)
		awaitRoutes(t, other, 10000)
		took := time.Since(began)
		awaitUp(t, s, "one", "other")
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		return took
	})
}

func TestASessionThatIsResetIsBackWithin300Milliseconds(t *testing.T) {
	if elsewhere(t) {
		return
	}
	expectWithin(t, 300*time.Millisecond, func() time.Duration {
		k := newSink(t, behaviour{})
		s, _ := newSessions(t, Options{})
		configure(t, s, always(hosts(1000)...), to("tor", k.addrPort()))
		awaitUp(t, s, "tor")
		awaitRoutes(t, k, 1000)
		began := time.Now()
		k.say(notification(6, 4))
		eventually(t, 10*time.Second, func() (bool, string) {
			h := k.heard()
			return h.connections == 2 && len(h.routes) == 1000, fmt.Sprintf("%d routes on connection %d", len(h.routes), h.connections)
		})
		return time.Since(began)
	})
}

func TestARouterThatBeginsToListenIsFoundWithinTheConnectTime(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	at := closedPort(t)
	var failed atomic.Int32
	s, _ := newSessions(t, Options{OnChange: func(state session.State) {
		if state.LastError != "" {
			failed.Add(1)
		}
	}})
	c := to("tor", at)
	configure(t, s, nothing, c)
	eventually(t, 20*time.Second, func() (bool, string) {
		n := failed.Load()
		return n >= 7, fmt.Sprintf("%d attempts have failed", n) // From here on they are the connect time apart.
	})
	k := newSinkAt(t, behaviour{}, at.String())
	// Twice the connect time, for a machine that has other things to do.
	eventually(t, 2*c.ConnectTime, func() (bool, string) { return k.heard().connections > 0, "no connection" })
	awaitUp(t, s, "tor")
}

func TestARouterThatDiesIsFoundWithoutAHoldTime(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	bgptest.Require(t)
	node := lab.NewNode(t)
	n, c := neighbors(node)
	n.HoldTime, c.HoldTime, c.KeepaliveTime = bgptest.NoHoldTime, 0, 0
	bgptest.NewBIRD(t, node, n).Start(t)
	s, j := newSessions(t, Options{dead: 6 * time.Second})
	configure(t, s, always(hosts(1)...), c)
	awaitUp(t, s, "tor")
	if state := stateOf(s, "tor"); state.HoldTime != 0 {
		t.Fatalf("there is a hold time: %+v", state)
	}
	died := time.Now()
	node.Vanish(t)
	eventually(t, 20*time.Second, func() (bool, string) {
		return len(j.with("session down", "connection lost: the peer does not answer any more")) == 1, fmt.Sprintf("lines: %s", j.with("session"))
	})
	t.Logf("found after %s", time.Since(died).Round(100*time.Millisecond))
}

// Nobody but this process can have anything to do with the connection between it and GoBGP.
func TestASessionListensOnNoPort(t *testing.T) {
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	before := listening(t)
	s, _ := newSessions(t, Options{})
	configure(t, s, nothing, to("tor", k.addrPort()))
	awaitUp(t, s, "tor")
	if after := listening(t); after != before || before == 0 {
		t.Errorf("%d sockets of the node listen, %d did before the session", after, before)
	}
}

// listening is the number of sockets in the network namespace that take connections or datagrams.
func listening(t *testing.T) int {
	t.Helper()
	const listen = "0A" // as in include/net/tcp_states.h of Linux
	n := 0
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		content, err := os.ReadFile("/proc/thread-self/net/" + table) // The first thread may have gone to a router's namespace.
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(content), "\n")[1:] {
			if fields := strings.Fields(line); len(fields) > 3 && (strings.HasPrefix(table, "udp") || fields[3] == listen) {
				n++
			}
		}
	}
	return n
}

func TestAPeerMayHaveALinkLocalAddress(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	bgptest.Require(t)
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	address, err := netlink.ParseAddr("fe80::77/64")
	if err != nil {
		t.Fatal(err)
	}
	address.Flags = bgptest.NoDAD
	if err := netlink.AddrReplace(lo, address); err != nil {
		t.Fatal(err)
	}
	k := newSinkAt(t, behaviour{}, "[fe80::77%lo]:0")
	s, _ := newSessions(t, Options{})
	prefix := netip.MustParsePrefix("2001:db8::1/128")
	for _, source := range []netip.Addr{{}, netip.MustParseAddr("fe80::77")} {
		c := to("tor", netip.AddrPortFrom(netip.MustParseAddr("fe80::77%lo"), k.addrPort().Port()))
		c.Source = source
		configure(t, s, always(rib.Path{Prefix: prefix}), c)
		awaitUp(t, s, "tor")
		awaitRoutes(t, k, 1)
		want := netip.MustParseAddr("fe80::77")
		if got := k.heard().routes[prefix].nextHop; got != want {
			t.Errorf("the next hop is %s", got)
		}
		if state := stateOf(s, "tor"); state.LocalAddress != want || state.FSM != session.Established {
			t.Errorf("state is %+v", state)
		}
	}
}
