// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	packet "github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/session"
)

// closedPort is a port of the loopback address on which nobody listens.
func closedPort(t *testing.T) netip.AddrPort {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func TestAFailedAttemptIsOneLineThatSaysWhy(t *testing.T) {
	t.Parallel()
	const want = "session attempt failed"
	update := packet.NewBGPUpdateMessage(nil, nil, nil)

	tests := map[string]struct {
		peer   behaviour
		change func(*bgp.Peer)
		closed bool
		error  string
	}{
		"nobody listens": {
			closed: true,
			error:  "connection refused",
		},
		"the peer closes the connection": {
			peer:  behaviour{closeFirst: true},
			error: "connection closed by the peer before its OPEN",
		},
		"the peer says nothing": {
			peer:  behaviour{mute: true},
			error: "peer accepted the connection and sent no OPEN within 10s",
		},
		"the peer is in another autonomous system": {
			peer:  behaviour{asn: 64513},
			error: "peer ASN 64513, expected 64512 (sent OPEN Message Error/Bad Peer AS)",
		},
		"the peer is in this autonomous system, and may be in any but that": {
			peer:   behaviour{asn: speakerASN},
			change: func(c *bgp.Peer) { c.PeerASN = 0 },
			error:  "peer ASN 64500, expected any but 64500 (sent OPEN Message Error/Bad Peer AS)",
		},
		"the peer sends from farther away than it may be": {
			change: func(c *bgp.Peer) { c.SecurityHops = 1 },
			error:  "connect timed out (peer unreachable, farther away than ttlSecurityHops, or without TTL security itself)",
		},
		"the VRF is not on this node": {
			change: func(c *bgp.Peer) { c.VRF = "red" },
			error:  "VRF red is not on this node",
		},
		"the peer answers the OPEN with a NOTIFICATION": {
			peer:  behaviour{answerOpen: notification(2, 2)},
			error: "peer sent OPEN Message Error/Bad Peer AS: does it expect ASN 64500, router ID 192.0.2.1, from this address?",
		},
		"the peer refuses this side's OPEN after its own": {
			peer:  behaviour{answerKeepalive: notification(2, 2)},
			error: "peer sent OPEN Message Error/Bad Peer AS: does it expect ASN 64500, router ID 192.0.2.1, from this address?",
		},
		"the peer rejects the connection": {
			peer:  behaviour{answerOpen: packet.NewBGPNotificationMessage(6, 2, append([]byte{11}, "maintenance"...))},
			error: "peer sent Cease/Administrative Shutdown: ",
		},
		"the peer answers the OPEN with an UPDATE": {
			peer:  behaviour{answerOpen: update},
			error: "sent Finite State Machine Error/Unexpected Message in OpenSent: the peer sent UPDATE where OPEN is due",
		},
		"the peer proposes a hold time that is too short": {
			peer:  behaviour{holdTime: 1},
			error: "sent OPEN Message Error/Unacceptable Hold Time",
		},
		"the source address is not this node's": {
			change: func(c *bgp.Peer) { c.Source = netip.MustParseAddr("192.0.2.77") },
			error:  "source address 192.0.2.77 is not on this node",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			at := closedPort(t)
			var k *sink
			if !tt.closed {
				k = newSink(t, tt.peer)
				at = k.addrPort()
			}
			c := to("tor", at)
			if tt.change != nil {
				tt.change(&c)
			}
			s, j := newSessions(t, Options{})
			configure(t, s, nothing, c)
			eventually(t, 20*time.Second, func() (bool, string) {
				lines := j.with(want)
				return len(lines) >= 1, "no line says that an attempt failed"
			})
			line := j.with(want)[0]
			if !strings.Contains(line, tt.error) || !strings.Contains(line, `"peer"="tor"`) || !strings.Contains(line, at.String()) {
				t.Errorf("log line is %s", line)
			}
			if state := stateOf(s, "tor"); !strings.Contains(state.LastError, tt.error) || state.LastErrorTime.IsZero() {
				t.Errorf("state is %+v", state)
			}
			if k != nil && tt.change == nil {
				if lines, attempts := len(j.with(want)), k.heard().connections; lines > attempts {
					t.Errorf("%d lines for %d attempts: %s", lines, attempts, j.with(want))
				}
			}
		})
	}
}

// The address of the peer does not tell which session a connection belongs to.
func TestAnErrorIsThatOfTheSessionAmongSeveralToOneEndpoint(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newVillain(t, func(c *net.TCPConn) {
		from := c.RemoteAddr().(*net.TCPAddr).IP.To4()
		_ = write(c, (&sink{t: t, behave: behaviour{asn: 64900 + uint32(from[3]), holdTime: 90}}).open())
		_, _ = io.Copy(io.Discard, c)
	})
	s, _ := newSessions(t, Options{})
	one, other := to("one", k.at), to("other", k.at)
	one.Source, other.Source = netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("127.0.0.4")
	configure(t, s, nothing, one, other)
	for peer, asn := range map[string]int{"one": 64903, "other": 64904} {
		want := fmt.Sprintf("peer ASN %d, expected 64512 (sent OPEN Message Error/Bad Peer AS)", asn)
		eventually(t, 10*time.Second, func() (bool, string) {
			got := stateOf(s, peer).LastError
			return got != "", fmt.Sprintf("session %s says nothing", peer)
		})
		if got := stateOf(s, peer).LastError; got != want {
			t.Errorf("session %s says %q, want %q", peer, got, want)
		}
	}
}

func TestAPeerThatRefusesIsTriedAgainWithoutEnd(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{asn: 64513})
	s, j := newSessions(t, Options{})
	configure(t, s, nothing, to("tor", k.addrPort()))
	eventually(t, 30*time.Second, func() (bool, string) {
		n := k.heard().connections
		return n >= 4, fmt.Sprintf("%d attempts", n)
	})
	if lines := j.with("session attempt failed"); len(lines) != 1 {
		t.Errorf("%d attempts that fail alike are told in %d lines: %s", k.heard().connections, len(lines), lines)
	}
}

func TestASessionThatIsLostComesBackWithEveryChange(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	at := k.addrPort()
	var wasUp bool
	down := make(chan session.State, 2) // That of the end of the test is one.
	s, j := newSessions(t, Options{OnChange: func(state session.State) {
		if wasUp && !state.Up() {
			down <- state
		}
		wasUp = state.Up()
	}})
	configure(t, s, always(hosts(10)...), to("tor", at))
	awaitUp(t, s, "tor")
	awaitRoutes(t, k, 10)

	k.close()
	select {
	case state := <-down:
		if !strings.HasPrefix(state.LastError, "connection lost") || state.Pending != 10 || state.Advertised() != 0 {
			t.Errorf("state is %+v", state)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the session is still up")
	}
	apply(t, s, withdrawing("tor", "10.0.0.0/32"), announcing("tor", "192.0.2.99/32", "192.0.2.98/32"))
	back := time.Now()
	k = newSinkAt(t, behaviour{}, at.String())
	awaitRoutes(t, k, 11)
	t.Logf("session and routes are back %s after the peer", time.Since(back).Round(time.Millisecond))
	if _, stale := k.heard().routes[netip.MustParsePrefix("10.0.0.0/32")]; stale {
		t.Error("a prefix that was withdrawn while the session was down is announced")
	}
	if lines := j.with("session down", "connection lost"); len(lines) != 1 {
		t.Errorf("lines on the loss: %s", lines)
	}
}

func TestALostSessionIsReopenedAtOnceUnlessThePeerOscillates(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	configure(t, s, nothing, to("tor", k.addrPort()))
	awaitUp(t, s, "tor")
	lose := func() time.Duration {
		connections := k.heard().connections
		lost := time.Now()
		k.drop()
		eventually(t, 20*time.Second, func() (bool, string) { return k.heard().connections > connections, "no other connection" })
		after := time.Since(lost)
		awaitUp(t, s, "tor")
		return after
	}
	for range maxReopened {
		if after := lose(); after > 4*time.Second {
			t.Errorf("a session that was lost is reopened after %s", after)
		}
	}
	if after := lose(); after < 5*time.Second {
		t.Errorf("a session that was lost again and again is reopened after %s", after)
	}
}

func TestTimersThatChangeWhileASessionIsUpHoldForTheNextOneThatWaited(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	c := to("tor", k.addrPort())
	configure(t, s, nothing, c)
	awaitUp(t, s, "tor")
	for range maxReopened {
		awaitOtherConnection(t, k)
		awaitUp(t, s, "tor")
	}
	c.HoldTime, c.KeepaliveTime = 30*time.Second, 7*time.Second
	configure(t, s, nothing, c)
	connections := k.heard().connections
	k.drop() // This loss has the session wait.
	eventually(t, 20*time.Second, func() (bool, string) { return k.heard().connections > connections, "no other connection" })
	awaitUp(t, s, "tor")
	if state := stateOf(s, "tor"); state.HoldTime != c.HoldTime || state.KeepaliveTime != c.KeepaliveTime {
		t.Errorf("the timers are %s and %s", state.HoldTime, state.KeepaliveTime)
	}
}

func TestTheReasonOfALossIsLogged(t *testing.T) {
	t.Parallel()
	shutdown := append([]byte{11}, "maintenance"...)
	tests := map[string]struct {
		peer   behaviour
		do     func(*sink)
		change func(*bgp.Peer)
		reason string
	}{
		"the peer shuts down": {
			do:     func(k *sink) { k.say(packet.NewBGPNotificationMessage(6, 2, shutdown)) },
			reason: `peer sent Cease/Administrative Shutdown: \"maintenance\"`,
		},
		"the peer resets": {
			do:     func(k *sink) { k.say(notification(6, 4)) },
			reason: "peer sent Cease/Administrative Reset",
		},
		"the peer has too many prefixes": {
			do:     func(k *sink) { k.say(notification(6, 1)) },
			reason: "peer sent Cease/Maximum Number of Prefixes Reached",
		},
		"the connection breaks": {
			do:     (*sink).drop,
			reason: "connection lost",
		},
		"the peer falls silent": {
			peer:   behaviour{silent: true, holdTime: 3},
			do:     func(*sink) {},
			reason: "hold timer expired: nothing heard from the peer for 3s",
		},
		"the peer sends a message of unknown type": {
			do:     func(k *sink) { k.sayRaw(strings.Repeat("\xff", 16) + "\x00\x13\x2a") },
			reason: "sent Message Header Error/Bad Message Type",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			k := newSink(t, tt.peer)
			s, j := newSessions(t, Options{})
			configure(t, s, nothing, to("tor", k.addrPort()))
			awaitUp(t, s, "tor")
			tt.do(k)
			eventually(t, 10*time.Second, func() (bool, string) {
				return len(j.with("session down", tt.reason)) == 1, fmt.Sprintf("lines: %s", j.with("session down"))
			})
			awaitUp(t, s, "tor")
		})
	}
}

// A router that has ended a session on purpose, for instance since it got too many prefixes, closes what is dialled then without a word.
func TestTheReasonWhyThePeerEndedASessionStaysWhileItClosesConnections(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	const want = "peer sent Cease/Maximum Number of Prefixes Reached; then connection closed by the peer before its OPEN"
	var sessions atomic.Int32
	k := newVillain(t, func(c *net.TCPConn) {
		if sessions.Add(1) > 1 {
			return
		}
		_ = write(c, (&sink{t: t, behave: behaviour{asn: sinkASN, holdTime: 90}}).open())
		_ = write(c, packet.NewBGPKeepAliveMessage())
		for {
			m, err := read(c)
			if err != nil {
				return
			}
			if m.Header.Type == packet.BGP_MSG_UPDATE {
				_ = write(c, notification(6, 1))
				_, _ = io.Copy(io.Discard, c)
			}
		}
	}, time.Minute)
	s, _ := newSessions(t, Options{})
	configure(t, s, always(hosts(3)...), to("tor", k.at))
	eventually(t, 20*time.Second, func() (bool, string) {
		state := stateOf(s, "tor")
		return sessions.Load() > 3 && state.LastError == want, fmt.Sprintf("after %d connections the state is %+v", sessions.Load(), state)
	})
}
