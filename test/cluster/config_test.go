// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"net/netip"
	"testing"
)

func TestNodesHaveAddressesInTheirNetworks(t *testing.T) {
	t.Parallel()
	c := &Cluster{record: record{State: "/tmp", Nodes: MaxNodes}}
	networks := []struct{ nodes, pods string }{{NodeNetwork, PodNetwork}, {NodeNetwork6, PodNetwork6}}
	seen := make(map[netip.Addr]bool)
	for _, n := range c.Nodes() {
		for i, addr := range n.Addrs() {
			if !netip.MustParsePrefix(networks[i].nodes).Contains(addr) || seen[addr] || addr.String() == HostAddr || addr.String() == HostAddr6 {
				t.Errorf("%s has address %s", n.Name, addr)
			}
			pods := n.podCIDRs()[i]
			if !netip.MustParsePrefix(networks[i].pods).Contains(pods.Addr()) || seen[pods.Addr()] {
				t.Errorf("%s has pods at %s", n.Name, pods)
			}
			seen[addr], seen[pods.Addr()] = true, true
		}
	}
	third := c.Nodes()[2]
	want := Node{
		Name: "node-3", Addr: netip.MustParseAddr("172.30.0.13"), Addr6: netip.MustParseAddr("fd00:172:30::13"),
		PodCIDR: netip.MustParsePrefix("10.244.3.0/24"), PodCIDR6: netip.MustParsePrefix("fd00:10:244:3::/64"),
		NetNS: "/run/netns/node-3", index: 3, dir: "/tmp/node-3",
	}
	if third != want {
		t.Errorf("the third node is %+v, want %+v", third, want)
	}
}
