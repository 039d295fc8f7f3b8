// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	packet "github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"golang.org/x/sys/unix"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
)

// cpu is the processor time that this process, sinks included, has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// heap is what is in use after a collection.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse+m.StackInuse) / (1 << 20)
}

// sinksAndConfigs are n peers that listen.
func sinksAndConfigs(b *testing.B, n int) ([]*sink, []bgp.Peer) {
	b.Helper()
	sinks, configs := make([]*sink, 0, n), make([]bgp.Peer, 0, n)
	for i := range n {
		k := newSink(b, behaviour{})
		sinks = append(sinks, k)
		configs = append(configs, to(fmt.Sprintf("peer%d", i), k.addrPort()))
	}
	return sinks, configs
}

// BenchmarkStart is the time from nothing to two peers that have 10,000 routes each.
func BenchmarkStart(b *testing.B) {
	if raceDetector {
		b.Skip("several servers")
	}
	const n, peers = 10000, 2
	paths := hosts(n)
	var used time.Duration
	for b.Loop() {
		s, j := newSessions(b, Options{})
		j.quiet = true
		sinks, configs := sinksAndConfigs(b, peers)
		for _, c := range configs { // The table is not the sessions'.
			apply(b, s, rib.Change{Peer: c.Name, Announce: paths})
		}
		before := cpu(b)
		configure(b, s, nothing, configs...)
		for _, k := range sinks {
			awaitRoutes(b, k, n)
		}
		used += cpu(b) - before
		if err := s.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(used.Microseconds())/1000/float64(peers)/float64(b.N), "cpu-ms/10k-routes")
}

// BenchmarkReset is the time from the loss of a session to its having its 10,000 routes again.
func BenchmarkReset(b *testing.B) {
	const n = 10000
	var after time.Duration
	for b.Loop() {
		s, j := newSessions(b, Options{})
		j.quiet = true
		sinks, configs := sinksAndConfigs(b, 1)
		configure(b, s, always(hosts(n)...), configs...)
		awaitRoutes(b, sinks[0], n)
		connections := sinks[0].heard().connections
		lost := time.Now()
		sinks[0].say(notification(6, 4))
		eventually(b, 20*time.Second, func() (bool, string) {
			h := sinks[0].heard()
			return h.connections > connections && len(h.routes) == n, "not back"
		})
		after += time.Since(lost)
		if err := s.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(after.Milliseconds())/float64(b.N), "ms-to-be-back")
}

// BenchmarkPeerMemory is the memory of an established session without routes, its sink's included.
func BenchmarkPeerMemory(b *testing.B) {
	if raceDetector {
		b.Skip("several servers")
	}
	const peers = 16
	for b.Loop() {
		s, j := newSessions(b, Options{})
		j.quiet = true
		_, configs := sinksAndConfigs(b, peers)
		before, goroutines := heap(), runtime.NumGoroutine()
		configure(b, s, nothing, configs...)
		for _, c := range configs {
			awaitUp(b, s, c.Name)
		}
		b.ReportMetric((heap()-before)/peers, "MiB/peer")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/peers, "goroutines/peer")
		if err := s.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// fullTable are UPDATE messages that announce n prefixes, hundreds in each.
func fullTable(tb testing.TB, n int) string {
	tb.Helper()
	origin, path := packet.NewPathAttributeOrigin(0), packet.NewPathAttributeAsPath([]packet.AsPathParamInterface{
		packet.NewAs4PathParam(packet.BGP_ASPATH_ATTR_TYPE_SEQ, []uint32{sinkASN}),
	})
	hop, err := packet.NewPathAttributeNextHop(netip.MustParseAddr("192.0.2.254"))
	if err != nil {
		tb.Fatal(err)
	}
	var all []byte
	for first := 0; first < n; first += 700 {
		var routes []packet.PathNLRI
		for i := first; i < min(first+700, n); i++ {
			a := netip.AddrFrom4([4]byte{byte(11 + i>>16), byte(i >> 8), byte(i), 0})
			nlri, err := packet.NewIPAddrPrefix(netip.PrefixFrom(a, 24))
			if err != nil {
				tb.Fatal(err)
			}
			routes = append(routes, packet.PathNLRI{NLRI: nlri})
		}
		m, err := packet.NewBGPUpdateMessage(nil, []packet.PathAttributeInterface{origin, path, hop}, routes).Serialize()
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, m...)
	}
	return string(all)
}

// BenchmarkReceive is the memory that 200,000 routes from a peer cost.
func BenchmarkReceive(b *testing.B) {
	const n = 200000
	table := fullTable(b, n)
	for b.Loop() {
		s, j := newSessions(b, Options{})
		j.quiet = true
		sinks, configs := sinksAndConfigs(b, 1)
		configure(b, s, nothing, configs...)
		awaitUp(b, s, configs[0].Name)
		before, used := heap(), cpu(b)
		sinks[0].sayRaw(table)
		eventually(b, 20*time.Second, func() (bool, string) {
			got := stateOf(s, configs[0].Name).Received
			return got == n, fmt.Sprintf("%d prefixes are counted", got)
		})
		b.ReportMetric(float64((cpu(b) - used).Milliseconds()), "cpu-ms")
		b.ReportMetric(heap()-before, "MiB")
		if err := s.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
