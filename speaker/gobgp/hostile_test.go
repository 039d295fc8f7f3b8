// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	packet "github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/transport"
)

// hostileTime is the environment variable for how long hostile peers are borne at least, as "10m": see CONTRIBUTING.md.
const hostileTime = "HOSTILE_TIME"

// villain is a peer that does the same to each connection.
type villain struct {
	at          netip.AddrPort
	connections atomic.Int32
}

// newVillain has each connection end after some time, whether the speaker reads or not.
func newVillain(t *testing.T, do func(*net.TCPConn), lasting ...time.Duration) *villain {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	v := &villain{at: l.Addr().(*net.TCPAddr).AddrPort()}
	go func() {
		for i := 0; ; i++ {
			conn, err := l.AcceptTCP()
			if err != nil {
				return
			}
			v.connections.Add(1)
			limit := 300 * time.Millisecond
			if len(lasting) > 0 {
				limit = lasting[i%len(lasting)]
			}
			_ = conn.SetDeadline(time.Now().Add(limit))
			do(conn)
			_ = conn.Close()
		}
	}()
	return v
}

// wire is a message as it is sent, with any body.
func wire(kind byte, body string) string {
	length := 19 + len(body)
	return strings.Repeat("\xff", 16) + string([]byte{byte(length >> 8), byte(length), kind}) + body
}

// greeting brings a session up.
func greeting(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, m := range []*packet.BGPMessage{(&sink{t: t, behave: behaviour{asn: sinkASN, holdTime: 90}}).open(), packet.NewBGPKeepAliveMessage()} {
		octets, err := m.Serialize()
		if err != nil {
			t.Fatal(err)
		}
		b.Write(octets)
	}
	return b.String()
}

// misdeeds are what a peer may do, by name.
func misdeeds(t *testing.T) map[string]func(*net.TCPConn) {
	t.Helper()
	hello := greeting(t)
	say := func(parts ...string) func(*net.TCPConn) {
		return func(c *net.TCPConn) {
			_, _ = io.WriteString(c, strings.Join(parts, ""))
			_, _ = io.Copy(io.Discard, c)
		}
	}
	flood := func(message func() string) func(*net.TCPConn) {
		return func(c *net.TCPConn) {
			for _, err := io.WriteString(c, hello); err == nil; {
				_, err = io.WriteString(c, message())
			}
		}
	}
	always := func(message string) func() string { return func() string { return message } }
	garbage := func() string {
		b := make([]byte, 1+rand.IntN(4000))
		for i := range b {
			b[i] = byte(rand.IntN(256))
		}
		return string(b)
	}
	reset := func(first string) func(*net.TCPConn) {
		return func(c *net.TCPConn) {
			_, _ = io.WriteString(c, first)
			_, _ = io.CopyN(io.Discard, c, 30)
			_ = c.SetLinger(0)
		}
	}
	// Each connection goes one octet further than the one before.
	octets := hello + wire(2, "\x00\x00\x00\x04\x40\x01\x01\x00\x18\x0a\x00\x01")
	next := 0
	resetFurther := func(c *net.TCPConn) {
		_, _ = io.WriteString(c, octets[:next])
		next = (next + 1) % len(octets)
		_ = c.SetLinger(0)
	}
	table := fullTable(t, 200000)
	return map[string]func(*net.TCPConn){
		"says nothing":                          say(),
		"says nothing more":                     say(hello),
		"closes at once":                        func(*net.TCPConn) {},
		"resets at once":                        reset(""),
		"resets the session":                    reset(hello),
		"resets at any octet":                   resetFurther,
		"sends garbage":                         func(c *net.TCPConn) { say(garbage())(c) },
		"sends garbage on a session":            func(c *net.TCPConn) { say(hello, garbage())(c) },
		"sends half an OPEN":                    say(hello[:25]),
		"sends half an UPDATE":                  say(hello, wire(2, "\x00\x00\x00\x00")[:21]),
		"sends two OPENs":                       say(hello, hello),
		"sends a KEEPALIVE first":               say(wire(4, "")),
		"sends an UPDATE before its KEEPALIVE":  say(hello[:len(hello)-19], wire(2, "\x00\x00\x00\x00")),
		"sends a message of unknown type":       say(hello, wire(9, "?")),
		"sends a message that is too long":      say(hello, strings.Repeat("\xff", 18)+"\x02", garbage()),
		"sends a message shorter than a header": say(hello, strings.Repeat("\xff", 16)+"\x00\x01\x02"),
		"sends an UPDATE that contradicts":      say(hello, wire(2, "\xff\xff\x00\x00")),
		"sends a NOTIFICATION without an end":   say(hello, wire(3, "\x06\x02\xff...")),
		"sends a table":                         say(hello, table),
		"floods with routes":                    flood(always(wire(2, "\x00\x00\x00\x04\x40\x01\x01\x00"+strings.Repeat("\x18\x0a\x00\x01", 900)))),
		"floods with UPDATEs of any body":       flood(func() string { return wire(2, "\x00\x00"+garbage()) }),
		"floods with KEEPALIVEs":                flood(always(strings.Repeat(wire(4, ""), 100))),
		"floods with requests for everything":   flood(always(strings.Repeat(wire(5, "\x00\x01\x00\x01"), 100))),
	}
}

// patience is how long hostile peers are borne at least, and how long their connections last, in turn.
func patience(t *testing.T) (lasts time.Duration, lasting []time.Duration) {
	t.Helper()
	text := os.Getenv(hostileTime)
	if text == "" {
		return 0, nil
	}
	lasts, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", hostileTime, err)
	}
	// Longer than a router that sends no OPEN is waited for, too.
	return lasts, []time.Duration{300 * time.Millisecond, transport.OpenTime + 2*time.Second, time.Second, 3 * time.Second}
}

func TestAHostilePeerHarmsNobody(t *testing.T) {
	if raceDetector {
		elsewhere(t)
		return
	}
	s, j := newSessions(t, Options{})
	j.quiet = true
	deeds := misdeeds(t)
	good := newSink(t, behaviour{})
	routes := always(hosts(1000)...)
	configure(t, s, routes, to("good", good.addrPort()))
	awaitUp(t, s, "good")
	awaitRoutes(t, good, 1000)
	before, goroutines, memory := stateOf(s, "good"), runtime.NumGoroutine(), inUse()

	lasts, lasting := patience(t)
	began := time.Now()
	villains := map[string]*villain{}
	configs := []bgp.Peer{to("good", good.addrPort())}
	for name, do := range deeds {
		villains[name] = newVillain(t, do, lasting...)
		configs = append(configs, to(name, villains[name].at))
	}
	goroutines += len(villains) // They listen on.
	configure(t, s, routes, configs...)
	eventually(t, time.Minute+lasts, func() (bool, string) {
		if left := lasts - time.Since(began); left > 0 {
			return false, fmt.Sprintf("%s are left", left)
		}
		for name, v := range villains {
			if n := v.connections.Load(); n < 4 {
				return false, fmt.Sprintf("the peer that %s had %d connections", name, n)
			}
		}
		return true, ""
	})
	for _, state := range s.States() {
		if state.Peer != "good" && state.LastError == "" {
			t.Errorf("of the peer that %s nothing is told: %+v", state.Peer, state)
		}
	}
	apply(t, s, announcing("good", "192.0.2.99/32"))
	awaitRoutes(t, good, 1001)
	forget(t, s, villains) // The table is not to be measured.
	configure(t, s, routes, to("good", good.addrPort()))
	after := stateOf(s, "good")
	if !after.Since.Equal(before.Since) || !after.Up() || good.heard().connections != 1 {
		t.Errorf("the session with another peer was %+v and is %+v", before, after)
	}
	t.Logf("%d peers made %d connections in %s", len(villains), connectionsOf(villains), time.Since(began).Round(time.Second))
	defer func() {
		if t.Failed() {
			_ = pprof.Lookup("goroutine").WriteTo(t.Output(), 1)
		}
	}()
	var left string
	eventually(t, 5*time.Second, func() (bool, string) {
		now, size := runtime.NumGoroutine(), inUse()
		left = fmt.Sprintf("%d goroutines, there were %d; %d octets, there were %d", now, goroutines, size, memory)
		return now <= goroutines && size < memory+2<<20, left
	})
	t.Log(left)
}

// forget has nothing announced to the peers any more.
func forget(t *testing.T, s *Sessions, peers map[string]*villain) {
	t.Helper()
	for name := range peers {
		change := rib.Change{Peer: name}
		for _, p := range hosts(1000) {
			change.Withdraw = append(change.Withdraw, p.Prefix)
		}
		apply(t, s, change)
	}
}

func connectionsOf(villains map[string]*villain) (n int32) {
	for _, v := range villains {
		n += v.connections.Load()
	}
	return n
}

// inUse is the heap that is in use after a collection.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestAMillionRoutesFromAPeerAreCountedAndCostNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector takes memory of its own")
	}
	const n = 1000000
	k, other := newSink(t, behaviour{}), newSink(t, behaviour{})
	s, _ := newSessions(t, Options{})
	configure(t, s, always(hosts(10)...), to("tor", k.addrPort()), to("other", other.addrPort()))
	awaitUp(t, s, "tor", "other")
	awaitRoutes(t, k, 10)
	awaitRoutes(t, other, 10)
	up := slices.Clone(s.States())
	table := fullTable(t, n)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	k.sayRaw(table)
	eventually(t, 20*time.Second, func() (bool, string) {
		got := stateOf(s, "tor").Received
		return got == n, fmt.Sprintf("%d prefixes are counted", got)
	})
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 10<<20 {
		t.Errorf("%d octets were allocated, if only for a moment", taken)
	}
	t.Logf("%d routes in %s, %d octets allocated", n, took.Round(time.Millisecond), after.TotalAlloc-before.TotalAlloc)

	// What the router is told after all this is told on the same sessions.
	apply(t, s, announcing("tor", "192.0.2.99/32"), announcing("other", "192.0.2.99/32"))
	awaitRoutes(t, k, 11)
	awaitRoutes(t, other, 11)
	for i, state := range s.States() {
		if !state.Up() || !state.Since.Equal(up[i].Since) {
			t.Errorf("a session was %+v and is %+v", up[i], state)
		}
	}
}

// A peer that sends routes without end, and no KEEPALIVE, is alive: each UPDATE restarts the hold timer (RFC 4271 section
// 8.2.2, event 27).
func TestRoutesKeepASessionAlive(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{silent: true, holdTime: 3})
	s, _ := newSessions(t, Options{})
	configure(t, s, nothing, to("tor", k.addrPort()))
	awaitUp(t, s, "tor")
	before := stateOf(s, "tor")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for range 6 {
		<-tick.C
		k.sayRaw(wire(2, "\x00\x00\x00\x00"))
	}
	if after := stateOf(s, "tor"); !after.Up() || !after.Since.Equal(before.Since) {
		t.Errorf("the session was %+v and is %+v", before, after)
	}
}
