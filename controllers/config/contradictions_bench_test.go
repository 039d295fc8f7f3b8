// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
)

// BenchmarkContradictions checks one object beside others of its kind, four times as many each time: the time should grow
// fourfold.
func BenchmarkContradictions(b *testing.B) {
	meta := func(name string, i int) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: fmt.Sprintf("%s-%04d", name, i)}
	}
	for _, n := range []int{64, 256, 1024} {
		var o Objects
		large := v1beta1.IPAddressPool{ObjectMeta: meta("large", 0)}
		for i := range n {
			large.Spec.Addresses = append(large.Spec.Addresses, fmt.Sprintf("10.%d.%d.0/24", 100+i/256, i%256))
			pool := v1beta1.IPAddressPool{ObjectMeta: meta("pool", i)}
			pool.Spec.Addresses = []string{fmt.Sprintf("10.%d.%d.0/24", i/256, i%256)}
			adv := v1beta1.BGPAdvertisement{ObjectMeta: meta("adv", i)}
			adv.Spec.IPAddressPools, adv.Spec.LocalPref = []string{pool.Name}, uint32(i)
			community := v1beta1.Community{ObjectMeta: meta("community", i)}
			community.Spec.Communities = []v1beta1.CommunityAlias{{Name: fmt.Sprintf("alias-%d", i), Value: fmt.Sprintf("1:%d", i)}}
			o.Pools, o.Advertisements, o.Communities = append(o.Pools, pool), append(o.Advertisements, adv), append(o.Communities, community)
		}
		o.Pools = append(o.Pools, large)
		m, nodes := parseAll(o), newNodes(nil)
		for name, object := range map[string]Object{
			"pool": &o.Pools[0], "pool of many ranges": &large, "advertisement": &o.Advertisements[0], "community": &o.Communities[0],
		} {
			b.Run(fmt.Sprintf("%s beside %d", name, n), func(b *testing.B) {
				for b.Loop() {
					if found := contradictions(object, &m, nodes); len(found) > 0 {
						b.Fatal(found)
					}
				}
			})
		}
	}
}
