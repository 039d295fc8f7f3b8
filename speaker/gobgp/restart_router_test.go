// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/conformance"
)

// keeper is a router that keeps the routes of a speaker with graceful restart.
type keeper struct {
	*testing.T
	bgptest.Router
	peer bgp.Peer
}

func newKeeper(t *testing.T, router makeRouter, change func(*bgptest.Neighbor, *bgp.Peer)) *keeper {
	t.Helper()
	node := lab.NewNode(t)
	n, c := neighbors(node)
	c = restarting(c, false)
	c.OwnAddresses.IPv6 = node.Test6
	if change != nil {
		change(&n, &c)
	}
	if !n.Address.Is4() {
		n.Address, n.Local, c.Address = node.Test6, node.Addr6, node.Addr6
	}
	k := &keeper{t, router(t, node, n), c}
	k.Start(t)
	return k
}

// over6 is a session over IPv6, and bothFamilies one over IPv4 with routes of both.
func over6(n *bgptest.Neighbor, c *bgp.Peer) {
	n.Address, c.Families = netip.IPv6Unspecified(), bgp.Families{IPv6: true}
}

func bothFamilies(n *bgptest.Neighbor, c *bgp.Peer) {
	n.IPv4, n.IPv6, c.Families = true, true, bgp.Families{IPv4: true, IPv6: true}
}

// await waits until the router has these prefixes, all of them stale or none.
func (k *keeper) await(stale bool, want ...rib.Path) {
	k.Helper()
	eventually(k, 20*time.Second, func() (bool, string) {
		has := k.Prefixes(k)
		ok := len(has) == len(want)
		for _, p := range want {
			is, found := has[p.Prefix]
			ok = ok && found && is == stale
		}
		return ok, fmt.Sprintf("%s has %v, which are stale or not; want %d routes, stale: %t", k.Name(), has, len(want), stale)
	})
}

// speaker is a speaker that has told the router of the paths.
func (k *keeper) speaker(paths ...rib.Path) *Sessions {
	k.Helper()
	s, _ := newSessions(k, Options{})
	configure(k, s, always(paths...), k.peer)
	awaitUp(k, s, "tor")
	return s
}

func (k *keeper) closeKeeping(s *Sessions, wantLeft int) {
	k.Helper()
	if left, err := s.CloseKeepingRoutes(k.Context()); left != wantLeft || err != nil {
		k.Fatalf("%d sessions are left, want %d; error %v", left, wantLeft, err)
	}
}

// watch asks the router for its prefixes all the time, until the function that it returns is called. That fails the test if one of the paths was
// missing, or is not the same as before: then it was away when nobody asked.
func (k *keeper) watch(paths ...rib.Path) (stop func()) {
	k.Helper()
	before := k.Versions(k)
	done := make(chan struct{})
	missing := map[netip.Prefix]int{}
	asked, sawStale := 0, false
	var watching sync.WaitGroup
	watching.Go(func() {
		for ; !isClosed(done); asked++ {
			has := k.Prefixes(k)
			for _, p := range paths {
				stale, found := has[p.Prefix]
				if sawStale = sawStale || stale; !found {
					missing[p.Prefix]++
				}
			}
		}
	})
	end := sync.OnceFunc(func() {
		close(done)
		watching.Wait()
	})
	k.Cleanup(end)
	return func() {
		k.Helper()
		end()
		k.Logf("%s was asked %d times, and had stale routes: %t", k.Name(), asked, sawStale)
		after := k.Versions(k)
		for _, p := range paths {
			if was, had := before[p.Prefix]; !had || !was.Same(after[p.Prefix]) {
				k.Errorf("%s has %+v of %s, and had %+v", k.Name(), after[p.Prefix], p.Prefix, was)
				break
			}
		}
		if len(missing) > 0 {
			k.Errorf("routes were missing, so many times of %d: %v", asked, missing)
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// pathsOf are n host routes of each of the families.
func pathsOf(f bgp.Families, n int) []rib.Path {
	var paths []rib.Path
	for i := range n {
		if f.IPv4 {
			paths = append(paths, path(fmt.Sprintf("198.51.100.%d/32", i)))
		}
		if f.IPv6 {
			paths = append(paths, path(fmt.Sprintf("2001:db8:1::%x/128", i)))
		}
	}
	return paths
}

func TestARouterKeepsRoutesUntilTheNextSpeakerHasSentThemAgain(t *testing.T) {
	sessions := map[string]struct {
		change func(*bgptest.Neighbor, *bgp.Peer)
		seen   []string
	}{
		"IPv4":                  {nil, []string{conformance.IPv4}},
		"IPv6":                  {over6, []string{conformance.IPv6}},
		"both over one":         {bothFamilies, nil},
		"on NOTIFICATIONs too":  {func(n *bgptest.Neighbor, c *bgp.Peer) { n.KeepsOnNotification, c.RestartOnNotification = true, true }, nil},
		"within one ASN":        {func(n *bgptest.Neighbor, c *bgp.Peer) { n.PeerASN, c.LocalASN = sinkASN, sinkASN }, []string{conformance.IPv4}},
		"one that restarts too": {func(n *bgptest.Neighbor, _ *bgp.Peer) { n.Restarts = true }, nil},
		"without a hold time": {func(n *bgptest.Neighbor, c *bgp.Peer) {
			n.HoldTime, c.HoldTime, c.KeepaliveTime = bgptest.NoHoldTime, 0, 0
		}, nil},
		"a short hold time of 3": {func(_ *bgptest.Neighbor, c *bgp.Peer) { c.HoldTime, c.KeepaliveTime = 3*time.Second, time.Second }, nil},
	}
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		for name, tc := range sessions {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if elsewhere(t) {
					return
				}
				k := newKeeper(t, router, tc.change)
				for _, family := range tc.seen {
					seen(t, "Graceful restart (RFC 4724)", k.Router, family == conformance.IPv6, k.peer)
				}
				before := pathsOf(k.peer.Families, 10)
				stay := before[:len(before)*6/10]
				first := k.speaker(before...)
				k.await(false, before...)
				stop := k.watch(stay...)
				k.closeKeeping(first, 0)
				k.await(true, before...)
				after := append(slices.Clone(stay), path(map[bool]string{true: "192.0.2.99/32", false: "2001:db8:2::99/128"}[k.peer.Families.IPv4]))
				k.speaker(after...)
				k.await(false, after...)
				stop()
			})
		}
	})
}

// The connection breaks again and again; the router has every route all the while.
func TestNoRouteIsMissingWhenTheConnectionBreaks(t *testing.T) {
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		for name, change := range map[string]func(*bgptest.Neighbor, *bgp.Peer){"IPv4": nil, "IPv6": over6, "both over one": bothFamilies} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if elsewhere(t) {
					return
				}
				k := newKeeper(t, router, change)
				paths := pathsOf(k.peer.Families, 200)
				s := k.speaker(paths...)
				k.await(false, paths...)
				stop := k.watch(paths...)
				for range 3 {
					p := s.peerings()["tor"]
					before := p.ups.Load()
					p.inbox.put(func() { _ = p.conn.Conn.Conn.Close() }) // The socket alone, as if the network had reset it.
					eventually(t, 20*time.Second, func() (bool, string) { return p.ups.Load() > before, "the session is not up again" })
					k.await(false, paths...)
				}
				stop()
			})
		}
	})
}

func TestARouterDropsRoutesAtOnceWhenASessionEndsForGood(t *testing.T) {
	forgets := func(_ *bgptest.Neighbor, c *bgp.Peer) { c.RestartTime = 0 }
	tests := map[string]struct {
		change func(*bgptest.Neighbor, *bgp.Peer)
		end    func(*keeper, *Sessions)
	}{
		"the speaker stops":   {nil, func(k *keeper, s *Sessions) { k.closeAll(s) }},
		"the peer is deleted": {nil, func(_ *keeper, s *Sessions) { s.Configure(nil) }},
		"a peer without graceful restart, whatever the speaker does": {forgets, func(k *keeper, s *Sessions) {
			k.closeKeeping(s, 1)
			k.closeAll(s)
		}},
		"graceful restart was switched off": {nil, func(k *keeper, s *Sessions) {
			forgets(nil, &k.peer)
			configure(k, s, nothing, k.peer)
			awaitUp(k, s, "tor")
			k.await(false, pathsOf(k.peer.Families, 10)...)
			k.closeKeeping(s, 1)
			k.closeAll(s)
		}},
	}
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		for name, tc := range tests {
			for _, onNotification := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, on NOTIFICATIONs too: %t", name, onNotification), func(t *testing.T) {
					t.Parallel()
					if elsewhere(t) {
						return
					}
					k := newKeeper(t, router, func(n *bgptest.Neighbor, c *bgp.Peer) {
						n.KeepsOnNotification, c.RestartOnNotification = onNotification, onNotification
						if tc.change != nil {
							tc.change(n, c)
						}
					})
					paths := pathsOf(k.peer.Families, 10)
					s := k.speaker(paths...)
					k.await(false, paths...)
					tc.end(k, s)
					ended := time.Now()
					k.await(false)
					if took := time.Since(ended); took > 5*time.Second {
						t.Errorf("the routes are gone %s after the end", took)
					}
				})
			}
		}
	})
}

func (k *keeper) closeAll(s *Sessions) {
	k.Helper()
	if err := s.Close(k.Context()); err != nil {
		k.Error(err)
	}
}

func TestARouterDropsRoutesWhenTheRestartTimeIsOver(t *testing.T) {
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		if elsewhere(t) {
			return
		}
		const restartTime = 4 * time.Second
		k := newKeeper(t, router, func(_ *bgptest.Neighbor, c *bgp.Peer) { c.RestartTime = restartTime })
		paths := pathsOf(k.peer.Families, 10)
		s := k.speaker(paths...)
		k.await(false, paths...)
		begin := time.Now()
		k.closeKeeping(s, 0)
		k.await(true, paths...)
		k.await(false)
		if kept := time.Since(begin); kept < restartTime/2 || kept > 3*restartTime {
			t.Errorf("%s kept the routes for %s", k.Name(), kept)
		}
	})
}

// A node whose forwarding state is gone, as after a reboot, says so: what was kept of it leads nowhere.
func TestARouterDropsRoutesOfANodeThatDoesNotForward(t *testing.T) {
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		if elsewhere(t) {
			return
		}
		k := newKeeper(t, router, bothFamilies)
		paths := pathsOf(k.peer.Families, 10)
		first := k.speaker(paths...)
		k.await(false, paths...)
		k.closeKeeping(first, 0)
		k.await(true, paths...)
		// End-of-RIB has everything dropped that was not sent again. It never comes, if the session is not to get on.
		s, _ := newSessions(t, Options{Preserved: func() bgp.Families { return bgp.Families{IPv6: true} }})
		s.Configure([]bgp.Peer{k.peer})
		awaitUp(t, s, "tor")
		k.await(false)
	})
}

// An error is no end: with RFC 8538 on both sides the router keeps the routes. BIRD 2 does not know it.
func TestARouterKeepsRoutesWhenANotificationEndsTheSession(t *testing.T) {
	t.Parallel()
	bgptest.Require(t)
	for _, keeps := range []bool{true, false} {
		t.Run(fmt.Sprint(keeps), func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			k := newKeeper(t, bgptest.NewFRR, func(n *bgptest.Neighbor, c *bgp.Peer) { n.KeepsOnNotification, c.RestartOnNotification = true, keeps })
			if keeps {
				seen(t, "Routes kept on a NOTIFICATION (RFC 8538)", k.Router, false, k.peer)
			}
			paths := pathsOf(k.peer.Families, 10)
			s := k.speaker(paths...)
			k.await(false, paths...)
			// The hold timer of this side expires; then it does not come back.
			p := s.peerings()["tor"]
			p.inbox.put(func() {
				c := p.conn
				go func() { _, _ = c.Write(holdTimerExpired()) }() // It ends with the connection.
				<-c.Resting()
				p.end(ending{keepsRoutes: true})
			})
			<-p.done
			if !keeps {
				k.await(false)
				return
			}
			k.await(true, paths...)
			k.speaker(paths[:5]...)
			k.await(false, paths[:5]...)
		})
	}
}

// holdTimerExpired is the NOTIFICATION, as it is on the wire.
func holdTimerExpired() []byte {
	return append(slices.Repeat([]byte{0xff}, 16), 0, 21, 3, 4, 0)
}
