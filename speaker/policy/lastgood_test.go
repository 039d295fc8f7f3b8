// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"cmp"
	"net/netip"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/session"
)

func TestABadObjectIsRejectedAlone(t *testing.T) {
	t.Parallel()
	all := summary{Name: "all", Prefix: "198.51.100.0/32", Peers: []string{"v4"}}
	red := v1beta1.CommunityAlias{Name: "red", Value: "64512:2"}
	replaceAdv := func(mutate ...func(*v1beta1.BGPAdvertisementSpec)) func(*policy.Input) {
		return func(in *policy.Input) { in.Advertisements = []v1beta1.BGPAdvertisement{adv("all", mutate...)} }
	}
	tests := map[string]struct {
		// before is what was compiled before, in the second case.
		before, mutate func(*policy.Input)
		wantRejected   string
		wantReason     string
		// wantKeptRejected is what is rejected in the second case, if it is another object.
		wantKeptRejected string
		// wantNew is what is announced if there is nothing to fall back to, wantKept if there is.
		wantNew, wantKept                 []summary
		wantNewSessions, wantKeptSessions []string
	}{
		"a pool that does not parse": {
			mutate:       func(in *policy.Input) { in.Pools[0].Spec.Addresses = []string{"198.51.100.0/33"} },
			wantRejected: "IPAddressPool/pool", wantReason: `198.51.100.0/33`,
			wantKept: []summary{all},
		},
		"an advertisement that does not parse": {
			mutate:       replaceAdv(withLength(33)),
			wantRejected: "BGPAdvertisement/all", wantReason: "aggregationLength",
			wantKept: []summary{all},
		},
		"an alias that nobody defines": {
			mutate:       replaceAdv(withCommunities("red")),
			wantRejected: "BGPAdvertisement/all", wantReason: `alias "red"`,
			wantKept: []summary{all},
		},
		"an alias that is not defined any more": {
			before: func(in *policy.Input) {
				in.Communities = []v1beta1.Community{community("c", red)}
				replaceAdv(withCommunities("red"))(in)
			},
			mutate:       replaceAdv(withCommunities("red")),
			wantRejected: "BGPAdvertisement/all", wantReason: `alias "red"`,
			wantKept: []summary{{Name: "all", Prefix: "198.51.100.0/32", Peers: []string{"v4"}, Communities: []string{"64512:2"}}},
		},
		"an alias that two objects define": {
			before: func(in *policy.Input) {
				in.Communities = []v1beta1.Community{community("z", red)}
				replaceAdv(withCommunities("red"))(in)
			},
			mutate: func(in *policy.Input) {
				in.Communities = []v1beta1.Community{community("z", red), community("a", v1beta1.CommunityAlias{Name: "red", Value: "64512:9"})}
				replaceAdv(withCommunities("red"))(in)
			},
			wantRejected: "Community/z", wantReason: `duplicate definition of community "red"`, wantKeptRejected: "Community/a",
			wantNew:  []summary{{Name: "all", Prefix: "198.51.100.0/32", Peers: []string{"v4"}, Communities: []string{"64512:9"}}},
			wantKept: []summary{{Name: "all", Prefix: "198.51.100.0/32", Peers: []string{"v4"}, Communities: []string{"64512:2"}}},
		},
		"an aggregation length that has no room in the pool": {
			mutate:       replaceAdv(withLength(20)),
			wantRejected: "BGPAdvertisement/all", wantReason: `pool "pool": invalid aggregation length 20`,
			wantKept: []summary{all},
		},
		"a pool that shrinks below the aggregation length": {
			before: replaceAdv(withLength(24)),
			mutate: func(in *policy.Input) {
				in.Pools[0].Spec.Addresses = []string{"198.51.100.0/28"}
				replaceAdv(withLength(24))(in)
			},
			wantRejected: "BGPAdvertisement/all", wantReason: `invalid aggregation length 24`,
			wantKept: []summary{{Name: "all", Prefix: "198.51.100.0/24", Peers: []string{"v4"}}},
		},
		"local preferences that contradict each other": {
			mutate: func(in *policy.Input) {
				in.Advertisements = []v1beta1.BGPAdvertisement{adv("a-new", withLocalPref(100)), adv("all")}
			},
			wantRejected: "BGPAdvertisement/all", wantReason: "local preference 100 was already set",
			wantKeptRejected: "BGPAdvertisement/a-new",
			wantNew:          []summary{{Name: "a-new", Prefix: "198.51.100.0/32", LocalPref: 100, Peers: []string{"v4"}}},
			wantKept:         []summary{all},
		},
		"AS paths that contradict each other": {
			mutate: func(in *policy.Input) {
				in.Advertisements = []v1beta1.BGPAdvertisement{adv("a-new", withASPathPrepend(2)), adv("all")}
			},
			wantRejected: "BGPAdvertisement/all", wantReason: "AS path prepend 2 was already set",
			wantKeptRejected: "BGPAdvertisement/a-new",
			wantNew:          []summary{{Name: "a-new", Prefix: "198.51.100.0/32", ASPathPrepend: 2, Peers: []string{"v4"}}},
			wantKept:         []summary{all},
		},
		"a peer that does not parse": {
			mutate:       func(in *policy.Input) { in.Peers[0].Spec.Address = "nowhere" },
			wantRejected: "BGPPeer/v4", wantReason: "peerAddress",
			wantNew: []summary{{Name: "all", Prefix: "198.51.100.0/32"}}, wantKept: []summary{all},
			wantNewSessions: []string{"v6"},
		},
		"a peer that another one is": {
			mutate:       func(in *policy.Input) { in.Peers = append(in.Peers, peer("a-new", "192.0.2.1")) },
			wantRejected: "BGPPeer/v4", wantReason: `BGPPeer "a-new" connects to it`, wantKeptRejected: "BGPPeer/a-new",
			wantNew:  []summary{{Name: "all", Prefix: "198.51.100.0/32", Peers: []string{"a-new"}}},
			wantKept: []summary{all}, wantNewSessions: []string{"a-new", "v6"},
		},
		"a secret that is not there": {
			mutate:       func(in *policy.Input) { in.Peers[0].Spec.PasswordSecret = corev1.SecretReference{Name: "x"} },
			wantRejected: "BGPPeer/v4", wantReason: "secret metallb-system/x not found",
			wantNew: []summary{{Name: "all", Prefix: "198.51.100.0/32"}}, wantKept: []summary{all},
			wantNewSessions: []string{"v6"},
		},
		"a secret of the wrong type": {
			mutate: func(in *policy.Input) {
				in.Peers[0].Spec.PasswordSecret = corev1.SecretReference{Name: "x"}
				in.Secrets = []corev1.Secret{secret("x", corev1.SecretTypeOpaque, map[string]string{"password": "p"})}
			},
			wantRejected: "BGPPeer/v4", wantReason: `has type "Opaque"; it must be of type "kubernetes.io/basic-auth"`,
			wantNew: []summary{{Name: "all", Prefix: "198.51.100.0/32"}}, wantKept: []summary{all},
			wantNewSessions: []string{"v6"},
		},
		"a secret without password": {
			mutate: func(in *policy.Input) {
				in.Peers[0].Spec.PasswordSecret = corev1.SecretReference{Name: "x"}
				in.Secrets = []corev1.Secret{secret("x", corev1.SecretTypeBasicAuth, map[string]string{"username": "u"})}
			},
			wantRejected: "BGPPeer/v4", wantReason: `has no password`,
			wantNew: []summary{{Name: "all", Prefix: "198.51.100.0/32"}}, wantKept: []summary{all},
			wantNewSessions: []string{"v6"},
		},
		"a password that TCP MD5 does not take": {
			mutate: func(in *policy.Input) {
				in.Peers[0].Spec.PasswordSecret = corev1.SecretReference{Name: "x"}
				in.Secrets = []corev1.Secret{secret("x", corev1.SecretTypeBasicAuth, map[string]string{"password": strings.Repeat("p", 81)})}
			},
			wantRejected: "BGPPeer/v4", wantReason: `a password of 81 bytes`,
			wantNew: []summary{{Name: "all", Prefix: "198.51.100.0/32"}}, wantKept: []summary{all},
			wantNewSessions: []string{"v6"},
		},
	}
	both := []string{"v4", "v6"}
	for name, tc := range tests {
		if tc.wantNewSessions == nil {
			tc.wantNewSessions = both
		}
		check := func(t *testing.T, p *policy.Policy, rejections []policy.Rejection, wantRejected string, sessions []string, want []summary) {
			t.Helper()
			if len(rejections) != 1 || rejections[0].Kind+"/"+rejections[0].Name != wantRejected || rejections[0].Namespace != namespace {
				t.Fatalf("rejections %v, want one of %s", rejections, wantRejected)
			}
			if diff := gocmp.Diff(sessions, sessionNames(p)); diff != "" {
				t.Errorf("sessions (-want +got):\n%s", diff)
			}
			if diff := gocmp.Diff(want, summarize(p, address), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("advertisements (-want +got):\n%s", diff)
			}
		}
		t.Run(name+" has no effect", func(t *testing.T) {
			t.Parallel()
			p, rejections := policy.Compile(input(tc.mutate), nil)
			check(t, p, rejections, tc.wantRejected, tc.wantNewSessions, tc.wantNew)
			if !strings.Contains(rejections[0].Reason, tc.wantReason) || rejections[0].LastGood {
				t.Errorf("rejection %+v, want reason %q and no last good version", rejections[0], tc.wantReason)
			}
		})
		t.Run(name+" leaves in force what was before", func(t *testing.T) {
			t.Parallel()
			in := input()
			if tc.before != nil {
				tc.before(&in)
			}
			previous, rejections := policy.Compile(in, nil)
			if len(rejections) > 0 {
				t.Fatalf("rejections before: %v", rejections)
			}
			p, rejections := policy.Compile(input(tc.mutate), previous)
			// Of two that contradict each other it is the newcomer that is rejected.
			check(t, p, rejections, cmp.Or(tc.wantKeptRejected, tc.wantRejected), both, tc.wantKept)
			again, _ := policy.Compile(input(tc.mutate), p)
			if diff := gocmp.Diff(summarize(p, address), summarize(again, address)); diff != "" {
				t.Errorf("compiled once more, it changes (-before +after):\n%s", diff)
			}
		})
	}
}

func TestAPoolThatIsDeletedIsRememberedWhileItIsInUse(t *testing.T) {
	t.Parallel()
	labeled := func(in *policy.Input) {
		in.Pools[0].Labels = map[string]string{"rack": "a"}
		in.Advertisements = []v1beta1.BGPAdvertisement{adv("by-label", func(s *v1beta1.BGPAdvertisementSpec) { s.IPAddressPoolSelectors = rack("a") })}
	}
	used := true
	deleted := input(labeled, func(in *policy.Input) {
		in.Pools = nil
		in.PoolInUse = func(name string) bool { return used && name == "pool" }
	})
	p, _ := policy.Compile(input(labeled), nil)
	for range 2 {
		p, _ = policy.Compile(deleted, p)
		want := []summary{{Name: "by-label", Prefix: "198.51.100.0/32", Peers: []string{"v4"}}}
		if diff := gocmp.Diff(want, summarize(p, address, "pool")); diff != "" {
			t.Fatalf("advertisements of the deleted pool (-want +got):\n%s", diff)
		}
	}
	used = false
	p, _ = policy.Compile(deleted, p)
	used = true
	p, _ = policy.Compile(deleted, p)
	if got := summarize(p, address, "pool"); got != nil {
		t.Errorf("a pool that was out of use is remembered: %v", got)
	}
}

func TestConcernsTellsWhichAddressesAChangeConcerns(t *testing.T) {
	t.Parallel()
	second := netip.MustParseAddr("203.0.113.1")
	base := func(in *policy.Input) { in.Pools = append(in.Pools, pool("second", "203.0.113.0/24")) }
	tests := map[string]struct {
		mutate                func(*policy.Input)
		wantFirst, wantSecond bool
	}{
		"nothing changed":          {mutate: func(*policy.Input) {}},
		"a session's timer":        {mutate: func(in *policy.Input) { in.Peers[0].Spec.ASN = 65000 }},
		"a pool of other services": {mutate: func(in *policy.Input) { in.Pools = append(in.Pools, pool("third", "192.0.2.0/24")) }},
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
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, _ := policy.Compile(input(base), nil)
			after, _ := policy.Compile(input(base, tc.mutate), before)
			if first, second := after.Concerns(before, address, nil, false), after.Concerns(before, second, nil, false); first != tc.wantFirst || second != tc.wantSecond {
				t.Errorf("concerns %t, %t; want %t, %t", first, second, tc.wantFirst, tc.wantSecond)
			}
			if !after.Concerns(nil, address, nil, false) {
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

func TestANewcomerDoesNotTakeThePlaceOfOneWhoseChangeIsRejected(t *testing.T) {
	t.Parallel()
	peers := func(peers ...v1beta2.BGPPeer) func(*policy.Input) {
		return func(in *policy.Input) { in.Peers = peers }
	}
	before, _ := policy.Compile(input(peers(peer("y", "192.0.2.1"), peer("z", "192.0.2.2"))), nil)
	after, rejections := policy.Compile(input(peers(
		peer("y", "192.0.2.1"), peer("z", "192.0.2.1"), peer("a", "192.0.2.2"),
	)), before)
	if diff := gocmp.Diff(before.Sessions, after.Sessions, gocmp.Comparer(func(a, b session.Config) bool { return a == b })); diff != "" {
		t.Errorf("sessions (-before +after):\n%s", diff)
	}
	if len(rejections) != 2 || rejections[0].Name != "a" || rejections[1].Name != "z" || !rejections[1].LastGood {
		t.Errorf("rejections %+v", rejections)
	}
}
