// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
	bgptest "metallb.io/metallb/test/bgp"
)

// upWith is a router with an established session and n routes.
func upWith(t *testing.T, router makeRouter, n int) (bgptest.Router, bgp.Peer, *Sessions, *journal) {
	t.Helper()
	node := lab.NewNode(t)
	neighbor, c := neighbors(node)
	r := router(t, node, neighbor)
	r.Start(t)
	s, j := newSessions(t, Options{})
	configure(t, s, always(hosts(n)...), c)
	awaitUp(t, s, "tor")
	awaitOnRouter(t, r, n)
	return r, c, s, j
}

func TestARouterThatIsKilledIsBackWithItsRoutes(t *testing.T) {
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		if elsewhere(t) {
			return
		}
		r, _, s, j := upWith(t, router, 20)
		r.Kill(t)
		eventually(t, 10*time.Second, func() (bool, string) { return !stateOf(s, "tor").Up(), "the session is still up" })
		apply(t, s, withdrawing("tor", "10.0.0.0/32", "10.0.0.1/32"), announcing("tor", "192.0.2.99/32"))
		eventually(t, 20*time.Second, func() (bool, string) {
			return len(j.with("session attempt failed", "connection refused")) > 0, "no attempt while the router is away"
		})
		r.Start(t)
		back := time.Now()
		awaitOnRouter(t, r, 19)
		t.Logf("%s has its routes %s after its return", r.Name(), time.Since(back).Round(10*time.Millisecond))
		if _, stale := r.Routes(t)[netip.MustParsePrefix("10.0.0.1/32")]; stale {
			t.Error("a prefix that was withdrawn while the router was away is announced")
		}
	})
}

func TestASessionThatTheRouterResetsIsBack(t *testing.T) {
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		if elsewhere(t) {
			return
		}
		r, _, _, j := upWith(t, router, 5)
		r.Reset(t)
		reset := time.Now()
		eventually(t, 10*time.Second, func() (bool, string) {
			return len(j.with("session down", "peer sent Cease/Administrative")) == 1, fmt.Sprintf("lines: %s", j.with("session"))
		})
		awaitOnRouter(t, r, 5)
		t.Logf("the routes are back %s after the reset", time.Since(reset).Round(10*time.Millisecond))
	})
}

func TestATableOfTenThousandPrefixes(t *testing.T) {
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		if elsewhere(t) {
			return
		}
		const n = 10000
		r, _, s, _ := upWith(t, router, n)
		all := hosts(n)

		start := time.Now()
		gone := make([]netip.Prefix, 0, n/2)
		for _, p := range all[:n/2] {
			gone = append(gone, p.Prefix)
		}
		apply(t, s, rib.Change{Peer: "tor", Withdraw: gone})
		awaitOnRouter(t, r, n/2)
		apply(t, s, rib.Change{Peer: "tor", Announce: all[:n/2]})
		awaitOnRouter(t, r, n)
		t.Logf("%s: half of %d prefixes withdrawn and announced again in %s", r.Name(), n, time.Since(start).Round(10*time.Millisecond))
	})
}

func TestWhatIsEqualIsNotSentAndWhatChangesIsSentOnce(t *testing.T) {
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		if elsewhere(t) {
			return
		}
		r, c, s, _ := upWith(t, router, 3)
		before := r.Session(t)
		configure(t, s, always(hosts(3)...), c)
		apply(t, s, rib.Change{Peer: "tor", Announce: hosts(3)})
		c.ConnectTime, c.HoldTime, c.KeepaliveTime = 7*time.Second, 30*time.Second, 10*time.Second
		configure(t, s, nothing, c)
		changed := hosts(3)[0]
		changed.Communities = append(changed.Communities, community(t, "64500:7"))
		apply(t, s, rib.Change{Peer: "tor", Announce: []rib.Path{changed}})
		eventually(t, 10*time.Second, func() (bool, string) {
			route := r.Routes(t)[changed.Prefix]
			return len(route.Communities) == 1, fmt.Sprintf("route %+v", route)
		})
		after := r.Session(t)
		if sent := after.Updates - before.Updates; sent != 1 || after.Withdrawals != before.Withdrawals {
			t.Errorf("%d updates for one change: %+v, then %+v", sent, before, after)
		}
	})
}

func TestTheASPathOfARouteChangesInPlace(t *testing.T) {
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		for name, sides := range map[string]func(*bgptest.Node) (bgptest.Neighbor, bgp.Peer){"over IPv4": neighbors, "over IPv6": neighbors6} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if elsewhere(t) {
					return
				}
				node := lab.NewNode(t)
				n, c := sides(node)
				n.PeerASN, c.LocalASN = 64513, 64513
				path := rib.Path{Prefix: netip.MustParsePrefix("198.51.100.0/32"), ASPathPrepend: 2}
				if c.Address.Is6() {
					path.Prefix = netip.MustParsePrefix("2001:db8::1/128")
				}
				other := path
				other.Prefix = netip.PrefixFrom(path.Prefix.Addr().Next(), path.Prefix.Bits())
				r := router(t, node, n)
				r.Start(t)
				s, _ := newSessions(t, Options{})
				configure(t, s, always(path, other), c)
				awaitUp(t, s, "tor")
				awaitOnRouter(t, r, 2)
				before, said := stateOf(s, "tor"), r.Session(t)

				for i, times := range []uint8{2, 1, 10, 0} {
					path.ASPathPrepend = times
					apply(t, s, rib.Change{Peer: "tor", Announce: []rib.Path{path}})
					want := slices.Repeat([]uint32{64513}, 1+int(times))
					eventually(t, 10*time.Second, func() (bool, string) {
						got := r.Routes(t)[path.Prefix].ASPath
						return slices.Equal(got, want), fmt.Sprintf("AS path %d, want %d", got, want)
					})
					now := r.Session(t)
					if sent := now.Updates - said.Updates; sent != i || now.Withdrawals != said.Withdrawals || now.Routes != 2 {
						t.Errorf("%d updates for %d changes: %+v, then %+v", sent, i, said, now)
					}
				}
				if got := r.Routes(t)[other.Prefix].ASPath; len(got) != 3 {
					t.Errorf("the AS path of the other route is %d", got)
				}
				if after := stateOf(s, "tor"); !after.Since.Equal(before.Since) || r.Session(t).LastError != said.LastError {
					t.Errorf("the session was reset: %+v, then %+v", before, after)
				}
			})
		}
	})
}

func TestOneSessionDoesNotDisturbAnother(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	bgptest.Require(t)
	flapping, steady := lab.NewNode(t), lab.NewNode(t)
	n1, c1 := neighbors(flapping)
	n2, c2 := neighbors(steady)
	c1.Name, c2.Name = "flapping", "steady"
	bird, frr := bgptest.NewBIRD(t, flapping, n1), bgptest.NewFRR(t, steady, n2)
	bird.Start(t)
	frr.Start(t)
	s, _ := newSessions(t, Options{})
	configure(t, s, always(hosts(10)...), c1, c2)
	awaitUp(t, s, "flapping", "steady")
	awaitOnRouter(t, frr, 10)
	before, said := stateOf(s, "steady"), frr.Session(t)

	for range 2 {
		up := stateOf(s, "flapping").Since
		bird.Reset(t)
		eventually(t, 10*time.Second, func() (bool, string) {
			state := stateOf(s, "flapping")
			return state.Up() && state.Since.After(up), fmt.Sprintf("session %+v", state)
		})
	}
	bird.Kill(t)
	eventually(t, 10*time.Second, func() (bool, string) { return !stateOf(s, "flapping").Up(), "the session is still up" })
	c1.Password = "changed"
	configure(t, s, always(hosts(10)...), c1, c2)
	configure(t, s, nothing, c2)

	after := stateOf(s, "steady")
	after.Received = before.Received // FRR gives routes back when it likes, which disturbs nobody.
	if after != before {
		t.Errorf("the steady session was %+v and is %+v", before, after)
	}
	if now := frr.Session(t); now.Updates != said.Updates || !now.Up || now.LastError != said.LastError {
		t.Errorf("the steady router's session was %+v and is %+v", said, now)
	}
	if states := s.States(); len(states) != 1 {
		t.Errorf("a session that was removed is still there: %+v", states)
	}
}

func TestARouterIsToldWhyASessionEnds(t *testing.T) {
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		t.Run("the peer is removed", func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			r, _, s, _ := upWith(t, router, 1)
			configure(t, s, nothing)
			awaitLastError(t, r, "eer de-configured", "eer De-configured")
		})
		t.Run("the speaker stops", func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			r, _, s, _ := upWith(t, router, 1)
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			awaitLastError(t, r, "dministrative shutdown", "dministrative Shutdown")
		})
	})
}

// awaitLastError waits for one of several wordings.
func awaitLastError(t *testing.T, r bgptest.Router, wordings ...string) {
	t.Helper()
	eventually(t, 10*time.Second, func() (bool, string) {
		s := r.Session(t)
		for _, w := range wordings {
			if !s.Up && strings.Contains(s.LastError, w) {
				return true, ""
			}
		}
		return false, fmt.Sprintf("%s: %+v", r.Name(), s)
	})
}

func TestAWrongPasswordIsSeenInTheLog(t *testing.T) {
	tests := map[string]struct {
		ours, theirs, error string
	}{
		"wrong":   {ours: "a", theirs: "b", error: "connect timed out (wrong password, or peer unreachable)"},
		"missing": {theirs: "b", error: "connect timed out (peer unreachable, or it expects a password)"},
		"surplus": {ours: "a", error: "connect timed out (wrong password, or peer unreachable)"},
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
				n, c := neighbors(node)
				n.Password, c.Password = tt.theirs, tt.ours
				r := router(t, node, n)
				r.Start(t)
				s, j := newSessions(t, Options{})
				configure(t, s, nothing, c)
				eventually(t, 20*time.Second, func() (bool, string) {
					return len(j.with("session attempt failed", tt.error)) > 0, fmt.Sprintf("lines: %s", j.with("attempt"))
				})
				c.Password = n.Password
				configure(t, s, always(hosts(1)...), c)
				awaitUp(t, s, "tor")
				awaitOnRouter(t, r, 1)
			})
		}
	})
}

func TestAWrongASNIsSeenInTheLog(t *testing.T) {
	onEachRouter(t, func(t *testing.T, router makeRouter) {
		t.Helper()
		t.Run("the peer's", func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			node := lab.NewNode(t)
			n, c := neighbors(node)
			c.PeerASN = 64999
			router(t, node, n).Start(t)
			s, j := newSessions(t, Options{})
			configure(t, s, nothing, c)
			eventually(t, 20*time.Second, func() (bool, string) {
				return len(j.with("session attempt failed", `"peer ASN 64512, expected 64999 (sent OPEN Message Error/Bad Peer AS)"`)) == 1, fmt.Sprintf("lines: %s", j.with("attempt"))
			})
		})
		t.Run("this side's", func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			node := lab.NewNode(t)
			n, c := neighbors(node)
			c.LocalASN = 64999
			router(t, node, n).Start(t)
			s, j := newSessions(t, Options{})
			configure(t, s, nothing, c)
			eventually(t, 30*time.Second, func() (bool, string) {
				return len(j.with("session attempt failed", `"peer sent OPEN Message Error/Bad Peer AS: does it expect ASN 64999, router ID 192.0.2.1, from this address?"`)) == 1, fmt.Sprintf("lines: %s", j.with("attempt"))
			})
		})
	})
}

func TestTheRouterIDOfASessionChanges(t *testing.T) {
	if raceDetector {
		t.Skip("a server is started while another runs: see the package's documentation")
	}
	t.Parallel()
	bgptest.Require(t)
	r, c, s, _ := upWith(t, bgptest.NewBIRD, 3)
	c.RouterID = netip.MustParseAddr("192.0.2.200")
	configure(t, s, always(hosts(4)...), c)
	awaitUp(t, s, "tor")
	awaitOnRouter(t, r, 4)
	if state := stateOf(s, "tor"); state.RouterID != c.RouterID {
		t.Errorf("state is %+v", state)
	}
}
