// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"errors"
	"net/netip"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/speaker/policy"
)

// routers has the node know a router on eth1, and default gateways of its rack.
func routers(n *policy.Node) {
	n.Router = func(device string) (netip.Addr, error) {
		if device != "eth1" {
			return netip.Addr{}, errors.New("interface " + device + " is not on this node")
		}
		return netip.MustParseAddr("fe80::1%eth1"), nil
	}
	n.Gateway = func(family v1beta2.GatewayFamily) (netip.Addr, error) {
		if family == v1beta2.IPv6Gateway {
			return netip.Addr{}, errors.New("this node has no IPv6 default route")
		}
		return netip.MustParseAddr("10.0.0.254"), nil
	}
}

func TestANodeFillsInWhatItKnowsOfAPeer(t *testing.T) {
	t.Parallel()
	own := bgp.OwnAddresses{IPv4: netip.MustParseAddr("10.0.0.1"), IPv6: netip.MustParseAddr("2001:db8::1")}
	both := bgp.Families{IPv4: true, IPv6: true}
	tests := map[string]struct {
		peer func(*v1beta2.BGPPeerSpec)
		node func(*policy.Input)
		// want is what the session differs in from one with 192.0.2.1.
		want       func(*bgp.Peer)
		interfaces []string
		refused    []policy.Refused
	}{
		"the router on an interface": {
			peer: func(s *v1beta2.BGPPeerSpec) { s.Address, s.Interface = "", "eth1" },
			want: func(p *bgp.Peer) {
				p.Address, p.Families, p.OwnAddresses = netip.MustParseAddr("fe80::1%eth1"), both, own
			},
			interfaces: []string{"eth1"},
		},
		"an interface that is not there yet": {
			peer:       func(s *v1beta2.BGPPeerSpec) { s.Address, s.Interface = "", "eth7" },
			interfaces: []string{"eth7"},
			refused:    []policy.Refused{{Peer: "router", Reason: "interface eth7 is not on this node"}},
		},
		"the default gateway": {
			peer: func(s *v1beta2.BGPPeerSpec) { s.Address, s.DefaultGateway = "", v1beta2.IPv4Gateway },
			want: func(p *bgp.Peer) { p.Address = netip.MustParseAddr("10.0.0.254") },
		},
		"no default gateway": {
			peer:    func(s *v1beta2.BGPPeerSpec) { s.Address, s.DefaultGateway = "", v1beta2.IPv6Gateway },
			refused: []policy.Refused{{Peer: "router", Reason: "this node has no IPv6 default route"}},
		},
		"a speaker that finds no routers": {
			peer:    func(s *v1beta2.BGPPeerSpec) { s.Address, s.DefaultGateway = "", v1beta2.IPv4Gateway },
			node:    func(in *policy.Input) { in.Node.Gateway = nil },
			refused: []policy.Refused{{Peer: "router", Reason: "this speaker cannot find routers"}},
		},
		"both families over one session": {
			peer: func(s *v1beta2.BGPPeerSpec) { s.DualStackAddressFamily = true },
			want: func(p *bgp.Peer) { p.Families, p.OwnAddresses = both, own },
		},
		"the ASN of the node's rack": {
			peer: func(s *v1beta2.BGPPeerSpec) { s.PerNode = &v1beta2.PerNode{ASN: "{annotation:example.com/asn}"} },
			want: func(p *bgp.Peer) { p.PeerASN = 4200000001 },
		},
		"an annotation that the node has not": {
			peer: func(s *v1beta2.BGPPeerSpec) { s.PerNode = &v1beta2.PerNode{ASN: "{annotation:example.com/as}"} },
			refused: []policy.Refused{{
				Peer: "router", Address: netip.MustParseAddr("192.0.2.1"),
				Reason: `spec.perNode.peerASN: Invalid value: "{annotation:example.com/as}": the node has no annotation example.com/as`,
			}},
		},
		"the password of the node's rack": {
			peer: func(s *v1beta2.BGPPeerSpec) { s.PerNode = &v1beta2.PerNode{PasswordSecret: "bgp-{label:rack}"} },
			node: func(in *policy.Input) {
				in.Secrets = []corev1.Secret{secret("bgp-a", corev1.SecretTypeBasicAuth, map[string]string{"password": "xyz"})}
			},
			want: func(p *bgp.Peer) { p.Password = "xyz" },
		},
		"a peer of other nodes": {
			peer: func(s *v1beta2.BGPPeerSpec) { s.Address, s.Interface, s.NodeSelectors = "", "eth7", rack("b") },
		},
		"two peers that are one router here": {
			peer: func(s *v1beta2.BGPPeerSpec) { s.Address, s.DefaultGateway = "", v1beta2.IPv4Gateway },
			node: func(in *policy.Input) { in.Peers = append(in.Peers, peer("a-gateway", "10.0.0.254")) },
			refused: []policy.Refused{{
				Peer: "router", Address: netip.MustParseAddr("10.0.0.254"),
				Reason: `peer 10.0.0.254 already exists: BGPPeer "a-gateway" connects to it from the same nodes; remove one or make their nodeSelectors disjoint`,
			}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, rejections := policy.Compile(input(func(in *policy.Input) {
				routers(&in.Node)
				in.Node.Annotations = map[string]string{"example.com/asn": "4200000001"}
				in.Peers = []v1beta2.BGPPeer{peer("router", "192.0.2.1", tc.peer)}
				if tc.node != nil {
					tc.node(in)
				}
			}), nil)
			if diff := gocmp.Diff(tc.refused, p.Refused, gocmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
			if diff := gocmp.Diff(tc.interfaces, p.Interfaces, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("interfaces (-want +got):\n%s", diff)
			}
			if awaits := len(tc.refused) > 0 && !tc.refused[0].Address.IsValid(); p.AwaitsRouter != awaits {
				t.Errorf("waits for a router: %v", p.AwaitsRouter)
			}
			if len(rejections) != len(tc.refused) {
				t.Errorf("rejections %v", rejections)
			}
			if tc.want == nil {
				return
			}
			plain, _ := policy.Compile(input(), nil)
			want := plain.Sessions[0]
			want.Name = "router"
			tc.want(&want)
			if got := p.Sessions[0]; !got.Equal(want) {
				t.Errorf("session %+v, want %+v", got, want)
			}
		})
	}
}

func TestASessionOfBothFamiliesGetsBoth(t *testing.T) {
	t.Parallel()
	p, _ := policy.Compile(input(func(in *policy.Input) { in.Peers[0].Spec.DualStackAddressFamily = true }), nil)
	advertisement := p.Pool(address, nil).Advertisements[0]
	if diff := gocmp.Diff([]string{"v4"}, advertisement.PeersV4); diff != "" {
		t.Errorf("peers that get IPv4 (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]string{"v4", "v6"}, advertisement.PeersV6); diff != "" {
		t.Errorf("peers that get IPv6 (-want +got):\n%s", diff)
	}
}

func TestWaitingForARouterIsNoStaleConfiguration(t *testing.T) {
	t.Parallel()
	stale := map[policy.Effect]bool{policy.NotInUse: true, policy.KeepsPassword: true, policy.NoSession: false, policy.Warning: false}
	for effect, want := range stale {
		if got := effect.IsStale(); got != want {
			t.Errorf("%q: stale is %t", effect, got)
		}
	}
}
