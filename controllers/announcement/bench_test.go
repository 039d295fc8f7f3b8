// SPDX-License-Identifier: Apache-2.0

package announcement_test

import (
	"fmt"
	"testing"
	"time"

	"metallb.io/metallb/test/builder"
)

// BenchmarkService is what it costs that a service changes.
func BenchmarkService(b *testing.B) {
	for _, services := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("of%d", services), func(b *testing.B) {
			w := steady(b, 100, services, asItIs)
			svc := builder.MakeService("s00000").Holds("a", "198.18.0.0").Label("app", "web").Obj()
			for b.Loop() {
				w.set(svc)
			}
		})
	}
}

// BenchmarkEndpointSlice is what it costs that the endpoints of a service change.
func BenchmarkEndpointSlice(b *testing.B) {
	for _, services := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("of%d", services), func(b *testing.B) {
			w := steady(b, 100, services, (*builder.Service).Local)
			nodes := []string{"node-0001", "node-0002"}
			for i := 0; b.Loop(); i++ {
				w.serve("s00000", nodes[:1+i%2]...)
			}
		})
	}
}

// BenchmarkRouter is what it costs that the sessions of all nodes with one of three peers go down, and come up again.
func BenchmarkRouter(b *testing.B) {
	for _, local := range []bool{false, true} {
		b.Run(fmt.Sprintf("local=%t", local), func(b *testing.B) {
			kind := asItIs
			if local {
				kind = (*builder.Service).Local
			}
			w := steady(b, 1000, 10000, kind)
			for i := 0; b.Loop(); i++ {
				for _, n := range w.nodes {
					if i%2 == 0 {
						w.report(n.Name, "tor-a", "Idle", "connection refused")
					} else {
						w.report(n.Name, "tor-a", "Established", "")
					}
				}
				w.clock.Step(2 * time.Second)
				w.Turn(w.clock.Now())
			}
		})
	}
}

// BenchmarkNode is what it costs that the sessions of one node of a thousand go down, and come up again.
func BenchmarkNode(b *testing.B) {
	for _, local := range []bool{false, true} {
		b.Run(fmt.Sprintf("local=%t", local), func(b *testing.B) {
			kind := asItIs
			if local {
				kind = (*builder.Service).Local
			}
			w := steady(b, 1000, 10000, kind)
			for i := 0; b.Loop(); i++ {
				if i%2 == 0 {
					w.down("node-0001")
				} else {
					w.up("node-0001")
				}
				w.clock.Step(2 * time.Second)
				w.Turn(w.clock.Now())
			}
		})
	}
}

// BenchmarkConfiguration is what it costs that the configuration changes.
func BenchmarkConfiguration(b *testing.B) {
	w := steady(b, 1000, 10000, asItIs)
	for b.Loop() {
		w.configure()
	}
}
