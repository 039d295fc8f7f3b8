// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	packet "github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/session"
)

// restarting is a peer with graceful restart.
func restarting(p bgp.Peer, onNotification bool) bgp.Peer {
	p.RestartTime, p.RestartOnNotification = 2*time.Minute, onNotification
	return p
}

// awaitOffers waits for so many OPENs, and returns what they say of graceful restart.
func awaitOffers(t *testing.T, k *sink, n int) []restartOffer {
	t.Helper()
	var offers []restartOffer
	eventually(t, 20*time.Second, func() (bool, string) {
		offers = k.heard().offers
		return len(offers) >= n, "an OPEN is missing"
	})
	return offers
}

// Each OPEN says what is left, and not only the first one: a connection that breaks is a restart to the peer.
func TestEveryOpenSaysWhatIsPreserved(t *testing.T) {
	t.Parallel()
	v4, v6 := packet.RF_IPv4_UC, packet.RF_IPv6_UC
	own := packet.NewCapGracefulRestart(false, false, 60, []*packet.CapGracefulRestartTuple{packet.NewCapGracefulRestartTuple(v4, true)})
	both := bgp.Families{IPv4: true, IPv6: true}
	tests := map[string]struct {
		behave    behaviour
		families  bgp.Families
		off       bool
		on8538    bool
		preserved bgp.Families
		want      restartOffer
		// later is what the OPENs after the first session say, if that is something else.
		later *restartOffer
	}{
		"both families": {
			families: both, preserved: both,
			want: restartOffer{restarted: true, time: 120, families: map[packet.Family]bool{v4: true, v6: true}},
		},
		"a family that the node does not forward": {
			families: both, preserved: bgp.Families{IPv4: true},
			want: restartOffer{restarted: true, time: 120, families: map[packet.Family]bool{v4: true, v6: false}},
		},
		"IPv4 alone, on notifications too": {
			families: bgp.Families{IPv4: true}, preserved: both, on8538: true,
			want: restartOffer{restarted: true, notification: true, time: 120, families: map[packet.Family]bool{v4: true}},
		},
		"a router without graceful restart": {
			behave: behaviour{forgets: true}, families: both, preserved: both,
			want: restartOffer{restarted: true, time: 120, families: map[packet.Family]bool{v4: true, v6: true}},
		},
		"a router that restarts gracefully itself, and would not wait for the routes": {
			behave: behaviour{restart: own}, families: bgp.Families{IPv4: true}, preserved: both,
			want:  restartOffer{restarted: true, time: 120, families: map[packet.Family]bool{v4: true}},
			later: &restartOffer{time: 120, families: map[packet.Family]bool{v4: true}},
		},
		"not asked for": {
			families: both, preserved: both, off: true,
			want: restartOffer{time: 120, families: map[packet.Family]bool{}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			k := newSink(t, tc.behave)
			s, _ := newSessions(t, Options{Preserved: func() bgp.Families { return tc.preserved }})
			p := to("tor", k.addrPort())
			if !tc.off {
				p = restarting(p, tc.on8538)
			}
			p.Families = tc.families
			configure(t, s, always(hosts(3)...), p)
			want := []restartOffer{tc.want}
			later := tc.want
			if tc.later != nil {
				later = *tc.later
			}
			for len(want) < 3 {
				awaitUp(t, s, "tor")
				awaitRoutes(t, k, 3)
				if kept := stateOf(s, "tor").KeepsRoutes; kept != (!tc.off && !tc.behave.forgets) {
					t.Errorf("the peer keeps routes: %t", kept)
				}
				k.drop()
				want = append(want, later)
				awaitOffers(t, k, len(want))
			}
			if diff := cmp.Diff(want, awaitOffers(t, k, 3), cmp.AllowUnexported(restartOffer{})); diff != "" {
				t.Errorf("OPENs (-want +got):\n%s", diff)
			}
		})
	}
}

// The routes are sent at once, and End-of-RIB after them: nobody is waited for.
func TestNothingIsDeferredForGracefulRestart(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	// A router that restarts itself says End-of-RIB when it is done, which this one never is.
	k := newSink(t, behaviour{restart: packet.NewCapGracefulRestart(true, true, 60, []*packet.CapGracefulRestartTuple{
		packet.NewCapGracefulRestartTuple(packet.RF_IPv4_UC, false),
	})})
	s, _ := newSessions(t, Options{})
	configure(t, s, always(hosts(1000)...), restarting(to("tor", k.addrPort()), true))
	awaitUp(t, s, "tor")
	up := time.Now()
	eventually(t, 5*time.Second, func() (bool, string) { return k.heard().endsOfRIB == 1, "no End-of-RIB" })
	if h := k.heard(); h.beforeEndOfRIB != 1000 {
		t.Errorf("%d routes were there before End-of-RIB", h.beforeEndOfRIB)
	}
	t.Logf("End-of-RIB %s after the session was up", time.Since(up))
}

func TestWhoKeepsRoutesIsToldNothingAndOthersAre(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	notified := func(k *sink) [][2]uint8 {
		heard := k.heard().notified
		all := make([][2]uint8, 0, len(heard))
		for _, n := range heard {
			all = append(all, [2]uint8{n.ErrorCode, n.ErrorSubcode})
		}
		return all
	}
	keeps, forgets, plain := newSink(t, behaviour{}), newSink(t, behaviour{forgets: true}), newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	configure(t, s, always(hosts(3)...), restarting(to("keeps", keeps.addrPort()), false), restarting(to("forgets", forgets.addrPort()), false),
		restarting(to("down", closedPort(t)), false), to("plain", plain.addrPort()))
	awaitUp(t, s, "keeps", "forgets", "plain")
	left, err := s.CloseKeepingRoutes(t.Context())
	if left != 2 || err != nil {
		t.Errorf("%d sessions are left, error %v", left, err)
	}
	if states := s.States(); len(states) != 2 || !states[0].Up() || !states[1].Up() {
		t.Errorf("left are %+v", states)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	cease := [][2]uint8{{6, administrativeShutdown}}
	for name, sink := range map[string]*sink{"forgets": forgets, "plain": plain} {
		eventually(t, 5*time.Second, func() (bool, string) {
			return slices.Equal(notified(sink), cease), name + " is not told that the session ends"
		})
	}
	keeps.close() // All that has been sent to it is read.
	if got := notified(keeps); len(got) > 0 {
		t.Errorf("who keeps the routes was told %v", got)
	}
}

// What a peer keeps after a NOTIFICATION, it must not keep of a session that ends for good.
func TestAnEndIsAHardResetWhereNotificationsKeepRoutes(t *testing.T) {
	t.Parallel()
	ends := map[string]struct {
		end     func(*testing.T, *Sessions, bgp.Peer)
		subcode uint8
	}{
		"the speaker stops": {func(t *testing.T, s *Sessions, _ bgp.Peer) {
			t.Helper()
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}, administrativeShutdown},
		"the peer is deleted": {func(_ *testing.T, s *Sessions, _ bgp.Peer) { s.Configure(nil) }, peerDeconfigured},
		"graceful restart is switched off": {func(_ *testing.T, s *Sessions, p bgp.Peer) {
			p.RestartTime, p.RestartOnNotification = 0, false
			s.Configure([]bgp.Peer{p})
		}, peerDeconfigured},
		"notifications are not to keep them": {func(_ *testing.T, s *Sessions, p bgp.Peer) {
			p.RestartOnNotification = false
			s.Configure([]bgp.Peer{p})
		}, peerDeconfigured},
	}
	for name, tc := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			k := newSink(t, behaviour{restart: packet.NewCapGracefulRestart(false, true, 0, nil)})
			s, _ := newSessions(t, Options{})
			p := restarting(to("tor", k.addrPort()), true)
			configure(t, s, always(hosts(3)...), p)
			awaitUp(t, s, "tor")
			tc.end(t, s, p)
			var got packet.BGPNotification
			eventually(t, 10*time.Second, func() (bool, string) {
				n := k.heard().notified
				if len(n) > 0 {
					got = n[0]
				}
				return len(n) > 0, "the peer is told nothing"
			})
			const cease, hardReset = 6, 9
			want := packet.BGPNotification{ErrorCode: cease, ErrorSubcode: hardReset, Data: []byte{cease, tc.subcode}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("NOTIFICATION (-want +got):\n%s", diff)
			}
		})
	}
}

// A peer that is not established keeps the routes of an earlier session, so that an end must be told as soon as there is a connection.
func TestAnEndIsToldBeforeTheSessionIsEstablished(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{mute: true})
	s, _ := newSessions(t, Options{})
	configure(t, s, nothing, restarting(to("tor", k.addrPort()), false))
	eventually(t, 10*time.Second, func() (bool, string) { return stateOf(s, "tor").FSM == session.OpenSent, "no OPEN is sent" })
	s.Configure(nil)
	eventually(t, 10*time.Second, func() (bool, string) {
		n := k.heard().notified
		return len(n) == 1 && n[0].ErrorSubcode == peerDeconfigured, "the peer is not told that the session ends"
	})
}

func TestAnotherRestartTimeChangesNothingUntilTheNextSession(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	p := restarting(to("tor", k.addrPort()), false)
	configure(t, s, always(hosts(3)...), p)
	awaitUp(t, s, "tor")
	p.RestartTime = 7 * time.Second
	configure(t, s, nothing, p)
	if h := k.heard(); h.connections != 1 {
		t.Errorf("%d connections", h.connections)
	}
	k.drop()
	if offers := awaitOffers(t, k, 2); offers[0].time != 120 || offers[1].time != 7 {
		t.Errorf("the OPENs say %+v", offers)
	}
}

// Sessions that come up while the speaker stops do not race with it.
func TestRoutesAreKeptWhileSessionsComeUp(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	for range 20 {
		s, _ := newSessions(t, Options{})
		configure(t, s, always(hosts(3)...), restarting(to("tor", k.addrPort()), false))
		if left, err := s.CloseKeepingRoutes(t.Context()); left != 0 || err != nil {
			t.Errorf("%d sessions are left, error %v", left, err)
		}
	}
	if n := k.heard().notified; len(n) > 0 {
		t.Errorf("the peer was told %v", n)
	}
}
