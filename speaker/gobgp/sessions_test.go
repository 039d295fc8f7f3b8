// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"go.uber.org/goleak"
	"k8s.io/utils/clock"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
	bgptest "metallb.io/metallb/test/bgp"
)

func TestMain(m *testing.M) {
	bgptest.Isolate()
	// Tests wait for timers and routers, not for processors.
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// journal is a log that tests can read.
type journal struct {
	t     testing.TB
	mu    sync.Mutex
	lines []string
	quiet bool
}

func (j *journal) write(prefix, line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
	if !j.quiet {
		j.t.Log(time.Now().Format("05.000"), prefix, line)
	}
}

// with returns the lines that contain all parts.
func (j *journal) with(parts ...string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []string
	for _, line := range j.lines {
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
			found = append(found, line)
		}
	}
	return found
}

func newJournal(tb testing.TB) *journal {
	tb.Helper()
	return &journal{t: tb}
}

// newSessions are closed, and checked to have closed, when the test ends.
func newSessions(tb testing.TB, options Options) (*Sessions, *journal) {
	tb.Helper()
	j := newJournal(tb)
	options.Logger = funcr.New(j.write, funcr.Options{})
	if options.Clock == nil {
		options.Clock = steady{clock.RealClock{}}
	}
	s, err := New(options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			tb.Errorf("closing: %v", err)
		}
	})
	return s, j
}

// steady has sessions last long at once.
type steady struct {
	clock.PassiveClock
}

// Since implements clock.PassiveClock.
func (steady) Since(time.Time) time.Duration { return time.Hour }

// to is the configuration of an eBGP session to an address and port.
func to(peer string, at netip.AddrPort) bgp.Peer {
	return bgp.Peer{
		Name: peer, LocalASN: speakerASN, PeerASN: sinkASN, Address: at.Addr(), Port: at.Port(), Families: bgp.FamilyOf(at.Addr()),
		RouterID: netip.MustParseAddr("192.0.2.1"),
		HoldTime: 90 * time.Second, KeepaliveTime: 30 * time.Second, ConnectTime: 2 * time.Second,
	}
}

func nothing(string) []rib.Path { return nil }

func always(paths ...rib.Path) func(string) []rib.Path {
	return func(string) []rib.Path { return paths }
}

func path(prefix string) rib.Path {
	return rib.Path{Prefix: netip.MustParsePrefix(prefix)}
}

// paths are n /32 prefixes from 10.0.0.0 on.
func hosts(n int) []rib.Path {
	paths := make([]rib.Path, 0, n)
	for i := range n {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		paths = append(paths, rib.Path{Prefix: netip.PrefixFrom(a, 32)})
	}
	return paths
}

// configure has the sessions, which begin with the paths if there are any, and waits until they are as they are to be.
func configure(tb testing.TB, s *Sessions, paths func(string) []rib.Path, peers ...bgp.Peer) {
	tb.Helper()
	for _, p := range peers {
		apply(tb, s, rib.Change{Peer: p.Name, Announce: paths(p.Name)})
	}
	before := s.peerings()
	s.Configure(peers)
	after := s.peerings()
	for name, p := range before {
		if _, stays := after[name]; !stays {
			<-p.done
		}
	}
	for _, p := range after {
		p.await()
	}
}

func (s *Sessions) peerings() map[string]*peering {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.sessions)
}

// await waits until the session has done what was asked of it before. Once it has come to the second task, it has done what there was
// to do besides tasks when it came to the first.
func (p *peering) await() {
	for range 2 {
		reached := make(chan struct{})
		p.inbox.put(func() { close(reached) })
		<-reached
	}
}

// apply changes the table.
func apply(tb testing.TB, s *Sessions, changes ...rib.Change) {
	tb.Helper()
	for _, c := range changes {
		owners := make(map[string]map[string][]rib.Path, len(c.Announce)+len(c.Withdraw))
		for _, p := range c.Announce {
			owners[c.Peer+" "+p.Prefix.String()] = map[string][]rib.Path{c.Peer: {p}}
		}
		for _, prefix := range c.Withdraw {
			owners[c.Peer+" "+prefix.String()] = nil
		}
		s.options.Table.SetAll(owners)
	}
}

func stateOf(s *Sessions, peer string) session.State {
	for _, state := range s.States() {
		if state.Peer == peer {
			return state
		}
	}
	return session.State{}
}

func awaitUp(tb testing.TB, s *Sessions, peers ...string) {
	tb.Helper()
	for _, peer := range peers {
		eventually(tb, time.Minute, func() (bool, string) {
			state := stateOf(s, peer)
			return state.Up(), fmt.Sprintf("session %+v", state)
		})
	}
}

func awaitRoutes(tb testing.TB, k *sink, n int) {
	tb.Helper()
	eventually(tb, 20*time.Second, func() (bool, string) {
		have := len(k.heard().routes)
		return have == n, fmt.Sprintf("the peer has %d routes, not %d", have, n)
	})
}

func TestASessionStartsWithOneDumpThenEndOfRIB(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	configure(t, s, always(hosts(2000)...), to("tor", k.addrPort()))
	awaitUp(t, s, "tor")
	eventually(t, 10*time.Second, func() (bool, string) {
		return k.heard().endsOfRIB == 1, "no End-of-RIB"
	})
	h := k.heard()
	if h.beforeEndOfRIB != 2000 {
		t.Errorf("%d routes came before End-of-RIB, not 2000", h.beforeEndOfRIB)
	}
	if h.updates > 4 {
		t.Errorf("2000 prefixes took %d UPDATE messages; they are not packed", h.updates)
	}
	if state := stateOf(s, "tor"); state.Advertised() != 2000 || state.Pending != 0 || state.HoldTime != 90*time.Second {
		t.Errorf("state is %+v", state)
	}
}

func TestOnlyChangesAreSent(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	configs := to("tor", k.addrPort())
	configure(t, s, always(hosts(3)...), configs)
	awaitUp(t, s, "tor")
	awaitRoutes(t, k, 3)
	before := k.heard().updates

	configure(t, s, nothing, configs)
	apply(t, s, rib.Change{Peer: "tor", Announce: hosts(3)})
	apply(t, s, rib.Change{Peer: "nobody", Announce: hosts(3)})
	apply(t, s, rib.Change{Peer: "tor", Withdraw: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
	apply(t, s, rib.Change{Peer: "tor", Announce: []rib.Path{path("2001:db8::/64")}})
	apply(t, s, rib.Change{Peer: "tor", Announce: []rib.Path{path("192.0.2.99/32")}})
	awaitRoutes(t, k, 4)
	if sent := k.heard().updates - before; sent != 1 {
		t.Errorf("%d UPDATE messages were sent for one new prefix among announcements of what is known", sent)
	}

	apply(t, s, rib.Change{Peer: "tor", Withdraw: []netip.Prefix{netip.MustParsePrefix("192.0.2.99/32")}})
	awaitRoutes(t, k, 3)
	if sent := k.heard().updates - before; sent != 2 {
		t.Errorf("%d UPDATE messages were sent for one new prefix and its withdrawal", sent)
	}
}

func TestClosingTellsThePeer(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	configure(t, s, nothing, to("tor", k.addrPort()))
	awaitUp(t, s, "tor")
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, func() (bool, string) {
		n := k.heard().notified
		return len(n) == 1 && n[0].ErrorCode == 6 && n[0].ErrorSubcode == 2, fmt.Sprintf("notifications %v", n)
	})
}

func announcing(peer string, prefixes ...string) rib.Change {
	c := rib.Change{Peer: peer}
	for _, p := range prefixes {
		c.Announce = append(c.Announce, path(p))
	}
	return c
}

func withdrawing(peer string, prefixes ...string) rib.Change {
	c := rib.Change{Peer: peer}
	for _, p := range prefixes {
		c.Withdraw = append(c.Withdraw, netip.MustParsePrefix(p))
	}
	return c
}

// An aggregate that replaces its parts, or the other way round, must leave no moment in which there is no route.
func TestWhatIsNewIsAnnouncedBeforeWhatItReplacesIsWithdrawn(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	const parts = 5000
	k := newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	configure(t, s, always(hosts(parts)...), to("tor", k.addrPort()))
	awaitUp(t, s, "tor")
	awaitRoutes(t, k, parts)

	change := rib.Change{Peer: "tor", Announce: []rib.Path{path("10.0.0.0/8")}}
	for _, p := range hosts(parts) {
		change.Withdraw = append(change.Withdraw, p.Prefix)
	}
	apply(t, s, change)
	awaitRoutes(t, k, 1)
	// GoBGP packs into one batch what queues up while it is busy, and has withdrawals first there.
	if withdrawn := k.heard().wasWithdrawn[netip.MustParsePrefix("10.0.0.0/8")]; withdrawn > parts/2 {
		t.Errorf("%d of %d parts were withdrawn when the aggregate was announced", withdrawn, parts)
	}
}
