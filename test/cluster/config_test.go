// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"net/netip"
	"testing"
)

func TestNodesHaveAddressesInTheirNetworks(t *testing.T) {
	t.Parallel()
	c := &Cluster{record: record{State: "/tmp", Nodes: MaxNodes}}
	nodes, pods := netip.MustParsePrefix(NodeNetwork), netip.MustParsePrefix(PodNetwork)
	seen := make(map[netip.Addr]bool)
	for _, n := range c.Nodes() {
		if !nodes.Contains(n.Addr) || seen[n.Addr] || n.Addr.String() == HostAddr {
			t.Errorf("%s has address %s", n.Name, n.Addr)
		}
		if !pods.Contains(n.PodCIDR.Addr()) || seen[n.PodCIDR.Addr()] {
			t.Errorf("%s has pods at %s", n.Name, n.PodCIDR)
		}
		seen[n.Addr], seen[n.PodCIDR.Addr()] = true, true
	}
	third := c.Nodes()[2]
	if third.Name != "node-3" || third.Addr.String() != "172.30.0.13" || third.PodCIDR.String() != "10.244.3.0/24" || third.NetNS != "/run/netns/node-3" {
		t.Errorf("the third node is %+v", third)
	}
}
