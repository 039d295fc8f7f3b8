// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"cmp"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"sort"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
)

// stock finds holdings as fast as an index does, and counts those that it is asked for.
type stock struct {
	byAddress []config.Holding
	byPool    map[string][]config.Holding
	seen      atomic.Int64
}

func newStock(list []config.Holding) *stock {
	s := &stock{byPool: map[string][]config.Holding{}}
	s.byAddress = slices.SortedFunc(slices.Values(list), func(a, b config.Holding) int {
		return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Service.String(), b.Service.String()))
	})
	for _, h := range s.byAddress {
		for _, pool := range h.Recorded {
			s.byPool[pool] = append(s.byPool[pool], h)
		}
	}
	return s
}

func (s *stock) In(r ipam.Range) iter.Seq[config.Holding] {
	first := sort.Search(len(s.byAddress), func(i int) bool { return !s.byAddress[i].Address.Less(r.From) })
	last := sort.Search(len(s.byAddress), func(i int) bool { return r.To.Less(s.byAddress[i].Address) })
	return s.counted(s.byAddress[first:last])
}

func (s *stock) From(pool string) iter.Seq[config.Holding] { return s.counted(s.byPool[pool]) }

func (s *stock) All() iter.Seq[config.Holding] { return s.counted(s.byAddress) }

func (s *stock) counted(list []config.Holding) iter.Seq[config.Holding] {
	return func(yield func(config.Holding) bool) {
		for _, h := range list {
			s.seen.Add(1)
			if !yield(h) {
				return
			}
		}
	}
}

const (
	manyPools    = 50
	manyServices = 10_000
)

// many is a cluster with many pools, each with an advertisement of its own and as many services as others.
func many() (config.Objects, *stock, config.ClusterState) {
	var o config.Objects
	held := make([]config.Holding, 0, manyServices)
	for i := range manyPools {
		name := fmt.Sprintf("pool-%02d", i)
		o.Pools = append(o.Pools, v1beta1.IPAddressPool{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"tier": name}},
			Spec: v1beta1.IPAddressPoolSpec{
				Addresses:  []string{fmt.Sprintf("10.%d.0.0/16", i), fmt.Sprintf("2001:db8:%x::/64", i)},
				AllocateTo: &v1beta1.ServiceAllocation{NamespaceSelectors: []metav1.LabelSelector{selecting("team", "a"), selecting("team", "b")}},
			},
		})
		o.Advertisements = append(o.Advertisements, v1beta1.BGPAdvertisement{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
			Spec: v1beta1.BGPAdvertisementSpec{
				IPAddressPoolSelectors: []metav1.LabelSelector{selecting("tier", name)},
				ServiceSelectors:       []metav1.LabelSelector{selecting("app", "x"), selecting("app", "web")},
				NodeSelectors:          []metav1.LabelSelector{selecting("rack", fmt.Sprint(i%10))},
			},
		})
	}
	for i := range 10 {
		for j, address := range []string{fmt.Sprintf("192.0.2.%d", i+1), fmt.Sprintf("2001:db8:ffff::%d", i+1)} {
			o.Peers = append(o.Peers, v1beta2.BGPPeer{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("peer-%d-%d", i, j)},
				Spec: v1beta2.BGPPeerSpec{
					MyASN: 64512, ASN: 64513, Address: address, NodeSelectors: []metav1.LabelSelector{selecting("rack", fmt.Sprint(i))},
				},
			})
		}
	}
	for i := range manyServices {
		p := i % manyPools
		a := netip.AddrFrom4([4]byte{10, byte(p), byte(i / manyPools / 256), byte(i / manyPools)})
		if i/manyPools%2 == 1 {
			a = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, byte(p), 14: byte(i / manyPools / 256), 15: byte(i / manyPools)})
		}
		held = append(held, config.Holding{
			Service: types.NamespacedName{Namespace: fmt.Sprintf("ns-%d", i%100), Name: fmt.Sprintf("service-%d", i)},
			Labels:  labels.Set{"app": "web", "version": "1"}, Address: a, Recorded: []string{o.Pools[p].Name},
		})
	}
	s := newStock(held)
	nodes := make([]config.Node, 0, 100)
	for i := range 100 {
		nodes = append(nodes, config.Node{
			Name: fmt.Sprintf("node-%d", i), Labels: labels.Set{"rack": fmt.Sprint(i % 10), "kubernetes.io/hostname": fmt.Sprintf("node-%d", i)},
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{172, 16, 0, byte(i)})},
		})
	}
	return o, s, config.ClusterState{
		Holdings: s, Nodes: nodes,
		NamespaceLabels: func(ns string) labels.Set { return labels.Set{"team": "b", "kubernetes.io/metadata.name": ns} },
	}
}

func selecting(key, value string) metav1.LabelSelector {
	return metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
}

// edit is a change of one of the many objects, and what it has to be about.
type edit struct {
	change config.Change
	// wantSeen is how many holdings it may look at, each time it does; wantLost, how many impacts there are.
	wantSeen, wantLost int
}

// edits are changes of the sorts that there are.
func edits(o config.Objects) map[string]edit {
	const perPool = manyServices / manyPools
	pool := func(mutate func(*v1beta1.IPAddressPool)) config.Change {
		p := o.Pools[7].DeepCopy()
		mutate(p)
		return config.Change{Old: &o.Pools[7], New: p}
	}
	adv := func(mutate func(*v1beta1.BGPAdvertisementSpec)) config.Change {
		a := o.Advertisements[7].DeepCopy()
		mutate(&a.Spec)
		return config.Change{Old: &o.Advertisements[7], New: a}
	}
	return map[string]edit{
		"a range is added":   {pool(func(p *v1beta1.IPAddressPool) { p.Spec.Addresses = append(p.Spec.Addresses, "10.99.0.0/16") }), 0, 0},
		"a range is removed": {pool(func(p *v1beta1.IPAddressPool) { p.Spec.Addresses = p.Spec.Addresses[:1] }), 2 * perPool, perPool / 2},
		"the pool avoids addresses": {
			pool(func(p *v1beta1.IPAddressPool) { p.Spec.AvoidBuggyIPs = true }), perPool, 1,
		},
		"the pool admits others": {
			pool(func(p *v1beta1.IPAddressPool) {
				p.Spec.AllocateTo.NamespaceSelectors = p.Spec.AllocateTo.NamespaceSelectors[:1]
			}), perPool, perPool,
		},
		"the pool has another label": {pool(func(p *v1beta1.IPAddressPool) { p.Labels = map[string]string{"tier": "none"} }), 2 * perPool, perPool},
		"the pool is deleted":        {config.Change{Old: &o.Pools[7]}, 4 * perPool, perPool},
		"the advertisement selects other services": {
			adv(func(s *v1beta1.BGPAdvertisementSpec) { s.ServiceSelectors = s.ServiceSelectors[:1] }), 2 * perPool, perPool,
		},
		"the advertisement has other communities": {
			adv(func(s *v1beta1.BGPAdvertisementSpec) { s.Communities = []string{"64512:1"} }), 0, 0,
		},
		"the advertisement is deleted": {config.Change{Old: &o.Advertisements[7]}, 2 * perPool, perPool},
		"a peer of five pools is deleted": {
			config.Change{Old: &o.Peers[0]}, 10 * perPool, 5 * perPool / 2,
		},
	}
}

func TestAChangeLooksAtTheServicesThatItConcerns(t *testing.T) {
	t.Parallel()
	o, s, state := many()
	for name, e := range edits(o) {
		s.seen.Store(0)
		v := config.Check(namespace, o, e.change, state)
		if seen := int(s.seen.Load()); seen > e.wantSeen || len(v.Impacts) != e.wantLost {
			t.Errorf("%s: looked at %d services and found %d in its way, want at most %d and %d", name, seen, len(v.Impacts), e.wantSeen, e.wantLost)
		}
	}
}

// BenchmarkCheck reports the time that all but the slowest hundredth of the changes are judged in, as p99-ns. The bound for
// an answer of the webhook is 50 ms.
func BenchmarkCheck(b *testing.B) {
	o, _, state := many()
	all := edits(o)
	everything := v1beta1.BGPAdvertisement{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "all"}}
	single := o
	single.Advertisements = []v1beta1.BGPAdvertisement{everything}
	aggregating := o
	aggregating.Advertisements = nil
	for i := range o.Advertisements {
		a := v1beta1.BGPAdvertisement{ObjectMeta: o.Advertisements[i].ObjectMeta}
		a.Spec.AggregationLength, a.Spec.AggregationLengthV6, a.Spec.Communities = new(int32(24)), new(int32(112)), []string{fmt.Sprintf("64512:%d", i)}
		aggregating.Advertisements = append(aggregating.Advertisements, a)
	}
	run := func(name string, before config.Objects, change config.Change) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				config.Check(namespace, before, change, state)
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
		})
	}
	for name, e := range all {
		run(name, o, e.change)
	}
	run("every advertisement aggregates every pool", aggregating, all["a range is added"].change)
	run("the advertisement of all services is deleted", single, config.Change{Old: &everything})
}
