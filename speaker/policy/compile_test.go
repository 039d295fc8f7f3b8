// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/speaker/policy"
)

const namespace = "metallb-system"

var address = netip.MustParseAddr("198.51.100.0")

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func rack(name string) []metav1.LabelSelector {
	return []metav1.LabelSelector{{MatchLabels: map[string]string{"rack": name}}}
}

func peer(name, address string, mutate ...func(*v1beta2.BGPPeerSpec)) v1beta2.BGPPeer {
	p := v1beta2.BGPPeer{ObjectMeta: meta(name), Spec: v1beta2.BGPPeerSpec{MyASN: 64512, ASN: 64513, Address: address}}
	for _, m := range mutate {
		m(&p.Spec)
	}
	return p
}

func pool(name string, addresses ...string) v1beta1.IPAddressPool {
	return v1beta1.IPAddressPool{ObjectMeta: meta(name), Spec: v1beta1.IPAddressPoolSpec{Addresses: addresses}}
}

func adv(name string, mutate ...func(*v1beta1.BGPAdvertisementSpec)) v1beta1.BGPAdvertisement {
	a := v1beta1.BGPAdvertisement{ObjectMeta: meta(name)}
	for _, m := range mutate {
		m(&a.Spec)
	}
	return a
}

func community(name string, aliases ...v1beta1.CommunityAlias) v1beta1.Community {
	return v1beta1.Community{ObjectMeta: meta(name), Spec: v1beta1.CommunitySpec{Communities: aliases}}
}

func withLength(n int32) func(*v1beta1.BGPAdvertisementSpec) {
	return func(s *v1beta1.BGPAdvertisementSpec) { s.AggregationLength = &n }
}

func withLocalPref(n uint32) func(*v1beta1.BGPAdvertisementSpec) {
	return func(s *v1beta1.BGPAdvertisementSpec) { s.LocalPref = n }
}

func withASPathPrepend(times uint8) func(*v1beta1.BGPAdvertisementSpec) {
	return func(s *v1beta1.BGPAdvertisementSpec) { s.ASPathPrepend = times }
}

func withMED(med uint32) func(*v1beta1.BGPAdvertisementSpec) {
	return func(s *v1beta1.BGPAdvertisementSpec) { s.MED = &med }
}

func withPools(names ...string) func(*v1beta1.BGPAdvertisementSpec) {
	return func(s *v1beta1.BGPAdvertisementSpec) { s.IPAddressPools = names }
}

func withCommunities(names ...string) func(*v1beta1.BGPAdvertisementSpec) {
	return func(s *v1beta1.BGPAdvertisementSpec) { s.Communities = names }
}

func withSecret(name string) func(*v1beta2.BGPPeerSpec) {
	return func(s *v1beta2.BGPPeerSpec) { s.PasswordSecret = corev1.SecretReference{Name: name} }
}

func secret(name string, kind corev1.SecretType, data map[string]string) corev1.Secret {
	s := corev1.Secret{ObjectMeta: meta(name), Type: kind, Data: map[string][]byte{}}
	for k, v := range data {
		s.Data[k] = []byte(v)
	}
	return s
}

// input has one good object of each kind.
func input(mutate ...func(*policy.Input)) policy.Input {
	in := policy.Input{
		Node: policy.Node{
			Name: "node-1", Labels: map[string]string{"rack": "a"},
			InternalIPs: []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("10.0.0.1")},
		},
		Objects: active.Objects{
			Peers:          []v1beta2.BGPPeer{peer("v4", "192.0.2.1"), peer("v6", "2001:db8::2")},
			Advertisements: []v1beta1.BGPAdvertisement{adv("all")},
			Pools:          []v1beta1.IPAddressPool{pool("pool", "198.51.100.0/24", "2001:db8:1::/64")},
		},
	}
	for _, m := range mutate {
		m(&in)
	}
	return in
}

// summary is what tests compare of an advertisement.
type summary struct {
	Name   string
	Prefix string
	// LocalPref is 0 if it is the default.
	LocalPref     uint32
	ASPathPrepend uint8
	// MED is empty if there is none.
	MED         string
	Communities []string
	Peers       []string
}

func summarize(p *policy.Policy, addr netip.Addr, from ...string) []summary {
	pool := p.Pool(addr, from)
	if pool == nil {
		return nil
	}
	var all []summary
	for _, a := range pool.Advertisements {
		s := summary{Name: a.Name, Prefix: a.Prefix(addr).String(), LocalPref: a.LocalPref, ASPathPrepend: a.ASPathPrepend, Peers: a.Peers(addr)}
		if a.MED.IsSet {
			s.MED = a.MED.String()
		}
		if s.LocalPref == 100 {
			s.LocalPref = 0
		}
		for _, c := range a.Communities {
			s.Communities = append(s.Communities, c.String())
		}
		all = append(all, s)
	}
	return all
}

func sessionNames(p *policy.Policy) []string {
	names := make([]string, 0, len(p.Sessions))
	for _, s := range p.Sessions {
		names = append(names, s.Name)
	}
	return names
}

func TestASessionHasItsPeersParametersAndTheNodesRouterID(t *testing.T) {
	t.Parallel()
	p, rejections := policy.Compile(input(func(in *policy.Input) {
		in.Secrets = []corev1.Secret{secret("password", corev1.SecretTypeBasicAuth, map[string]string{"password": "xyz"})}
		in.Peers = []v1beta2.BGPPeer{peer("router", "192.0.2.1", withSecret("password"), func(s *v1beta2.BGPPeerSpec) {
			s.Port, s.SrcAddress, s.EBGPMultiHop = 1790, "10.0.0.7", true
			s.HoldTime = &metav1.Duration{Duration: 9 * time.Second}
		})}
	}), nil)
	want := []bgp.Peer{{
		Name: "router", LocalASN: 64512, PeerASN: 64513, Address: netip.MustParseAddr("192.0.2.1"), Port: 1790,
		Source: netip.MustParseAddr("10.0.0.7"), RouterID: netip.MustParseAddr("10.0.0.1"),
		HoldTime: 9 * time.Second, KeepaliveTime: 3 * time.Second, ConnectTime: 2 * time.Second, Password: "xyz", MultiHopTTL: 255, Families: bgp.Families{IPv4: true},
	}}
	if len(rejections) > 0 || len(p.Sessions) != 1 || !p.Sessions[0].Equal(want[0]) {
		t.Errorf("sessions %+v, rejections %v; want %+v and none", p.Sessions, rejections, want)
	}
}

func TestLineBreaksAtTheEndOfASecretAreNotPartOfThePassword(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("p", bgp.MaxPasswordLength)
	for _, tc := range []struct{ written, want string }{
		{"xyz\n", "xyz"}, {"xyz\r\n", "xyz"}, {" x\ny ", " x\ny "}, {longest + "\n", longest}, {"\n", ""},
	} {
		p, _ := policy.Compile(input(func(in *policy.Input) {
			in.Secrets = []corev1.Secret{secret("password", corev1.SecretTypeBasicAuth, map[string]string{"password": tc.written})}
			in.Peers = []v1beta2.BGPPeer{peer("router", "192.0.2.1", withSecret("password"))}
		}), nil)
		if len(p.Sessions) != 1 || p.Sessions[0].Password != tc.want {
			t.Errorf("the Secret has %q: sessions %+v, want the password %q", tc.written, p.Sessions, tc.want)
		}
	}
}

func TestANodeWithoutIPv4HasARouterIDOfItsOwn(t *testing.T) {
	t.Parallel()
	routerID := func(node string) netip.Addr {
		p, _ := policy.Compile(input(func(in *policy.Input) {
			in.Node.Name, in.Node.InternalIPs = node, []netip.Addr{netip.MustParseAddr("2001:db8::1")}
		}), nil)
		return p.Sessions[0].RouterID
	}
	one, again, two := routerID("node-1"), routerID("node-1"), routerID("node-2")
	if !one.Is4() || one.IsUnspecified() || one != again || one == two {
		t.Errorf("router IDs %s, %s of node-1 and %s of node-2", one, again, two)
	}
}

// Routers older than RFC 6286 refuse what is in the ranges of multicast and reserved addresses, with OPEN Message Error/Bad BGP Identifier.
func TestTheRouterIDOfANodeWithoutIPv4IsOneThatRoutersTake(t *testing.T) {
	t.Parallel()
	seen := map[netip.Addr]string{}
	for i := range 1000 {
		node := fmt.Sprintf("worker-%d", i)
		p, _ := policy.Compile(input(func(in *policy.Input) {
			in.Node.Name, in.Node.InternalIPs = node, []netip.Addr{netip.MustParseAddr("2001:db8::1")}
		}), nil)
		id := p.Sessions[0].RouterID
		if first := id.As4()[0]; first == 0 || first == 127 || first >= 224 {
			t.Errorf("the router ID of node %s is %s, which no host has", node, id)
		}
		if other, found := seen[id]; found {
			t.Errorf("nodes %s and %s have one router ID, %s", node, other, id)
		}
		seen[id] = node
	}
}

func TestCompileSelectsWhatConcernsTheNode(t *testing.T) {
	t.Parallel()
	other := func(s *v1beta2.BGPPeerSpec) { s.NodeSelectors = rack("b") }
	tests := map[string]struct {
		mutate       func(*policy.Input)
		addr         string
		from         []string
		wantSessions []string
		want         []summary
	}{
		"everything is announced to every peer of the family": {
			wantSessions: []string{"v4", "v6"},
			want:         []summary{{Name: "all", Prefix: "198.51.100.0/32", Peers: []string{"v4"}}},
		},
		"IPv6 goes over IPv6 sessions": {
			addr:         "2001:db8:1::5",
			wantSessions: []string{"v4", "v6"},
			want:         []summary{{Name: "all", Prefix: "2001:db8:1::5/128", Peers: []string{"v6"}}},
		},
		"peers and advertisements of other nodes are left out": {
			mutate: func(in *policy.Input) {
				in.Peers = append(in.Peers, peer("elsewhere", "192.0.2.9", other))
				in.Advertisements = append(in.Advertisements, adv("elsewhere", func(s *v1beta1.BGPAdvertisementSpec) { s.NodeSelectors = rack("b") }))
			},
			wantSessions: []string{"v4", "v6"},
			want:         []summary{{Name: "all", Prefix: "198.51.100.0/32", Peers: []string{"v4"}}},
		},
		"an advertisement has its attributes and peers": {
			mutate: func(in *policy.Input) {
				in.Communities = []v1beta1.Community{community("c", v1beta1.CommunityAlias{Name: "red", Value: "64512:2"})}
				in.Peers = append(in.Peers, peer("other", "192.0.2.9"))
				in.Advertisements = []v1beta1.BGPAdvertisement{adv("all", withLength(25), withLocalPref(70), withASPathPrepend(2), withCommunities("red", "64512:1"),
					func(s *v1beta1.BGPAdvertisementSpec) { s.Peers = []string{"other", "nobody"} })}
			},
			wantSessions: []string{"other", "v4", "v6"},
			want: []summary{{
				Name: "all", Prefix: "198.51.100.0/25", LocalPref: 70, ASPathPrepend: 2, Communities: []string{"64512:1", "64512:2"}, Peers: []string{"other"},
			}},
		},
		"pools are selected by name and by label": {
			mutate: func(in *policy.Input) {
				in.Pools[0].Labels = map[string]string{"rack": "a"}
				selectors := func(s *v1beta1.BGPAdvertisementSpec) { s.IPAddressPoolSelectors = rack("a") }
				in.Advertisements = []v1beta1.BGPAdvertisement{
					adv("by-label", selectors), adv("by-name", withPools("pool")), adv("other", withPools("other")),
				}
			},
			wantSessions: []string{"v4", "v6"},
			want: []summary{
				{Name: "by-label", Prefix: "198.51.100.0/32", Peers: []string{"v4"}}, {Name: "by-name", Prefix: "198.51.100.0/32", Peers: []string{"v4"}},
			},
		},
		"an address of no pool is nobody's": {
			addr:         "203.0.113.1",
			wantSessions: []string{"v4", "v6"},
		},
		"of pools that overlap, it is the one on record": {
			mutate: func(in *policy.Input) {
				in.Pools = append(in.Pools, pool("a-pool", "198.51.100.0/24"))
				in.Advertisements = []v1beta1.BGPAdvertisement{adv("a", withPools("a-pool")), adv("b", withPools("pool"))}
			},
			from:         []string{"pool"},
			wantSessions: []string{"v4", "v6"},
			want:         []summary{{Name: "b", Prefix: "198.51.100.0/32", Peers: []string{"v4"}}},
		},
		"an address whose pool is unknown keeps the advertisements that name it or select every pool": {
			mutate: func(in *policy.Input) {
				in.Advertisements = []v1beta1.BGPAdvertisement{
					adv("all"), adv("named", withPools("gone")), adv("other", withPools("pool")),
					adv("selector", func(s *v1beta1.BGPAdvertisementSpec) {
						s.IPAddressPoolSelectors = []metav1.LabelSelector{{MatchExpressions: []metav1.LabelSelectorRequirement{
							{Key: "x", Operator: metav1.LabelSelectorOpDoesNotExist},
						}}}
					}),
				}
			},
			addr:         "203.0.113.1",
			from:         []string{"gone"},
			wantSessions: []string{"v4", "v6"},
			want: []summary{
				{Name: "all", Prefix: "203.0.113.1/32", Peers: []string{"v4"}}, {Name: "named", Prefix: "203.0.113.1/32", Peers: []string{"v4"}},
			},
		},
		"an address that its pool has no more keeps the advertisements that select the pool by label": {
			mutate: func(in *policy.Input) {
				in.Pools[0].Labels = map[string]string{"rack": "a"}
				in.Advertisements = []v1beta1.BGPAdvertisement{adv("by-label", func(s *v1beta1.BGPAdvertisementSpec) { s.IPAddressPoolSelectors = rack("a") })}
			},
			addr:         "203.0.113.1",
			from:         []string{"pool"},
			wantSessions: []string{"v4", "v6"},
			want:         []summary{{Name: "by-label", Prefix: "203.0.113.1/32", Peers: []string{"v4"}}},
		},
		"of two pools on record, it is the one of the address's family": {
			mutate: func(in *policy.Input) {
				in.Pools = []v1beta1.IPAddressPool{pool("four", "198.51.100.128/25"), pool("six", "2001:db8:2::/64")}
				in.Advertisements = []v1beta1.BGPAdvertisement{adv("four", withPools("four")), adv("six", withPools("six"))}
			},
			from:         []string{"six", "four"},
			wantSessions: []string{"v4", "v6"},
			want:         []summary{{Name: "four", Prefix: "198.51.100.0/32", Peers: []string{"v4"}}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input()
			if tc.mutate != nil {
				tc.mutate(&in)
			}
			addr := address
			if tc.addr != "" {
				addr = netip.MustParseAddr(tc.addr)
			}
			p, rejections := policy.Compile(in, nil)
			if len(rejections) > 0 {
				t.Errorf("rejections: %v", rejections)
			}
			if diff := cmp.Diff(tc.wantSessions, sessionNames(p)); diff != "" {
				t.Errorf("sessions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, summarize(p, addr, tc.from...), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("advertisements (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheRouterIDStaysAsLongAsItIsTheNodes(t *testing.T) {
	t.Parallel()
	ips := func(addresses ...string) (ips []netip.Addr) {
		for _, a := range addresses {
			ips = append(ips, netip.MustParseAddr(a))
		}
		return ips
	}
	tests := map[string]struct {
		before, after []netip.Addr
		wantKept      bool
		want          string
	}{
		"an address is added before it": {before: ips("10.0.0.1"), after: ips("10.0.0.2", "10.0.0.1"), wantKept: true},
		"addresses change places":       {before: ips("10.0.0.1", "10.0.0.2"), after: ips("10.0.0.2", "10.0.0.1"), wantKept: true},
		"no address is known any more":  {before: ips("10.0.0.1"), after: nil, wantKept: true},
		"only IPv6 is known any more":   {before: ips("10.0.0.1"), after: ips("2001:db8::1"), wantKept: true},
		"the first address comes late":  {before: nil, after: ips("10.0.0.1"), wantKept: true},
		"the node has another address":  {before: ips("10.0.0.1"), after: ips("10.0.0.2"), want: "10.0.0.2"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, _ := policy.Compile(input(func(in *policy.Input) { in.Node.InternalIPs = tc.before }), nil)
			after, _ := policy.Compile(input(func(in *policy.Input) { in.Node.InternalIPs = tc.after }), before)
			was, is := before.Sessions[0].RouterID, after.Sessions[0].RouterID
			if tc.wantKept && is != was || tc.want != "" && is.String() != tc.want {
				t.Errorf("router ID was %s and is %s", was, is)
			}
		})
	}
}
