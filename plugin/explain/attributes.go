// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/plugin/route"
)

// told is what peers are told of a prefix.
type told struct {
	prefix     netip.Prefix
	peer       string
	attributes string
}

// routesOf says what peers are told of addresses of the Services, with which attributes and by how many nodes.
func (t *trail) routesOf(table *route.Table, services []*corev1.Service, addresses ...netip.Addr) {
	var order []told
	nodes := map[told]map[string]bool{}
	for _, svc := range services {
		for _, r := range table.Of(keyOf(svc)) {
			if !r.Told || !slices.ContainsFunc(addresses, r.Prefix.Contains) {
				continue
			}
			key := told{r.Prefix, r.Peer, r.Attributes.String()}
			if nodes[key] == nil {
				order = append(order, key)
				nodes[key] = map[string]bool{}
			}
			nodes[key][r.Node] = true
		}
	}
	slices.SortStableFunc(order, func(a, b told) int { return a.prefix.Compare(b.prefix) })
	for i, key := range order {
		if i == maxTold {
			t.chain.Note("routes", "and %d more; %s has all", len(order)-maxTold, asking(t.Cluster, "routes", "--service="+keyOf(t.svc).String()))
			return
		}
		with := ""
		if key.attributes != "" {
			with = ", " + key.attributes
		}
		t.chain.Note("route "+key.prefix.String(), "to %s from %s%s", key.peer, nodesText(len(nodes[key])), with)
	}
}

// maxTold is how many prefixes, peers and attributes that differ are told of.
const maxTold = 10
