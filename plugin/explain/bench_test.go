// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/explain"
	"metallb.io/metallb/test/builder"
)

// BenchmarkService explains one of 10,000 Services on 200 nodes with sessions to four routers, which is announced, or refused what it requests,
// so that what the others hold has to be looked at.
func BenchmarkService(b *testing.B) {
	c := &cluster.Cluster{Namespace: "metallb-system", Namespaces: map[string]labels.Set{"default": nil}}
	c.Written = config.Objects{
		Pools:          []v1beta1.IPAddressPool{*builder.MakePool("pool", "198.18.0.0/16").Obj()},
		Advertisements: []v1beta1.BGPAdvertisement{*builder.MakeAdvertisement("adv", "pool").Obj()},
	}
	for i := range 4 {
		c.Written.Peers = append(c.Written.Peers, *builder.MakePeer(fmt.Sprintf("tor-%d", i), fmt.Sprintf("192.0.2.%d", i+1)).Obj())
	}
	slice := builder.MakeEndpoints(builder.MakeService("web-00000"), discoveryv1.AddressTypeIPv4)
	for i := range 200 {
		name := fmt.Sprintf("node-%03d", i)
		c.Nodes = append(c.Nodes, *builder.MakeNode(name, fmt.Sprintf("10.0.0.%d", i+1)).Obj())
		for j := range 4 {
			c.Sessions = append(c.Sessions, *established(name, fmt.Sprintf("tor-%d", j)))
		}
		slice.Ready(name)
	}
	c.AddSlice(slice.Obj())
	for i := range 10_000 {
		holder := builder.MakeService(fmt.Sprintf("web-%05d", i)).Holds("pool", fmt.Sprintf("198.18.%d.%d", i/256, i%256))
		c.Services = append(c.Services, *served(holder, metav1.ConditionTrue, v1beta1.ReasonAnnounced, ""))
	}
	refused := builder.MakeService("web-00000").Families(corev1.IPFamilyPolicySingleStack, corev1.IPv4Protocol).Addresses("198.18.1.1").Obj()
	for name, svc := range map[string]*corev1.Service{"announced": &c.Services[0], "refused": refused} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if chain := explain.Service(c, svc); chain.Broken() != (name == "refused") {
					b.Fatal(told(chain))
				}
			}
		})
	}
}
