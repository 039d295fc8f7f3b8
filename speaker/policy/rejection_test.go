// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/speaker/policy"
)

// secured makes the first peer refer to the secret x.
func secured(secrets ...corev1.Secret) func(*policy.Input) {
	return func(in *policy.Input) {
		in.Peers[0].Spec.PasswordSecret = corev1.SecretReference{Name: "x"}
		in.Secrets = secrets
	}
}

// fromOwnAddress has another peer connect from 10.0.0.1 to where the first one connects to from whatever the kernel chooses: from that address.
func fromOwnAddress(chosen string) func(*policy.Input) {
	return func(in *policy.Input) {
		in.Peers = append(in.Peers, peer("a-new", "192.0.2.1", func(s *v1beta2.BGPPeerSpec) { s.SrcAddress = "10.0.0.1" }))
		in.Node.SourceTo = func(netip.Addr, string) netip.Addr {
			addr, _ := netip.ParseAddr(chosen)
			return addr
		}
	}
}

// Two sessions that a router takes for two must not become one.
func TestPeersFromTwoAddressesAreTwo(t *testing.T) {
	t.Parallel()
	for name, mutate := range map[string]func(*policy.Input){
		"the kernel chooses another":            fromOwnAddress("10.0.0.2"),
		"it is not known what it chooses":       fromOwnAddress(""),
		"nobody can tell":                       func(in *policy.Input) { fromOwnAddress("10.0.0.1")(in); in.Node.SourceTo = nil },
		"to another port":                       func(in *policy.Input) { fromOwnAddress("10.0.0.1")(in); in.Peers[0].Spec.Port = 1179 },
		"the router takes only one, by its ASN": func(in *policy.Input) { fromOwnAddress("10.0.0.1")(in); in.Peers[0].Spec.ASN = 64599 },
		"the router takes only one, by its password": func(in *policy.Input) {
			fromOwnAddress("10.0.0.1")(in)
			in.Peers[0].Spec.Password = "s3cret"
		},
		"both say which": func(in *policy.Input) {
			fromOwnAddress("10.0.0.1")(in)
			in.Peers[0].Spec.SrcAddress = "10.0.0.3"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, rejections := policy.Compile(input(mutate), nil)
			if diff := gocmp.Diff([]string{"a-new", "v4", "v6"}, sessionNames(p)); diff != "" || len(rejections) > 0 {
				t.Errorf("rejections %v; sessions (-want +got):\n%s", rejections, diff)
			}
		})
	}
}

func TestABadObjectIsRejectedAlone(t *testing.T) {
	t.Parallel()
	red := v1beta1.CommunityAlias{Name: "red", Value: "64512:2"}
	replaceAdv := func(mutate ...func(*v1beta1.BGPAdvertisementSpec)) func(*policy.Input) {
		return func(in *policy.Input) { in.Advertisements = []v1beta1.BGPAdvertisement{adv("all", mutate...)} }
	}
	tests := map[string]struct {
		mutate       func(*policy.Input)
		wantRejected string
		wantReason   string
		wantSessions []string
		want         []summary
	}{
		"a pool that does not parse": {
			mutate:       func(in *policy.Input) { in.Pools[0].Spec.Addresses = []string{"198.51.100.0/33"} },
			wantRejected: "IPAddressPool/pool", wantReason: `198.51.100.0/33`,
		},
		"an advertisement that does not parse": {
			mutate:       replaceAdv(withLength(33)),
			wantRejected: "BGPAdvertisement/all", wantReason: "aggregationLength",
		},
		"an alias that nobody defines": {
			mutate:       replaceAdv(withCommunities("red")),
			wantRejected: "BGPAdvertisement/all", wantReason: `alias "red"`,
		},
		"an alias that two objects define": {
			mutate: func(in *policy.Input) {
				in.Communities = []v1beta1.Community{community("z", red), community("a", v1beta1.CommunityAlias{Name: "red", Value: "64512:9"})}
				replaceAdv(withCommunities("red"))(in)
			},
			wantRejected: "Community/z", wantReason: `duplicate definition of community "red"`,
			want: []summary{{Name: "all", Prefix: "198.51.100.0/32", Peers: []string{"v4"}, Communities: []string{"64512:9"}}},
		},
		"an aggregation length that has no room in the pool": {
			mutate:       replaceAdv(withLength(20)),
			wantRejected: "BGPAdvertisement/all", wantReason: `pool "pool": invalid aggregation length 20`,
		},
		"local preferences that contradict each other": {
			mutate: func(in *policy.Input) {
				in.Advertisements = []v1beta1.BGPAdvertisement{adv("a-new", withLocalPref(200)), adv("all")}
			},
			wantRejected: "BGPAdvertisement/all", wantReason: "local preference 200 was already set",
			want: []summary{{Name: "a-new", Prefix: "198.51.100.0/32", LocalPref: 200, Peers: []string{"v4"}}},
		},
		"AS paths that contradict each other": {
			mutate: func(in *policy.Input) {
				in.Advertisements = []v1beta1.BGPAdvertisement{adv("a-new", withASPathPrepend(2)), adv("all")}
			},
			wantRejected: "BGPAdvertisement/all", wantReason: "AS path prepend 2 was already set",
			want: []summary{{Name: "a-new", Prefix: "198.51.100.0/32", ASPathPrepend: 2, Peers: []string{"v4"}}},
		},
		"MEDs that contradict each other": {
			mutate: func(in *policy.Input) {
				in.Advertisements = []v1beta1.BGPAdvertisement{adv("a-new", withMED(20)), adv("all")}
			},
			wantRejected: "BGPAdvertisement/all", wantReason: "invalid MED none: MED 20 was already set",
			want: []summary{{Name: "a-new", Prefix: "198.51.100.0/32", MED: "20", Peers: []string{"v4"}}},
		},
		"a peer that does not parse": {
			mutate:       func(in *policy.Input) { in.Peers[0].Spec.Address = "nowhere" },
			wantRejected: "BGPPeer/v4", wantReason: "peerAddress",
			want: []summary{{Name: "all", Prefix: "198.51.100.0/32"}}, wantSessions: []string{"v6"},
		},
		"a peer that another one is": {
			mutate:       func(in *policy.Input) { in.Peers = append(in.Peers, peer("a-new", "192.0.2.1")) },
			wantRejected: "BGPPeer/v4", wantReason: `BGPPeer "a-new" connects to it`,
			want: []summary{{Name: "all", Prefix: "198.51.100.0/32", Peers: []string{"a-new"}}}, wantSessions: []string{"a-new", "v6"},
		},
		"a peer that another one is, from the address that the kernel chooses": {
			mutate:       fromOwnAddress("10.0.0.1"),
			wantRejected: "BGPPeer/v4", wantReason: `BGPPeer "a-new" connects to it from the same nodes; ` +
				`remove one or make their nodeSelectors disjoint (without spec.sourceAddress, this node connects to it from 10.0.0.1)`,
			want: []summary{{Name: "all", Prefix: "198.51.100.0/32", Peers: []string{"a-new"}}}, wantSessions: []string{"a-new", "v6"},
		},
		"a secret that is not there": {
			mutate:       secured(),
			wantRejected: "BGPPeer/v4", wantReason: "secret metallb-system/x not found",
			want: []summary{{Name: "all", Prefix: "198.51.100.0/32"}}, wantSessions: []string{"v6"},
		},
		"a secret of the wrong type": {
			mutate:       secured(secret("x", corev1.SecretTypeOpaque, map[string]string{"password": "p"})),
			wantRejected: "BGPPeer/v4", wantReason: "secret metallb-system/x not found among those of type kubernetes.io/basic-auth; create it",
			want: []summary{{Name: "all", Prefix: "198.51.100.0/32"}}, wantSessions: []string{"v6"},
		},
		"a secret without password": {
			mutate:       secured(secret("x", corev1.SecretTypeBasicAuth, map[string]string{"username": "u"})),
			wantRejected: "BGPPeer/v4", wantReason: `has no password`,
			want: []summary{{Name: "all", Prefix: "198.51.100.0/32"}}, wantSessions: []string{"v6"},
		},
		"a password that TCP MD5 does not take": {
			mutate:       secured(secret("x", corev1.SecretTypeBasicAuth, map[string]string{"password": strings.Repeat("p", 81)})),
			wantRejected: "BGPPeer/v4", wantReason: `a password of 81 bytes`,
			want: []summary{{Name: "all", Prefix: "198.51.100.0/32"}}, wantSessions: []string{"v6"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.wantSessions == nil {
				tc.wantSessions = []string{"v4", "v6"}
			}
			p, rejections := policy.Compile(input(tc.mutate), nil)
			if len(rejections) != 1 || rejections[0].Kind+"/"+rejections[0].Name != tc.wantRejected || rejections[0].Namespace != namespace {
				t.Fatalf("rejections %v, want one of %s", rejections, tc.wantRejected)
			}
			if !strings.Contains(rejections[0].Reason, tc.wantReason) || rejections[0].Effect != policy.NotInUse {
				t.Errorf("rejection %+v, want reason %q", rejections[0], tc.wantReason)
			}
			if diff := gocmp.Diff(tc.wantSessions, sessionNames(p)); diff != "" {
				t.Errorf("sessions (-want +got):\n%s", diff)
			}
			if diff := gocmp.Diff(tc.want, summarize(p, address), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("advertisements (-want +got):\n%s", diff)
			}
		})
	}
}

// Which of two objects is used must follow from the API, and not from which of them a speaker has seen first.
func TestOfTwoThatContradictEachOtherThePrecedingOneIsUsed(t *testing.T) {
	t.Parallel()
	at := func(minute int) metav1.Time {
		return metav1.NewTime(time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC))
	}
	type one struct {
		name    string
		active  bool
		created metav1.Time
	}
	pairs := map[string][2]one{
		"the active one before the older one": {{name: "z", active: true, created: at(9)}, {name: "a", created: at(1)}},
		"of two active ones the older one":    {{name: "z", active: true, created: at(1)}, {name: "a", active: true, created: at(2)}},
		"of two that are not, the older one":  {{name: "z", created: at(1)}, {name: "a", created: at(2)}},
		"of two of one age the first by name": {{name: "a", created: at(1)}, {name: "z", created: at(1)}},
	}
	kinds := map[string]func(in *policy.Input, first, second metav1.ObjectMeta){
		active.KindBGPPeer: func(in *policy.Input, first, second metav1.ObjectMeta) {
			a, b := peer("", "192.0.2.1"), peer("", "192.0.2.1")
			a.ObjectMeta, b.ObjectMeta = first, second
			in.Peers = []v1beta2.BGPPeer{b, a}
		},
		active.KindBGPAdvertisement: func(in *policy.Input, first, second metav1.ObjectMeta) {
			a, b := adv("", withLocalPref(1)), adv("", withLocalPref(2))
			a.ObjectMeta, b.ObjectMeta = first, second
			in.Advertisements = []v1beta1.BGPAdvertisement{b, a}
		},
		active.KindCommunity: func(in *policy.Input, first, second metav1.ObjectMeta) {
			red := v1beta1.CommunityAlias{Name: "red", Value: "64512:2"}
			a, b := community("", red), community("", red)
			a.ObjectMeta, b.ObjectMeta = first, second
			in.Communities = []v1beta1.Community{b, a}
		},
	}
	for name, pair := range pairs {
		for kind, put := range kinds {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				in := input()
				in.Active = map[active.Key]bool{}
				metas := [2]metav1.ObjectMeta{meta(pair[0].name), meta(pair[1].name)}
				for i, o := range pair {
					metas[i].CreationTimestamp = o.created
					in.Active[active.Key{Kind: kind, Name: o.name}] = o.active
				}
				put(&in, metas[0], metas[1])
				p, rejections := policy.Compile(in, nil)
				if len(rejections) != 1 || rejections[0].Kind != kind || rejections[0].Name != pair[1].name {
					t.Errorf("rejections %v, want one of %s %q", rejections, kind, pair[1].name)
				}
				other := in
				other.Active = map[active.Key]bool{{Kind: kind, Name: pair[1].name}: true}
				before, _ := policy.Compile(other, p)
				if _, again := policy.Compile(in, before); gocmp.Diff(rejections, again) != "" {
					t.Errorf("rejections %v after another policy, want %v", again, rejections)
				}
			})
		}
	}
}

// The controller does not bring it into use, so that it has no ActiveConfiguration. What it announces must not depend on what a speaker
// has used before.
func TestANewAdvertisementThatContradictsOneInUseAnnouncesWhatIsNotInDispute(t *testing.T) {
	t.Parallel()
	in := input()
	in.Pools = append(in.Pools, pool("other", "203.0.113.0/24"))
	in.Advertisements = []v1beta1.BGPAdvertisement{adv("a-new", withLocalPref(200)), adv("z", withLocalPref(100), withPools("pool"))}
	in.Active = map[active.Key]bool{{Kind: active.KindBGPAdvertisement, Name: "z"}: true}
	before := input()
	before.Advertisements = []v1beta1.BGPAdvertisement{adv("a-new", withLocalPref(200))}
	alone, _ := policy.Compile(before, nil)
	for name, previous := range map[string]*policy.Policy{"a speaker that starts": nil, "one that used the new one alone": alone} {
		p, rejections := policy.Compile(in, previous)
		if len(rejections) != 1 || rejections[0].Name != "a-new" {
			t.Errorf("%s: rejections %v", name, rejections)
		}
		for address, want := range map[string]string{"198.51.100.1": "z", "203.0.113.1": "a-new"} {
			if got := summarize(p, netip.MustParseAddr(address)); len(got) != 1 || got[0].Name != want {
				t.Errorf("%s: %s is announced by %v, want %s", name, address, got, want)
			}
		}
	}
}

func TestAPasswordThatCannotBeHadAnyMoreIsKeptByTheSessionThatHasIt(t *testing.T) {
	t.Parallel()
	with := secret("x", corev1.SecretTypeBasicAuth, map[string]string{"password": "first"})
	tests := map[string]struct {
		change       func(*policy.Input)
		wantPassword string
		wantEffects  []policy.Effect
		wantNone     bool
	}{
		"the secret is deleted": {change: secured(), wantPassword: "first", wantEffects: []policy.Effect{policy.KeepsPassword}},
		"the secret is deleted, and the peer changes": {
			change: func(in *policy.Input) {
				secured()(in)
				in.Peers[0].Spec.ASN = 65000
			},
			wantPassword: "first", wantEffects: []policy.Effect{policy.KeepsPassword},
		},
		"the password changes": {
			change: secured(secret("x", corev1.SecretTypeBasicAuth, map[string]string{"password": "second"})), wantPassword: "second",
		},
		"the password is empty, which means none": {
			change:      secured(secret("x", corev1.SecretTypeBasicAuth, map[string]string{"password": ""})),
			wantEffects: []policy.Effect{policy.Warning},
		},
		"the secret is deleted, and the peer is another router": {
			change: func(in *policy.Input) {
				secured()(in)
				in.Peers[0].Spec.Address = "192.0.2.99"
			},
			wantNone: true, wantEffects: []policy.Effect{policy.NotInUse},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := policy.Compile(input(secured(with)), nil)
			for range 2 {
				var rejections []policy.Rejection
				p, rejections = policy.Compile(input(tc.change), p)
				effects := make([]policy.Effect, 0, len(rejections))
				for _, r := range rejections {
					effects = append(effects, r.Effect)
				}
				if diff := gocmp.Diff(tc.wantEffects, effects, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("effects (-want +got):\n%s", diff)
				}
			}
			none := p.Sessions[0].Name != "v4"
			if none != tc.wantNone || !none && p.Sessions[0].Password != tc.wantPassword {
				t.Errorf("session %+v", p.Sessions[0])
			}
		})
	}
}

func TestConcernsTellsWhichAddressesAChangeConcerns(t *testing.T) {
	t.Parallel()
	second := netip.MustParseAddr("203.0.113.1")
	base := func(in *policy.Input) { in.Pools = append(in.Pools, pool("second", "203.0.113.0/24")) }
	tests := map[string]struct {
		mutate                func(*policy.Input)
		wantFirst, wantSecond bool
		// wantOther is whether a service that is neither could be concerned.
		wantOther bool
	}{
		"nothing changed":       {mutate: func(*policy.Input) {}},
		"a session's timer":     {mutate: func(in *policy.Input) { in.Peers[0].Spec.ASN = 65000 }},
		"a session's router ID": {mutate: func(in *policy.Input) { in.Peers[0].Spec.RouterID = "10.0.0.99" }},
		"a label of the node":   {mutate: func(in *policy.Input) { in.Node.Labels["unrelated"] = "x" }},
		"a label of a peer":     {mutate: func(in *policy.Input) { in.Peers[0].Labels = map[string]string{"unrelated": "x"} }},
		"aliases that nobody uses": {mutate: func(in *policy.Input) {
			in.Communities = append(in.Communities, community("unused", v1beta1.CommunityAlias{Name: "unused", Value: "64512:9"}))
		}},
		"a pool of other services": {
			mutate:    func(in *policy.Input) { in.Pools = append(in.Pools, pool("third", "192.0.2.0/24")) },
			wantOther: true,
		},
		"a pool whose ActiveConfiguration has come": {
			mutate: func(in *policy.Input) {
				in.Active = map[active.Key]bool{{Kind: active.KindIPAddressPool, Name: "second"}: true}
			},
			wantOther: true,
		},
		"an advertisement that names a pool that is not there": {
			mutate:    func(in *policy.Input) { in.Advertisements = append(in.Advertisements, adv("x", withPools("missing"))) },
			wantOther: true,
		},
		"an advertisement of one pool": {
			mutate:     func(in *policy.Input) { in.Advertisements = append(in.Advertisements, adv("x", withPools("second"))) },
			wantSecond: true,
		},
		"a new peer": {
			mutate:    func(in *policy.Input) { in.Peers = append(in.Peers, peer("new", "192.0.2.77")) },
			wantFirst: true, wantSecond: true,
		},
		"the node": {
			mutate:    func(in *policy.Input) { in.Node.NetworkUnavailable = true },
			wantFirst: true, wantSecond: true,
		},
		"the node's service proxy": {
			mutate:    func(in *policy.Input) { in.Node.ProxyPending[0] = true },
			wantFirst: true, wantSecond: true,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, _ := policy.Compile(input(base), nil)
			after, _ := policy.Compile(input(base, tc.mutate), before)
			if first, second := after.Concerns(before, address, nil), after.Concerns(before, second, nil); first != tc.wantFirst || second != tc.wantSecond {
				t.Errorf("concerns %t, %t; want %t, %t", first, second, tc.wantFirst, tc.wantSecond)
			}
			if got, want := after.ConcernsAny(before), tc.wantFirst || tc.wantSecond || tc.wantOther; got != want {
				t.Errorf("concerns any service: %t, want %t", got, want)
			}
			if !after.Concerns(nil, address, nil) || !after.ConcernsAny(nil) {
				t.Error("the first policy does not concern everything")
			}
		})
	}
}

func TestNodeOfTakesInternalAddressesAndTheNetworksCondition(t *testing.T) {
	t.Parallel()
	got := policy.NodeOf(&corev1.Node{Status: corev1.NodeStatus{
		Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeHostName, Address: "node-1"},
			{Type: corev1.NodeExternalIP, Address: "203.0.113.1"},
			{Type: corev1.NodeInternalIP, Address: "10.0.0.1"},
		},
		Conditions: []corev1.NodeCondition{{Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionTrue}},
	}})
	want := policy.Node{InternalIPs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, NetworkUnavailable: true}
	if diff := gocmp.Diff(want, got, gocmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("NodeOf (-want +got):\n%s", diff)
	}
}
