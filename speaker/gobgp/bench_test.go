// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"testing"
	"time"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
)

// BenchmarkLiveChange tells peers of 8000 prefixes on established sessions, then withdraws them.
func BenchmarkLiveChange(b *testing.B) {
	for _, peers := range []int{1, 4} {
		b.Run(fmt.Sprintf("peers=%d/prefixes=8000", peers), func(b *testing.B) {
			if raceDetector {
				b.Skip("several servers")
			}
			const n = 8000
			s, j := newSessions(b, Options{})
			j.quiet = true
			sinks := make([]*sink, 0, peers)
			configs := make([]bgp.Peer, 0, peers)
			announce, withdraw := make([]rib.Change, 0, peers), make([]rib.Change, 0, peers)
			for i := range peers {
				name := fmt.Sprintf("peer%d", i)
				k := newSink(b, behaviour{})
				sinks = append(sinks, k)
				configs = append(configs, to(name, k.addrPort()))
				a, w := rib.Change{Peer: name, Announce: hosts(n)}, rib.Change{Peer: name}
				for _, p := range a.Announce {
					w.Withdraw = append(w.Withdraw, p.Prefix)
				}
				announce, withdraw = append(announce, a), append(withdraw, w)
			}
			configure(b, s, nothing, configs...)
			for _, c := range configs {
				awaitUp(b, s, c.Name)
			}
			await := func(routes int) {
				for _, k := range sinks {
					awaitRoutes(b, k, routes)
				}
			}
			for b.Loop() {
				apply(b, s, announce...)
				await(n)
				apply(b, s, withdraw...)
				await(0)
			}
			messages := 0
			for _, k := range sinks {
				messages += k.heard().updates
			}
			b.ReportMetric(float64(messages)/float64(peers)/float64(b.N), "updates/peer/op")
		})
	}
}

// BenchmarkDump starts sessions that have 8000 prefixes. Most of the time is GoBGP's wait before it connects, so the time
// from the first End-of-RIB on is reported too.
func BenchmarkDump(b *testing.B) {
	for _, peers := range []int{1, 4} {
		b.Run(fmt.Sprintf("peers=%d/prefixes=8000", peers), func(b *testing.B) {
			if raceDetector {
				b.Skip("several servers")
			}
			const n = 8000
			paths := hosts(n)
			var messages int
			var sending time.Duration
			for b.Loop() {
				s, j := newSessions(b, Options{})
				j.quiet = true
				sinks := make([]*sink, 0, peers)
				configs := make([]bgp.Peer, 0, peers)
				for i := range peers {
					k := newSink(b, behaviour{})
					sinks = append(sinks, k)
					configs = append(configs, to(fmt.Sprintf("peer%d", i), k.addrPort()))
				}
				configure(b, s, always(paths...), configs...)
				for i, k := range sinks {
					awaitUp(b, s, configs[i].Name)
					up := time.Now()
					awaitRoutes(b, k, n)
					sending += time.Since(up)
					messages += k.heard().updates
				}
				if err := s.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(messages)/float64(peers)/float64(b.N), "updates/peer/op")
			b.ReportMetric(float64(sending.Milliseconds())/float64(peers)/float64(b.N), "ms-after-up/peer")
		})
	}
}
