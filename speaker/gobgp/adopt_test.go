// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/speaker/transport"
)

func TestWhatTheProtocolLetsChangeResetsNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from, to func(*bgp.Peer)
		// resent is whether all routes are sent again.
		resent bool
	}{
		"timers": {
			to: func(p *bgp.Peer) {
				p.HoldTime, p.KeepaliveTime, p.ConnectTime = 30*time.Second, 10*time.Second, time.Second
			},
		},
		"the time to live":                  {to: func(p *bgp.Peer) { p.MultiHopTTL = 7 }},
		"the ASN, to any that the peer has": {to: func(p *bgp.Peer) { p.PeerASN = 0 }},
		"the ASN, to the one that the peer has": {
			from: func(p *bgp.Peer) { p.PeerASN = 0 },
			to:   func(p *bgp.Peer) { p.PeerASN = sinkASN },
		},
		"the node's address, which the other family has as next hop": {
			from: func(p *bgp.Peer) {
				p.Families, p.OwnAddresses.IPv6 = bgp.Families{IPv4: true, IPv6: true}, netip.MustParseAddr("fd99::1")
			},
			to:     func(p *bgp.Peer) { p.OwnAddresses.IPv6 = netip.MustParseAddr("fd99::2") },
			resent: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			k := newSink(t, behaviour{})
			s, _ := newSessions(t, Options{})
			config := to("tor", k.addrPort())
			if tt.from != nil {
				tt.from(&config)
			}
			paths := always(path("198.51.100.1/32"), path("2001:db8::1/128"))
			configure(t, s, paths, config)
			awaitUp(t, s, "tor")
			routes := 1
			if config.Families.IPv6 {
				routes = 2
			}
			awaitRoutes(t, k, routes)
			before := k.heard().updates

			tt.to(&config)
			configure(t, s, paths, config)
			// What is announced next comes after all that the change sends.
			apply(t, s, announcing("tor", "198.51.100.2/32"))
			awaitRoutes(t, k, routes+1)
			h := k.heard()
			if h.connections != 1 || len(h.notified) > 0 {
				t.Errorf("the session was reset: %d connections, told %v", h.connections, h.notified)
			}
			if !tt.resent && h.updates-before != 1 {
				t.Errorf("the change took %d UPDATE messages beside the one of another route", h.updates-before-1)
			}
			if tt.resent {
				eventually(t, 10*time.Second, func() (bool, string) {
					hop := k.heard().routes[netip.MustParsePrefix("2001:db8::1/128")].nextHop
					return hop == config.OwnAddresses.IPv6, fmt.Sprintf("the next hop is %s", hop)
				})
			}
		})
	}
}

// The node may get and lose the address that is the other family's next hop while the session is up.
func TestTheStateSaysWhichFamiliesGoOverTheSessionWhenNextHopsComeAndGo(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	const missing = "no next hop for IPv6 routes: this node has no IPv6 address"
	k := newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	config := to("tor", k.addrPort())
	config.Families = bgp.Families{IPv4: true, IPv6: true}
	paths := always(path("198.51.100.1/32"), path("2001:db8::1/128"))
	for _, own := range []netip.Addr{{}, netip.MustParseAddr("fd99::1"), {}} {
		config.OwnAddresses.IPv6 = own
		configure(t, s, paths, config)
		awaitUp(t, s, "tor")
		want := 0
		if own.IsValid() {
			want = 1
		}
		awaitRoutes(t, k, 1+want)
		eventually(t, 5*time.Second, func() (bool, string) {
			state := stateOf(s, "tor")
			said := state.CarriesAll() || state.LastError == missing
			return state.Carried.IPv6 == own.IsValid() && state.AdvertisedIPv6 == want && said, fmt.Sprintf("with the address %s the state is %+v", own, state)
		})
	}
	if h := k.heard(); h.connections != 1 {
		t.Errorf("%d connections", h.connections)
	}
}

// From the first KEEPALIVE until GoBGP says that the session is up, the routes are on their way with the next hops of before. That is too
// short to be hit at will, so here a session is made to believe that it is then.
func TestAnAddressOfTheNodeThatComesWhileASessionIsBeingEstablishedIsTheNextHop(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	config := to("tor", k.addrPort())
	config.Families = bgp.Families{IPv4: true, IPv6: true}
	paths := always(path("2001:db8::1/128"))
	configure(t, s, paths, config)
	awaitUp(t, s, "tor")

	p := s.peerings()["tor"]
	p.inbox.put(func() { p.enter(session.OpenConfirm) })
	eventually(t, 5*time.Second, func() (bool, string) { return !stateOf(s, "tor").Up(), "the session is up" })
	config.OwnAddresses.IPv6 = netip.MustParseAddr("fd99::1")
	configure(t, s, paths, config)
	p.inbox.put(func() { p.reach(transport.Established) })
	eventually(t, 5*time.Second, func() (bool, string) {
		hop, state := k.heard().routes[netip.MustParsePrefix("2001:db8::1/128")].nextHop, stateOf(s, "tor")
		return hop == config.OwnAddresses.IPv6 && state.CarriesAll(), fmt.Sprintf("the next hop is %s, and the state is %+v", hop, state)
	})
}

func TestAnotherPasswordResetsOnceAndNotAtOnce(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	now := make(chan time.Duration, 1)
	s, j := newSessions(t, Options{rotate: func() time.Duration { return <-now }})
	config := to("tor", k.addrPort())
	configure(t, s, always(path("198.51.100.1/32")), config)
	awaitUp(t, s, "tor")

	// The router here has no password, so that a session with one does not come up.
	config.Password = "s3cret"
	now <- time.Hour
	configure(t, s, always(path("198.51.100.1/32")), config)
	apply(t, s, announcing("tor", "198.51.100.2/32"))
	awaitRoutes(t, k, 2)
	if h := k.heard(); h.connections != 1 {
		t.Errorf("the session was reset at once: %d connections", h.connections)
	}
	if lines := j.with("changing password soon"); len(lines) != 1 {
		t.Errorf("log lines of the change: %v", lines)
	}

	// A session that is lost takes the password up at once.
	k.drop()
	eventually(t, 10*time.Second, func() (bool, string) {
		state := stateOf(s, "tor")
		return state.LastError == "connect timed out (wrong password, or peer unreachable)", fmt.Sprintf("state is %+v", state)
	})

	config.Password = ""
	configure(t, s, always(path("198.51.100.1/32")), config)
	awaitUp(t, s, "tor")
	config.Password = "s3cret"
	now <- 0
	configure(t, s, always(path("198.51.100.1/32")), config)
	eventually(t, 10*time.Second, func() (bool, string) {
		h := k.heard()
		return len(h.notified) == 1 && h.notified[0].ErrorSubcode == peerDeconfigured, fmt.Sprintf("the peer was told %v", h.notified)
	})
}

// All nodes get the changes in the same second.
func TestAnotherPasswordBesideChangesThatNeedNoResetResetsNotAtOnce(t *testing.T) {
	t.Parallel()
	for name, together := range map[string]bool{"together": true, "after another": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			k := newSink(t, behaviour{})
			asked := make(chan struct{}, 2)
			s, _ := newSessions(t, Options{rotate: func() time.Duration {
				asked <- struct{}{}
				return time.Hour
			}})
			config := to("tor", k.addrPort())
			configure(t, s, always(path("198.51.100.1/32")), config)
			awaitUp(t, s, "tor")

			config.Password = "s3cret"
			if !together {
				configure(t, s, nothing, config)
			}
			config.ConnectTime, config.MultiHopTTL = time.Second, 7
			configure(t, s, nothing, config)
			apply(t, s, announcing("tor", "198.51.100.2/32"))
			awaitRoutes(t, k, 2)
			if h := k.heard(); h.connections != 1 || len(h.notified) > 0 {
				t.Errorf("the session was reset at once: %d connections, told %v", h.connections, h.notified)
			}
			if n := len(asked); n != 1 {
				t.Errorf("the time of the reset was chosen %d times", n)
			}
			is := make(chan bgp.Peer)
			p := s.peerings()["tor"]
			p.inbox.put(func() { is <- p.config })
			if now := <-is; now.ConnectTime != config.ConnectTime || now.MultiHopTTL != config.MultiHopTTL || now.Password != "" {
				t.Errorf("what needs no reset is not taken up: connectTime %s, TTL %d", now.ConnectTime, now.MultiHopTTL)
			}
		})
	}
}
