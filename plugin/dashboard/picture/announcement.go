// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/plugin/route"
)

// announcements are who tells whom of a Service.
type announcements struct{ nodes, peers []string }

// announcementsOf returns who tells whom of the Service.
func announcementsOf(t *route.Table, key types.NamespacedName) announcements {
	a := announcements{nodes: []string{}, peers: []string{}}
	for _, r := range t.Of(key) {
		if r.Told {
			a.nodes, a.peers = append(a.nodes, r.Node), append(a.peers, r.Peer)
		}
	}
	for _, list := range []*[]string{&a.nodes, &a.peers} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return a
}
