// SPDX-License-Identifier: Apache-2.0

package announce_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/announce"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/rib"
)

var comparable = cmp.Options{
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b bgp.Community) bool { return a == b }),
	cmpopts.EquateEmpty(),
}

// readyHere are endpoints of both families that are ready on the node.
func readyHere() announce.Endpoints {
	return inBothFamilies(endpoint.View{Local: endpoint.Count{Ready: 1}, Anywhere: endpoint.Ready})
}

// readyElsewhere are endpoints of both families that are ready on another node.
func readyElsewhere() announce.Endpoints {
	return inBothFamilies(endpoint.View{Anywhere: endpoint.Ready})
}

func inBothFamilies(v endpoint.View) announce.Endpoints { return announce.Endpoints{v, v} }

func selector(key, value string) []metav1.LabelSelector {
	return []metav1.LabelSelector{{MatchLabels: map[string]string{key: value}}}
}

func adv(name string, spec v1beta1.BGPAdvertisementSpec) v1beta1.BGPAdvertisement {
	return v1beta1.BGPAdvertisement{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
}

func peer(name, address string) v1beta2.BGPPeer {
	return v1beta2.BGPPeer{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1beta2.BGPPeerSpec{MyASN: 1, ASN: 2, Address: address}}
}

// compile returns the policy of a node with two IPv4 peers and an IPv6 peer, a pool of both families and the advertisements.
func compile(t *testing.T, mutate func(*policy.Input), advertisements ...v1beta1.BGPAdvertisement) *policy.Policy {
	t.Helper()
	in := policy.Input{
		Node: policy.Node{Name: "node-1", Labels: map[string]string{"rack": "a"}, InternalIPs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}},
		Objects: active.Objects{
			Peers:          []v1beta2.BGPPeer{peer("p1", "192.0.2.1"), peer("p2", "192.0.2.2"), peer("p6", "2001:db8::1")},
			Advertisements: advertisements,
			Pools: []v1beta1.IPAddressPool{{
				ObjectMeta: metav1.ObjectMeta{Name: "pool"}, Spec: v1beta1.IPAddressPoolSpec{Addresses: []string{"198.51.100.0/24", "2001:db8:1::/64"}},
			}},
		},
	}
	if mutate != nil {
		mutate(&in)
	}
	p, rejections := policy.Compile(in, nil)
	if len(rejections) > 0 {
		t.Fatalf("rejections: %v", rejections)
	}
	return p
}

// path is one with the local preference; 0 stands for the default.
func path(t *testing.T, prefix string, localPref uint32, communities ...string) rib.Path {
	t.Helper()
	resolved, err := bgp.ResolveCommunities(communities, nil)
	if err != nil {
		t.Fatal(err)
	}
	if localPref == 0 {
		localPref = 100
	}
	return rib.Path{Prefix: netip.MustParsePrefix(prefix), LocalPref: localPref, Communities: resolved}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	v4, v6 := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8:1::7")
	length, lengthV6 := int32(24), int32(64)
	everything := []v1beta1.BGPAdvertisement{adv("everything", v1beta1.BGPAdvertisementSpec{})}
	elsewhere := adv("elsewhere", v1beta1.BGPAdvertisementSpec{NodeSelectors: selector("rack", "b")})
	forBlue := func(name string, localPref uint32, peers ...string) v1beta1.BGPAdvertisement {
		return adv(name, v1beta1.BGPAdvertisementSpec{ServiceSelectors: selector("color", "blue"), LocalPref: localPref, Peers: peers})
	}
	prependingBlue := func(name string, localPref uint32, times uint8, peers ...string) v1beta1.BGPAdvertisement {
		a := forBlue(name, localPref, peers...)
		a.Spec.ASPathPrepend = times
		return a
	}
	prepending := func(p rib.Path, times uint8) rib.Path {
		p.ASPathPrepend = times
		return p
	}
	withMED := func(p rib.Path, med uint32) rib.Path {
		p.MED = bgp.NewMED(&med)
		return p
	}
	weighing := func(p rib.Path, weight uint32) rib.Path {
		p.Weight = weight
		return p
	}
	// three are ready on the node in one family, and one in the other, and more elsewhere.
	three := announce.Endpoints{
		{Local: endpoint.Count{Ready: 3, Draining: 2}, Anywhere: endpoint.Ready}, {Local: endpoint.Count{Ready: 1}, Anywhere: endpoint.Ready},
	}
	weightBlue := func(name string, weight bool) v1beta1.BGPAdvertisement {
		a := forBlue(name, 0)
		a.Spec.WeightByEndpoints = weight
		return a
	}
	medBlue := func(name string, med *uint32) v1beta1.BGPAdvertisement {
		a := forBlue(name, 0)
		a.Spec.MED = med
		return a
	}
	unavailable := func(in *policy.Input) { in.Node.NetworkUnavailable = true }
	pending := func(in *policy.Input) { in.Node.ProxyPending[endpoint.IPv4] = true }
	drained := func(key string) func(*policy.Input) {
		return func(in *policy.Input) {
			in.Node.Drain = policy.Drain{Leaving: drain.Signal{Kind: drain.Label, Key: key}, Draining: true, Drained: true}
		}
	}
	excluded := drained("node.kubernetes.io/exclude-from-external-load-balancers")
	host := path(t, "198.51.100.7/32", 0)
	everywhere := readyHere()

	tests := map[string]struct {
		node            func(*policy.Input)
		advertisements  []v1beta1.BGPAdvertisement
		addresses       []netip.Addr
		from            []string
		local           bool
		endpoints       announce.Endpoints
		want            map[string][]rib.Path
		wantRefused     map[netip.Addr]announce.Reason
		wantConflicting announce.Conflict
	}{
		"an address is announced to the peers of its family": {
			advertisements: everything, endpoints: everywhere,
			want: map[string][]rib.Path{"p1": {host}, "p2": {host}},
		},
		"both addresses of a dual-stack service are announced, each in its family": {
			advertisements: everything, endpoints: everywhere, addresses: []netip.Addr{v4, v6},
			want: map[string][]rib.Path{"p1": {host}, "p2": {host}, "p6": {path(t, "2001:db8:1::7/128", 0)}},
		},
		"a dual-stack service is announced in one family where the other has no peer": {
			node:           func(in *policy.Input) { in.Peers = in.Peers[:2] },
			advertisements: everything, endpoints: everywhere, addresses: []netip.Addr{v4, v6},
			want:        map[string][]rib.Path{"p1": {host}, "p2": {host}},
			wantRefused: map[netip.Addr]announce.Reason{v6: announce.NoPeer},
		},
		"advertisements of different lengths add up, per peer": {
			advertisements: []v1beta1.BGPAdvertisement{
				adv("hosts", v1beta1.BGPAdvertisementSpec{Communities: []string{"1:1"}}),
				adv("net", v1beta1.BGPAdvertisementSpec{AggregationLength: &length, AggregationLengthV6: &lengthV6, LocalPref: 50, Peers: []string{"p2"}}),
			},
			endpoints: everywhere,
			want: map[string][]rib.Path{
				"p1": {path(t, "198.51.100.7/32", 0, "1:1")},
				"p2": {path(t, "198.51.100.7/32", 0, "1:1"), path(t, "198.51.100.0/24", 50)},
			},
		},
		"advertisements of one prefix are merged": {
			advertisements: []v1beta1.BGPAdvertisement{
				adv("a", v1beta1.BGPAdvertisementSpec{Communities: []string{"1:2"}}), adv("b", v1beta1.BGPAdvertisementSpec{Communities: []string{"1:1"}, Peers: []string{"p1"}}),
			},
			endpoints: everywhere,
			want:      map[string][]rib.Path{"p1": {path(t, "198.51.100.7/32", 0, "1:1", "1:2")}, "p2": {path(t, "198.51.100.7/32", 0, "1:2")}},
		},
		"different preferences towards different peers are no conflict": {
			advertisements: []v1beta1.BGPAdvertisement{forBlue("a", 1, "p1"), forBlue("b", 2, "p2")}, endpoints: everywhere,
			want: map[string][]rib.Path{"p1": {path(t, "198.51.100.7/32", 1)}, "p2": {path(t, "198.51.100.7/32", 2)}},
		},
		"an address of no pool": {
			advertisements: everything, addresses: []netip.Addr{netip.MustParseAddr("203.0.113.1")}, endpoints: everywhere,
			wantRefused: map[netip.Addr]announce.Reason{netip.MustParseAddr("203.0.113.1"): announce.IPNotAllowed},
		},
		"an address that its pool has no more": {
			advertisements: everything, addresses: []netip.Addr{netip.MustParseAddr("203.0.113.1")}, from: []string{"pool"}, endpoints: everywhere,
			want: map[string][]rib.Path{"p1": {path(t, "203.0.113.1/32", 0)}, "p2": {path(t, "203.0.113.1/32", 0)}},
		},
		"no advertisement for the node": {
			node: unavailable, advertisements: []v1beta1.BGPAdvertisement{elsewhere},
			wantRefused: map[netip.Addr]announce.Reason{v4: announce.NotOwner},
		},
		"no advertisement for the service": {
			node: unavailable, advertisements: []v1beta1.BGPAdvertisement{adv("red", v1beta1.BGPAdvertisementSpec{ServiceSelectors: selector("color", "red")})},
			wantRefused: map[netip.Addr]announce.Reason{v4: announce.NoMatchingAdvertisement},
		},
		"advertisements that contradict each other about the service do not keep it from being announced": {
			advertisements: []v1beta1.BGPAdvertisement{forBlue("a", 1), forBlue("b", 2, "p2")}, endpoints: everywhere,
			want:            map[string][]rib.Path{"p1": {path(t, "198.51.100.7/32", 1)}, "p2": {path(t, "198.51.100.7/32", 2)}},
			wantConflicting: announce.Conflict{LocalPref: true},
		},
		"of AS paths that contradict each other the shortest is announced": {
			advertisements: []v1beta1.BGPAdvertisement{prependingBlue("a", 0, 3), prependingBlue("b", 0, 2, "p2")}, endpoints: everywhere,
			want:            map[string][]rib.Path{"p1": {prepending(host, 3)}, "p2": {prepending(host, 2)}},
			wantConflicting: announce.Conflict{ASPathPrepend: true},
		},
		"advertisements that contradict each other twice": {
			advertisements: []v1beta1.BGPAdvertisement{prependingBlue("a", 5, 3), forBlue("b", 5), forBlue("c", 4)}, endpoints: everywhere,
			want:            map[string][]rib.Path{"p1": {path(t, "198.51.100.7/32", 5)}, "p2": {path(t, "198.51.100.7/32", 5)}},
			wantConflicting: announce.Conflict{LocalPref: true, ASPathPrepend: true},
		},
		"of MEDs that contradict each other the lowest is announced": {
			advertisements: []v1beta1.BGPAdvertisement{medBlue("a", new(uint32(20))), medBlue("b", new(uint32(10)))}, endpoints: everywhere,
			want:            map[string][]rib.Path{"p1": {withMED(host, 10)}, "p2": {withMED(host, 10)}},
			wantConflicting: announce.Conflict{MED: true},
		},
		"a MED and none contradict each other": {
			advertisements: []v1beta1.BGPAdvertisement{medBlue("a", new(uint32(0))), medBlue("b", nil)}, endpoints: everywhere,
			want:            map[string][]rib.Path{"p1": {host}, "p2": {host}},
			wantConflicting: announce.Conflict{MED: true},
		},
		"paths of the Local policy are weighted by the endpoints of their family on the node": {
			advertisements: []v1beta1.BGPAdvertisement{weightBlue("a", true)}, local: true, endpoints: three, addresses: []netip.Addr{v4, v6},
			want: map[string][]rib.Path{
				"p1": {weighing(host, 3)}, "p2": {weighing(host, 3)}, "p6": {weighing(path(t, "2001:db8:1::7/128", 0), 1)},
			},
		},
		"a path that drains is weighted by the endpoints that still serve": {
			advertisements: []v1beta1.BGPAdvertisement{weightBlue("a", true)}, local: true,
			endpoints: inBothFamilies(endpoint.View{Local: endpoint.Count{Draining: 2}, Anywhere: endpoint.Draining}),
			want:      map[string][]rib.Path{"p1": {weighing(host, 2)}, "p2": {weighing(host, 2)}},
		},
		"paths of the Cluster policy have no weight": {
			advertisements: []v1beta1.BGPAdvertisement{weightBlue("a", true)}, endpoints: three,
			want: map[string][]rib.Path{"p1": {host}, "p2": {host}},
		},
		"an aggregate has no weight": {
			advertisements: []v1beta1.BGPAdvertisement{
				adv("net", v1beta1.BGPAdvertisementSpec{AggregationLength: &length, WeightByEndpoints: true}),
				adv("hosts", v1beta1.BGPAdvertisementSpec{WeightByEndpoints: true, Peers: []string{"p1"}}),
			},
			local: true, endpoints: three,
			want: map[string][]rib.Path{
				"p1": {weighing(host, 3), path(t, "198.51.100.0/24", 0)}, "p2": {path(t, "198.51.100.0/24", 0)},
			},
		},
		"advertisements that contradict each other about weights": {
			advertisements: []v1beta1.BGPAdvertisement{weightBlue("a", true), weightBlue("b", false)}, local: true, endpoints: three,
			want:            map[string][]rib.Path{"p1": {host}, "p2": {host}},
			wantConflicting: announce.Conflict{WeightByEndpoints: true},
		},
		"advertisements that contradict each other about weights that the Cluster policy does not have": {
			advertisements: []v1beta1.BGPAdvertisement{weightBlue("a", true), weightBlue("b", false)}, endpoints: three,
			want: map[string][]rib.Path{"p1": {host}, "p2": {host}},
		},
		"different AS paths towards different peers are no conflict": {
			advertisements: []v1beta1.BGPAdvertisement{prependingBlue("a", 0, 1, "p1"), prependingBlue("b", 0, 2, "p2")}, endpoints: everywhere,
			want: map[string][]rib.Path{"p1": {prepending(host, 1)}, "p2": {prepending(host, 2)}},
		},
		"an aggregate and its addresses may have different AS paths": {
			advertisements: []v1beta1.BGPAdvertisement{
				adv("hosts", v1beta1.BGPAdvertisementSpec{ASPathPrepend: 1, Peers: []string{"p1"}}),
				adv("net", v1beta1.BGPAdvertisementSpec{AggregationLength: &length, AggregationLengthV6: &lengthV6, ASPathPrepend: 2, Peers: []string{"p1"}}),
			},
			endpoints: everywhere,
			want:      map[string][]rib.Path{"p1": {prepending(host, 1), prepending(path(t, "198.51.100.0/24", 0), 2)}},
		},
		"advertisements that contradict each other about a service that is not announced": {
			node: unavailable, advertisements: []v1beta1.BGPAdvertisement{forBlue("a", 1), forBlue("b", 2, "p2")},
			wantRefused: map[netip.Addr]announce.Reason{v4: announce.NodeNetworkUnavailable},
		},
		"a node without network": {
			node:           func(in *policy.Input) { unavailable(in); excluded(in) },
			advertisements: everything, wantRefused: map[netip.Addr]announce.Reason{v4: announce.NodeNetworkUnavailable},
		},
		"a node that is drained since it is labeled to serve no load balancers": {
			node: excluded, advertisements: everything, wantRefused: map[netip.Addr]announce.Reason{v4: announce.NodeExcluded},
		},
		"a node that is drained for another signal": {
			node: drained("metallb.io/drain"), advertisements: everything, wantRefused: map[netip.Addr]announce.Reason{v4: announce.NodeDrained},
		},
		"a node that drains announces, and leaves it to the table that all paths drain": {
			node:           func(in *policy.Input) { drained("metallb.io/drain")(in); in.Node.Drained = false },
			advertisements: everything, endpoints: everywhere, want: map[string][]rib.Path{"p1": {host}, "p2": {host}},
		},
		"a service proxy that does not forward yet, with the Cluster policy": {
			node: pending, advertisements: everything, endpoints: everywhere, wantRefused: map[netip.Addr]announce.Reason{v4: announce.NodeProxyNotReady},
		},
		"a service proxy that does not forward yet, with the Local policy": {
			node: pending, advertisements: everything, local: true, endpoints: everywhere,
			wantRefused: map[netip.Addr]announce.Reason{v4: announce.NodeProxyNotReady},
		},
		"a service proxy that forwards the other family only": {
			node: pending, advertisements: everything, addresses: []netip.Addr{v4, v6}, endpoints: everywhere,
			want: map[string][]rib.Path{"p6": {path(t, "2001:db8:1::7/128", 0)}}, wantRefused: map[netip.Addr]announce.Reason{v4: announce.NodeProxyNotReady},
		},
		"the Local policy without an endpoint on the node": {
			advertisements: everything, local: true, endpoints: readyElsewhere(),
			wantRefused: map[netip.Addr]announce.Reason{v4: announce.NoLocalEndpoints},
		},
		"the Local policy with an endpoint on the node": {
			advertisements: everything, local: true, endpoints: everywhere, want: map[string][]rib.Path{"p1": {host}, "p2": {host}},
		},
		"the Cluster policy with an endpoint on another node": {
			advertisements: everything, endpoints: readyElsewhere(), want: map[string][]rib.Path{"p1": {host}, "p2": {host}},
		},
		"the Cluster policy without endpoint": {
			advertisements: everything, wantRefused: map[netip.Addr]announce.Reason{v4: announce.NoEndpoints},
		},
		"no peer that is selected": {
			advertisements: []v1beta1.BGPAdvertisement{adv("a", v1beta1.BGPAdvertisementSpec{Peers: []string{"p6", "other"}})}, endpoints: everywhere,
			wantRefused: map[netip.Addr]announce.Reason{v4: announce.NoPeer},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.addresses == nil {
				tc.addresses = []netip.Addr{v4}
			}
			d := announce.Decide(compile(t, tc.node, tc.advertisements...), announce.Service{
				Labels: map[string]string{"color": "blue"}, Addresses: tc.addresses, AllocatedFrom: tc.from, Local: tc.local,
			}, tc.endpoints)
			if diff := cmp.Diff(tc.want, d.Paths, comparable); diff != "" {
				t.Errorf("paths (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantRefused, d.Refused, comparable); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
			if d.Conflicting != tc.wantConflicting {
				t.Errorf("conflicting in %+v", d.Conflicting)
			}
			if len(d.Announced)+len(d.Refused) != len(tc.addresses) {
				t.Errorf("announced %v and refused %v of %v", d.Announced, d.Refused, tc.addresses)
			}
		})
	}
}
