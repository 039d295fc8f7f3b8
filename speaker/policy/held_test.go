// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/speaker/policy"
)

// counting returns the advertisement with the numbers of nodes in its status, of the generation.
func counting(a v1beta1.BGPAdvertisement, generation int64, v4, v6 int32) v1beta1.BGPAdvertisement {
	a.Generation = 2
	a.Status = v1beta1.BGPAdvertisementStatus{ObservedGeneration: generation, NodesIPv4: v4, NodesIPv6: v6}
	return a
}

func allowing(o interface{ SetAnnotations(map[string]string) }) {
	o.SetAnnotations(map[string]string{v1beta1.AnnotationAllowDisruption: "true"})
}

func none(in *policy.Input) { in.Advertisements = nil }

func TestAnAdvertisementThatIsGoneMayHoldWhatItAnnounced(t *testing.T) {
	t.Parallel()
	type peers struct{ V4, V6 []string }
	tests := map[string]struct {
		// before is what was compiled before, when pool "pool" was announced.
		before func(*policy.Input)
		change func(*policy.Input)
		// want are the peers that it is announced to; nil if it is not held.
		want *peers
	}{
		"it was deleted": {change: none, want: &peers{[]string{"v4"}, []string{"v6"}}},
		"it selects other pools": {
			change: func(in *policy.Input) { in.Advertisements[0] = adv("all", withPools("other")) },
			want:   &peers{[]string{"v4"}, []string{"v6"}},
		},
		"it is as it was, but the pool is not": {
			before: func(in *policy.Input) {
				in.Pools[0].Labels = map[string]string{"rack": "a"}
				in.Advertisements[0] = adv("all", func(s *v1beta1.BGPAdvertisementSpec) { s.IPAddressPoolSelectors = rack("a") })
			},
			change: func(in *policy.Input) {
				in.Advertisements[0] = adv("all", func(s *v1beta1.BGPAdvertisementSpec) { s.IPAddressPoolSelectors = rack("a") })
			},
			want: &peers{[]string{"v4"}, []string{"v6"}},
		},
		"there are other sessions now": {
			change: func(in *policy.Input) {
				none(in)
				in.Peers = []v1beta2.BGPPeer{peer("new", "192.0.2.77")}
			},
			want: &peers{V4: []string{"new"}},
		},
		"of the sessions there are now it selects some": {
			before: func(in *policy.Input) {
				in.Advertisements[0] = adv("all", func(s *v1beta1.BGPAdvertisementSpec) { s.Peers = []string{"v4", "new"} })
			},
			change: func(in *policy.Input) {
				none(in)
				in.Peers = append(in.Peers, peer("new", "192.0.2.77"), peer("other", "192.0.2.78"))
			},
			want: &peers{V4: []string{"new", "v4"}},
		},
		"there are no sessions": {
			change: func(in *policy.Input) { none(in); in.Peers = nil },
			want:   &peers{},
		},
		"it selects the node as that is labeled now": {
			before: func(in *policy.Input) {
				in.Advertisements[0] = adv("all", func(s *v1beta1.BGPAdvertisementSpec) { s.NodeSelectors = rack("a") })
			},
			change: func(in *policy.Input) { none(in); in.Node.Labels = map[string]string{"rack": "a", "color": "blue"} },
			want:   &peers{[]string{"v4"}, []string{"v6"}},
		},
		"it does not select the node as that is labeled now": {
			before: func(in *policy.Input) {
				in.Advertisements[0] = adv("all", func(s *v1beta1.BGPAdvertisementSpec) { s.NodeSelectors = rack("a") })
			},
			change: func(in *policy.Input) { none(in); in.Node.Labels = map[string]string{"rack": "b"} },
		},
		"its change was meant": {
			change: func(in *policy.Input) {
				none(in)
				in.Waived = map[policy.Object]bool{{Kind: policy.KindBGPAdvertisement, Name: "all"}: true}
			},
		},
		"the change of another was meant": {
			change: func(in *policy.Input) {
				none(in)
				in.Waived = map[policy.Object]bool{
					{Kind: policy.KindBGPAdvertisement, Name: "pool"}: true, {Kind: policy.KindIPAddressPool, Name: "all"}: true,
				}
			},
			want: &peers{[]string{"v4"}, []string{"v6"}},
		},
		"the change of the pool was meant": {
			change: func(in *policy.Input) {
				none(in)
				in.Waived = map[policy.Object]bool{{Kind: policy.KindIPAddressPool, Name: "pool"}: true}
			},
		},
		"the pool allows disruption": {
			change: func(in *policy.Input) { none(in); allowing(&in.Pools[0]) },
		},
		"the pool was deleted while it allowed disruption": {
			before: func(in *policy.Input) { allowing(&in.Pools[0]) },
			change: func(in *policy.Input) { none(in); in.Pools, in.PoolInUse = nil, func(string) bool { return true } },
		},
		"the pool was deleted": {
			change: func(in *policy.Input) { none(in); in.Pools, in.PoolInUse = nil, func(string) bool { return true } },
			want:   &peers{[]string{"v4"}, []string{"v6"}},
		},
		"the pool that has the address now allows disruption": {
			change: func(in *policy.Input) {
				none(in)
				in.Pools = []v1beta1.IPAddressPool{pool("new", "198.51.100.0/24")}
				allowing(&in.Pools[0])
			},
		},
		"no pool has the address": {
			change: func(in *policy.Input) { none(in); in.Pools = nil },
			want:   &peers{[]string{"v4"}, []string{"v6"}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input()
			if tc.before != nil {
				tc.before(&in)
			}
			before, _ := policy.Compile(in, nil)
			after, rejections := policy.Compile(input(tc.change), before)
			if len(rejections) > 0 {
				t.Fatalf("rejections: %v", rejections)
			}
			was := &before.Pool(address, nil).Advertisements[0]
			var got *peers
			if held := after.Hold(was, after.Pool(address, nil)); held != nil {
				got = &peers{held.PeersV4, held.PeersV6}
				if held.Prefix(address) != was.Prefix(address) || !held.SelectsService(nil) {
					t.Errorf("it announces %s", held.Prefix(address))
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("peers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnAddressIsAnnouncedElsewhereIfAnAdvertisementForItCountsNodes(t *testing.T) {
	t.Parallel()
	elsewhere := func(s *v1beta1.BGPAdvertisementSpec) { s.NodeSelectors = rack("b") }
	broken := func(s *v1beta2.BGPPeerSpec) { s.PasswordSecret = corev1.SecretReference{Name: "missing"} }
	toNew := func(s *v1beta1.BGPAdvertisementSpec) { s.Peers = []string{"new"} }
	preferred := func(s *v1beta1.BGPAdvertisementSpec) { s.LocalPref = 50 }
	tests := map[string]struct {
		before, advertisements []v1beta1.BGPAdvertisement
		mutate                 func(*policy.Input)
		addr                   string
		want                   bool
	}{
		"no advertisement":                   {},
		"one that other nodes announce by":   {advertisements: []v1beta1.BGPAdvertisement{counting(adv("a", elsewhere), 2, 3, 0)}, want: true},
		"one by which no node announces":     {advertisements: []v1beta1.BGPAdvertisement{counting(adv("a", elsewhere), 2, 0, 3)}},
		"one by which nodes announce IPv6":   {advertisements: []v1beta1.BGPAdvertisement{counting(adv("a", elsewhere), 2, 0, 1)}, addr: "2001:db8:1::7", want: true},
		"one by which nodes announce IPv4":   {advertisements: []v1beta1.BGPAdvertisement{counting(adv("a", elsewhere), 2, 1, 0)}, addr: "2001:db8:1::7"},
		"one whose status tells of its past": {advertisements: []v1beta1.BGPAdvertisement{counting(adv("a", elsewhere), 1, 3, 3)}},
		"one for another pool":               {advertisements: []v1beta1.BGPAdvertisement{counting(adv("a", elsewhere, withPools("other")), 2, 3, 3)}},
		"one for other services": {
			advertisements: []v1beta1.BGPAdvertisement{counting(adv("a", elsewhere, func(s *v1beta1.BGPAdvertisementSpec) { s.ServiceSelectors = rack("b") }), 2, 3, 3)},
		},
		"one for the service among others": {
			advertisements: []v1beta1.BGPAdvertisement{
				counting(adv("a", elsewhere, withPools("other")), 2, 3, 3), adv("b", elsewhere),
				counting(adv("c", elsewhere, func(s *v1beta1.BGPAdvertisementSpec) { s.ServiceSelectors = rack("a") }), 2, 3, 3),
			},
			want: true,
		},
		"one that is not in force for an alias that nobody defines": {
			advertisements: []v1beta1.BGPAdvertisement{counting(adv("a", elsewhere, withCommunities("undefined")), 2, 3, 3)},
		},
		"one of which only an earlier version is in force": {
			before:         []v1beta1.BGPAdvertisement{adv("a", elsewhere)},
			advertisements: []v1beta1.BGPAdvertisement{counting(adv("a", elsewhere, withCommunities("undefined")), 2, 3, 3)},
		},
		"one whose aggregation has no room in the pool": {
			advertisements: []v1beta1.BGPAdvertisement{counting(adv("a", elsewhere, withLength(20)), 2, 3, 3)},
		},
		"one for this node too, whose peer is at others": {
			advertisements: []v1beta1.BGPAdvertisement{counting(adv("a", toNew), 2, 3, 0)},
			mutate: func(in *policy.Input) {
				in.Peers = append(in.Peers, peer("new", "192.0.2.77", broken, func(s *v1beta2.BGPPeerSpec) { s.NodeSelectors = rack("b") }))
			},
			want: true,
		},
		"one for this node too, whose peer's secret is missing": {
			advertisements: []v1beta1.BGPAdvertisement{counting(adv("a", toNew), 2, 3, 0)},
			mutate:         func(in *policy.Input) { in.Peers = append(in.Peers, peer("new", "192.0.2.77", broken)) },
		},
		"one for this node too, whose peer of the other family lacks its secret": {
			advertisements: []v1beta1.BGPAdvertisement{counting(adv("a", toNew), 2, 3, 0)},
			mutate:         func(in *policy.Input) { in.Peers = append(in.Peers, peer("new", "2001:db8::77", broken)) },
			want:           true,
		},
		"one for this node too, which contradicts another": {
			before:         []v1beta1.BGPAdvertisement{adv("b", preferred, toNew)},
			advertisements: []v1beta1.BGPAdvertisement{adv("b", preferred, toNew), counting(adv("a"), 2, 1, 0)},
		},
		"an address of no pool": {
			advertisements: []v1beta1.BGPAdvertisement{counting(adv("a"), 2, 3, 3)}, addr: "203.0.113.1",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := address
			if tc.addr != "" {
				addr = netip.MustParseAddr(tc.addr)
			}
			mutations := []func(*policy.Input){func(in *policy.Input) { in.Advertisements = tc.advertisements }}
			if tc.mutate != nil {
				mutations = append(mutations, tc.mutate)
			}
			before, _ := policy.Compile(input(func(in *policy.Input) { in.Advertisements = tc.before }), nil)
			p, _ := policy.Compile(input(mutations...), before)
			if got := p.AnnouncedElsewhere(p.Pool(addr, nil), addr, map[string]string{"rack": "a"}); got != tc.want {
				t.Errorf("announced elsewhere: %t", got)
			}
		})
	}
}

func TestOnlyWhatIsHeldIsConcernedByWhatDecidesAboutHolding(t *testing.T) {
	t.Parallel()
	with := func(v4, v6 int32) func(*policy.Input) {
		return func(in *policy.Input) {
			in.Advertisements = []v1beta1.BGPAdvertisement{counting(adv("a", func(s *v1beta1.BGPAdvertisementSpec) { s.NodeSelectors = rack("b") }), 2, v4, v6)}
		}
	}
	waived := func(in *policy.Input) {
		in.Waived = map[policy.Object]bool{{Kind: policy.KindBGPAdvertisement, Name: "gone"}: true}
	}
	tests := map[string]struct {
		before, change       []func(*policy.Input)
		wantHeld, wantOthers bool
	}{
		"nothing":                           {},
		"from three nodes to four":          {before: []func(*policy.Input){with(3, 0)}, change: []func(*policy.Input){with(4, 0)}},
		"from no node to one":               {before: []func(*policy.Input){with(0, 0)}, change: []func(*policy.Input){with(1, 0)}, wantHeld: true},
		"from no node to one, in IPv6":      {before: []func(*policy.Input){with(1, 0)}, change: []func(*policy.Input){with(1, 1)}, wantHeld: true},
		"a label of the node":               {change: []func(*policy.Input){func(in *policy.Input) { in.Node.Labels = map[string]string{"rack": "a", "x": "y"} }}, wantHeld: true},
		"an object that is waived":          {change: []func(*policy.Input){waived}, wantHeld: true},
		"an object that is waived no more":  {before: []func(*policy.Input){waived}, wantHeld: true},
		"an override":                       {change: []func(*policy.Input){func(in *policy.Input) { allowing(&in.Advertisements[0]) }}},
		"a peer's timer":                    {change: []func(*policy.Input){func(in *policy.Input) { in.Peers[0].Spec.ASN = 65000 }}},
		"a peer where nothing is announced": {before: []func(*policy.Input){none}, change: []func(*policy.Input){none, func(in *policy.Input) { in.Peers = in.Peers[:1] }}, wantHeld: true},
		"a peer":                            {change: []func(*policy.Input){func(in *policy.Input) { in.Peers = in.Peers[:1] }}, wantHeld: true, wantOthers: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, _ := policy.Compile(input(tc.before...), nil)
			after, _ := policy.Compile(input(tc.change...), before)
			if held, others := after.Concerns(before, address, nil, true), after.Concerns(before, address, nil, false); held != tc.wantHeld || others != tc.wantOthers {
				t.Errorf("concerns what is held: %t, others: %t", held, others)
			}
		})
	}
}
