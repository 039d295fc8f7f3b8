// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"fmt"
	"testing"

	"metallb.io/metallb/plugin/dashboard/sample"
)

func BenchmarkPicture(b *testing.B) {
	for _, size := range []sample.Size{{Peers: 2, Nodes: 16, Services: few}, {Peers: 4, Nodes: 200, Services: few}, {Peers: 4, Nodes: 200, Services: 10_000}} {
		c := sample.Cluster(moment, size)
		before := Of(c, nil, nil)
		b.Run(fmt.Sprintf("nodes=%d/services=%d", size.Nodes, size.Services), func(b *testing.B) {
			for b.Loop() {
				Of(c, nil, before)
			}
		})
		b.Run(fmt.Sprintf("nodes=%d/services=%d/details", size.Nodes, size.Services), func(b *testing.B) {
			for b.Loop() {
				before.Details(KindService, "shop", "web-1")
			}
		})
	}
}
