// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	packet "github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
)

func TestNothingIsLeftOfAHundredSessions(t *testing.T) {
	at := closedPort(t)
	s, j := newSessions(t, Options{})
	j.quiet = true
	cycle := func() {
		configure(t, s, always(hosts(100)...), to("a", at))
		configure(t, s, nothing)
	}
	cycle()
	goroutines := runtime.NumGoroutine()
	for range 100 {
		cycle()
	}
	eventually(t, 5*time.Second, func() (bool, string) {
		now := runtime.NumGoroutine()
		return now <= goroutines, fmt.Sprintf("%d goroutines, there were %d", now, goroutines)
	})
}

func TestClosedSessionsStayClosed(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	configure(t, s, nothing, to("tor", k.addrPort()))
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("closing again: %v", err)
	}
	s.Configure([]bgp.Peer{to("other", k.addrPort())})
	if state := stateOf(s, "other"); state != (session.State{}) {
		t.Errorf("after it was closed, there is %+v", state)
	}
}

// hang has the session's goroutine do nothing until the function that it returns is called.
func hang(t *testing.T, s *Sessions, peer string) (release func()) {
	t.Helper()
	hold := make(chan struct{})
	s.peerings()[peer].inbox.put(func() { <-hold })
	return sync.OnceFunc(func() { close(hold) })
}

func TestASessionThatHangsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	hung, good := newSink(t, behaviour{}), newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	peers := []bgp.Peer{to("hung", hung.addrPort()), to("good", good.addrPort())}
	configure(t, s, always(hosts(3)...), peers...)
	awaitUp(t, s, "hung", "good")
	awaitRoutes(t, hung, 3)
	release := hang(t, s, "hung")
	defer release()
	before := hung.heard().updates

	for range 100 {
		apply(t, s, announcing("hung", "192.0.2.99/32"), announcing("good", "192.0.2.99/32"))
		apply(t, s, withdrawing("hung", "192.0.2.99/32"), withdrawing("good", "192.0.2.99/32"))
	}
	apply(t, s, withdrawing("hung", "10.0.0.0/32"), announcing("good", "192.0.2.98/32"))
	awaitRoutes(t, good, 4)

	peers[0].Source, peers[1].Source = hung.addrPort().Addr(), good.addrPort().Addr()
	s.Configure(peers)
	eventually(t, 10*time.Second, func() (bool, string) { return good.heard().connections == 2, "the other session is not restarted" })
	peers[0].Source = netip.Addr{}
	s.Configure(peers)
	awaitUp(t, s, "good")
	awaitRoutes(t, good, 4)

	release()
	awaitRoutes(t, hung, 2)
	if h := hung.heard(); h.connections != 1 || h.updates-before > 2 {
		t.Errorf("the session that was behind took %d UPDATE messages and %d connections to catch up", h.updates-before, h.connections)
	}
}

func TestClosingDoesNotWaitForASessionThatHangsForLongerThanAsked(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	hung, good := newSink(t, behaviour{}), newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	configure(t, s, nothing, to("hung", hung.addrPort()), to("good", good.addrPort()))
	awaitUp(t, s, "hung", "good")
	defer hang(t, s, "hung")()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(over); !errors.Is(err, context.Canceled) {
		t.Errorf("closing: %v", err)
	}
	eventually(t, 10*time.Second, func() (bool, string) {
		n := good.heard().notified
		return len(n) == 1 && n[0].ErrorSubcode == administrativeShutdown, fmt.Sprintf("the other peer was told %v", n)
	})
}

func TestASessionThatCannotBeMadeIsTriedAgainOrReplaced(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	var attempts atomic.Int32
	s, j := newSessions(t, Options{start: func(p bgp.Peer, log *slog.Logger, onActive func()) (*server, error) {
		if attempts.Add(1) <= 3 {
			return nil, errors.New("out of everything")
		}
		return startServer(p, log, onActive)
	}})
	c := to("tor", k.addrPort())
	apply(t, s, announcing("tor", "192.0.2.99/32"))
	s.Configure([]bgp.Peer{c})
	eventually(t, 10*time.Second, func() (bool, string) {
		state := stateOf(s, "tor")
		return state.LastError == "out of everything" && !state.LastErrorTime.IsZero(), fmt.Sprintf("%+v", state)
	})
	awaitUp(t, s, "tor")
	awaitRoutes(t, k, 1)
	if lines := j.with("out of everything"); len(lines) != 1 {
		t.Errorf("what fails again and again is told in %d lines", len(lines))
	}

	t.Log("a configuration that cannot be had is replaced by one that can")
	attempts.Store(-1000)
	c.RouterID = netip.Addr{}
	s.Configure([]bgp.Peer{c})
	eventually(t, 10*time.Second, func() (bool, string) {
		state := stateOf(s, "tor")
		return !state.Up() && state.LastError != "", fmt.Sprintf("%+v", state)
	})
	c.RouterID = netip.MustParseAddr("192.0.2.7")
	attempts.Store(3)
	configure(t, s, nothing, c)
	awaitUp(t, s, "tor")
	awaitRoutes(t, k, 1)
}

// What GoBGP refuses is put into its RIB again, with all that there is.
func TestChangesThatCannotBeMadeAreTriedAgain(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	s, j := newSessions(t, Options{})
	configure(t, s, always(hosts(3)...), to("tor", k.addrPort()))
	awaitUp(t, s, "tor")
	apply(t, s, rib.Change{Peer: "tor", Announce: []rib.Path{{}}}) // A prefix that is none is of IPv6, and is passed over.
	p := s.peerings()["tor"]
	broken := make(chan *server)
	p.inbox.put(func() {
		working := p.server
		stopped, err := startServer(p.config, slog.New(logHandler{p.log}), func() {})
		if err != nil {
			t.Error(err)
		}
		stopped.stop()
		p.server = stopped
		broken <- working
	})
	working := <-broken
	apply(t, s, withdrawing("tor", "10.0.0.0/32"), announcing("tor", "192.0.2.99/32", "192.0.2.98/32"))
	eventually(t, 10*time.Second, func() (bool, string) {
		return len(j.with("session cannot be made what it is to be yet")) == 1, "no line says that changes cannot be made"
	})
	if due := s.options.Table.Due("tor"); due == 0 {
		t.Error("the session claims to have what it does not")
	}
	p.inbox.put(func() { p.server = working })
	awaitExactly(t, k, map[netip.Prefix]bool{
		netip.MustParsePrefix("10.0.0.1/32"): true, netip.MustParsePrefix("10.0.0.2/32"): true,
		netip.MustParsePrefix("192.0.2.99/32"): true, netip.MustParsePrefix("192.0.2.98/32"): true,
	})
}

func TestAPeerOnAnInterfaceThatIsNotThereIsTriedUntilItIs(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	s, j := newSessions(t, Options{})
	configure(t, s, nothing, to("tor", netip.MustParseAddrPort("[fe80::1%nowhere]:179")))
	eventually(t, 5*time.Second, func() (bool, string) {
		return len(j.with("session attempt failed", "interface nowhere is not on this node")) == 1, fmt.Sprintf("lines: %s", j.with("attempt"))
	})
	if state := stateOf(s, "tor"); state.FSM != session.Active {
		t.Errorf("state is %+v", state)
	}
}

func TestEveryTransitionIsReported(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	var mu sync.Mutex
	var seen []session.FSM
	s, _ := newSessions(t, Options{OnChange: func(state session.State) {
		mu.Lock()
		defer mu.Unlock()
		if n := len(seen); n == 0 || seen[n-1] != state.FSM {
			seen = append(seen, state.FSM)
		}
	}})
	configure(t, s, nothing, to("tor", k.addrPort()))
	awaitUp(t, s, "tor")
	k.drop()
	eventually(t, 10*time.Second, func() (bool, string) { return k.heard().connections == 2, "no second connection" })
	want := fmt.Sprint([]session.FSM{
		session.Active, session.OpenSent, session.OpenConfirm, session.Established,
		session.Idle, session.Active, session.OpenSent, session.OpenConfirm, session.Established,
	})
	eventually(t, 20*time.Second, func() (bool, string) {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Sprint(seen) == want, fmt.Sprintf("states were %s, want %s", seen, want)
	})
}

func TestSessionsToOneEndpointAreOneSeries(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	registry := prometheus.NewPedanticRegistry()
	s, _ := newSessions(t, Options{Registerer: registry})
	a, b := to("a", k.addrPort()), to("b", k.addrPort())
	b.Source = netip.MustParseAddr("127.0.0.2")
	configure(t, s, always(hosts(2)...), a, b)
	if n, err := testutil.GatherAndCount(registry, "metallb_bgp_session_up"); err != nil || n != 1 {
		t.Errorf("%d series (%v)", n, err)
	}
}

// What GoBGP is told between its dump and its noticing that the session is established would be lost. The moment is too
// short to be hit at will, so here a session is made to believe that it is that moment.
func TestAChangeWaitsWhileItWouldBeLost(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	configure(t, s, always(hosts(3)...), to("tor", k.addrPort()))
	awaitUp(t, s, "tor")
	awaitRoutes(t, k, 3)

	p := s.peerings()["tor"]
	settling := make(chan bool)
	p.inbox.put(func() { p.settling = true; close(settling) })
	<-settling // What is put and what is changed are taken in any order.
	apply(t, s, announcing("tor", "192.0.2.99/32"), withdrawing("tor", "10.0.0.0/32"))
	p.await()
	settled := make(chan bool)
	p.inbox.put(func() {
		settled <- len(p.prefixes) == 3
		p.settling = false
	})
	if !<-settled || s.options.Table.Due("tor") == 0 {
		t.Error("a change did not wait")
	}
	eventually(t, 5*time.Second, func() (bool, string) {
		routes := k.heard().routes
		_, announced := routes[netip.MustParsePrefix("192.0.2.99/32")]
		_, withdrawn := routes[netip.MustParsePrefix("10.0.0.0/32")]
		return announced && !withdrawn, fmt.Sprintf("routes %v", routes)
	})
}

// awaitOtherConnection breaks the connection and waits for another.
func awaitOtherConnection(t *testing.T, k *sink) {
	t.Helper()
	connections := k.heard().connections
	k.drop()
	eventually(t, 5*time.Second, func() (bool, string) { return k.heard().connections > connections, "no other connection" })
}

// awaitExactly waits until the peer has those of the routes that it is to have, and no others.
func awaitExactly(t *testing.T, k *sink, want map[netip.Prefix]bool) {
	t.Helper()
	n := 0
	for _, is := range want {
		if is {
			n++
		}
	}
	eventually(t, 10*time.Second, func() (bool, string) {
		routes := k.heard().routes
		for prefix, is := range want {
			if _, has := routes[prefix]; has != is {
				return false, fmt.Sprintf("%s is announced: %t, should be: %t", prefix, has, is)
			}
		}
		return len(routes) == n, fmt.Sprintf("%d routes, want %d", len(routes), n)
	})
}

// A peer that comes up while its table changes must end up with the table as it is.
func TestNoChangeIsLostWhileASessionIsEstablished(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	s, j := newSessions(t, Options{})
	j.quiet = true
	configure(t, s, always(hosts(500)...), to("tor", k.addrPort()))

	for round := range 4 {
		stop := make(chan struct{})
		var writer sync.WaitGroup
		want := map[netip.Prefix]bool{}
		for _, p := range hosts(500) {
			want[p.Prefix] = true
		}
		writer.Go(func() {
			for i := 0; ; i = (i + 1) % 200 {
				select {
				case <-stop:
					return
				default:
				}
				prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 32)
				change := rib.Change{Peer: "tor", Announce: []rib.Path{{Prefix: prefix}}}
				if want[prefix] {
					change = rib.Change{Peer: "tor", Withdraw: []netip.Prefix{prefix}}
				}
				want[prefix] = !want[prefix]
				apply(t, s, change)
			}
		})
		if round > 0 {
			awaitOtherConnection(t, k)
		}
		awaitUp(t, s, "tor")
		close(stop)
		writer.Wait()
		awaitExactly(t, k, want)
		for prefix, is := range want {
			if is && prefix.Addr().As4()[0] == 192 {
				apply(t, s, rib.Change{Peer: "tor", Withdraw: []netip.Prefix{prefix}})
			}
		}
	}
}

func TestAPeerThatDoesNotTakeTheFamilyIsToldNothing(t *testing.T) {
	t.Parallel()
	const missing = "peer does not take IPv4 routes on this session: enable the address family for it on the peer"
	for name, tt := range map[string]struct {
		families            []packet.Family
		ipv4, ipv6          bool
		advertised, pending int
		error               string
	}{
		"a peer that has both families":  {nil, true, false, 3, 0, ""},
		"a peer that speaks of none":     {[]packet.Family{}, true, false, 3, 0, ""},
		"a peer that has the other only": {[]packet.Family{packet.RF_IPv6_UC}, false, false, 0, 3, missing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			k := newSink(t, behaviour{families: tt.families})
			s, _ := newSessions(t, Options{})
			configure(t, s, always(hosts(3)...), to("tor", k.addrPort()))
			awaitUp(t, s, "tor")
			if got := stateOf(s, "tor"); got.Carried.IPv4 != tt.ipv4 || got.Carried.IPv6 != tt.ipv6 || got.Advertised() != tt.advertised ||
				got.Pending != tt.pending || got.LastError != tt.error {
				t.Errorf("state is %+v", got)
			}
			awaitRoutes(t, k, tt.advertised)
		})
	}
}
