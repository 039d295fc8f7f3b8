// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/explain"
	"metallb.io/metallb/plugin/route"
	"metallb.io/metallb/test/builder"
)

// large is a cluster of that size, whose nodes have two peers each, that have failed on half of them.
func large(nodes, services int) *cluster.Cluster {
	c := &cluster.Cluster{Namespace: cluster.DefaultNamespace, Speakers: daemonSet()}
	c.Written.Pools = append(c.Written.Pools, *builder.MakePool("pool", "10.128.0.0/16").Obj())
	c.Written.Advertisements = append(c.Written.Advertisements, *builder.MakeAdvertisement("everything").Obj())
	for i := range nodes {
		name := fmt.Sprintf("node-%03d", i)
		c.Nodes = append(c.Nodes, *builder.MakeNode(name, fmt.Sprintf("10.0.0.%d", i+1)).Label("rack", name).Obj())
		c.Pods = append(c.Pods, *speaker(name))
		for _, peer := range []string{"left", "right"} {
			s := builder.MakeSession(name, peer).Established(v4)
			if peer == "right" {
				s = builder.MakeSession(name, peer).Error("connection refused")
			}
			c.Sessions = append(c.Sessions, *s.Obj())
		}
	}
	c.Written.Peers = append(c.Written.Peers, *builder.MakePeer("left", "192.0.2.1").Obj(), *builder.MakePeer("right", "192.0.2.2").Obj())
	address := netip.MustParseAddr("10.128.0.1")
	for i := range services {
		s := builder.MakeService(fmt.Sprintf("service-%05d", i)).Holds("pool", address.String())
		address = address.Next()
		c.Services = append(c.Services, *s.Obj())
		c.AddSlice(builder.MakeEndpoints(s, discoveryv1.AddressTypeIPv4).Ready(c.Nodes[i%nodes].Name, c.Nodes[(i+1)%nodes].Name, c.Nodes[(i+2)%nodes].Name).Obj())
	}
	slices.SortFunc(c.Sessions, func(a, b v1beta1.BGPSessionState) int { return strings.Compare(a.Name, b.Name) })
	return c
}

// To explain a node or a peer is to take less than a second with 10,000 services and 200 nodes.
func BenchmarkExplanation(b *testing.B) {
	c := large(200, 10_000)
	b.Run("Node", func(b *testing.B) {
		for b.Loop() {
			if _, found := explain.Node(c, "node-100"); !found {
				b.Fatal("there is no such node")
			}
		}
	})
	b.Run("Peer", func(b *testing.B) {
		for b.Loop() {
			if _, found := explain.Peer(c, nil, "right"); !found {
				b.Fatal("there is no such peer")
			}
		}
	})
	b.Run("RoutesOfService", func(b *testing.B) {
		for b.Loop() {
			if routes := route.New(c).Of(types.NamespacedName{Namespace: "default", Name: "service-00100"}); len(routes) != 400 {
				b.Fatal(len(routes), "routes")
			}
		}
	})
	b.Run("RoutesOfNode", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for range route.New(c).All(route.Filter{Node: "node-100"}) {
				n++
			}
			if n != 20_000 {
				b.Fatal(n, "routes")
			}
		}
	})
}
