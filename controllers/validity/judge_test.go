// SPDX-License-Identifier: Apache-2.0

package validity

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/test/builder"
)

func TestErrorsOfAnyLengthCanBeTold(t *testing.T) {
	t.Parallel()
	faults := field.ErrorList{field.Invalid(field.NewPath("spec"), strings.Repeat("ä", 40000), "is too long")}
	if n := len(condition(1, faults).Message); n > message.MaxLength {
		t.Errorf("the condition says %d bytes, more than %d", n, message.MaxLength)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	young, old := time.Unix(2, 0), time.Unix(1, 0)
	peers := func(list ...*builder.Peer) (o config.Objects) {
		for _, p := range list {
			o.Peers = append(o.Peers, *p.Obj())
		}
		return o
	}
	advertisements := func(list ...*builder.Advertisement) (o config.Objects) {
		for _, a := range list {
			o.Advertisements = append(o.Advertisements, *a.Obj())
		}
		return o
	}
	communities := func(list ...*builder.Community) (o config.Objects) {
		for _, c := range list {
			o.Communities = append(o.Communities, *c.Obj())
		}
		return o
	}
	with := func(o config.Objects, pool *builder.Pool) config.Objects {
		o.Pools = append(o.Pools, *pool.Obj())
		return o
	}
	rack := func(n string) config.Node { return config.Node{Name: n, Labels: labels.Set{"rack": n}} }
	for name, tc := range map[string]struct {
		objects config.Objects
		nodes   []config.Node
		// want is what the conditions of objects that are not valid say, by name: part of it.
		want map[string]string
	}{
		"objects that have nothing to do with each other are valid": {
			objects: peers(builder.MakePeer("a", "192.0.2.1"), builder.MakePeer("b", "192.0.2.2")),
		},
		"of two peers that are one and the same the younger is told": {
			objects: peers(builder.MakePeer("a", "192.0.2.1").Created(young), builder.MakePeer("b", "192.0.2.1").Created(old)),
			want:    map[string]string{"a": `spec.peerAddress: Invalid value: "192.0.2.1": peer 192.0.2.1 already exists: BGPPeer "b"`},
		},
		"of two of one age the second by name is told": {
			objects: peers(builder.MakePeer("b", "192.0.2.1"), builder.MakePeer("a", "192.0.2.1")),
			want:    map[string]string{"b": `BGPPeer "a"`},
		},
		"peers that do not meet on a node are valid": {
			objects: peers(builder.MakePeer("a", "192.0.2.1").NodesWithLabel("rack", "1"),
				builder.MakePeer("b", "192.0.2.1").NodesWithLabel("rack", "2")),
			nodes: []config.Node{rack("1"), rack("2")},
		},
		"an object that cannot be understood is no reason to find fault with another": {
			objects: peers(builder.MakePeer("a", "192.0.2.999"), builder.MakePeer("b", "192.0.2.999")),
			want:    map[string]string{"a": "invalid BGPPeer address", "b": "invalid BGPPeer address"},
		},
		"of two objects that define an alias the younger is told": {
			objects: communities(builder.MakeCommunity("a").Alias("blue", "1:1").Created(young), builder.MakeCommunity("b").Alias("blue", "1:2").Created(old)),
			want:    map[string]string{"a": `spec.communities[0].name: Duplicate value: "blue": duplicate definition of community "blue"`},
		},
		"an advertisement whose prefixes a pool has no room for is told, however old": {
			objects: with(advertisements(builder.MakeAdvertisement("a").Aggregation(26).Created(old)),
				builder.MakePool("small", "198.51.100.0/28").Created(young)),
			want: map[string]string{"a": `IPAddressPool "small": invalid aggregation length 26: prefix 28 in this pool is more specific`},
		},
		"of two advertisements with contradictory local preferences the younger is told": {
			objects: with(advertisements(builder.MakeAdvertisement("a").LocalPref(100).Created(young), builder.MakeAdvertisement("b").LocalPref(200).Created(old)),
				builder.MakePool("one", "198.51.100.0/24")),
			want: map[string]string{"a": `spec.localPref: Invalid value: 100: invalid local preference 100: local preference 200 was already set`},
		},
		"of two advertisements with contradictory AS paths the younger is told": {
			objects: with(advertisements(builder.MakeAdvertisement("a").ASPathPrepend(1).Created(young), builder.MakeAdvertisement("b").ASPathPrepend(2).Created(old)),
				builder.MakePool("one", "198.51.100.0/24")),
			want: map[string]string{"a": `spec.asPathPrepend: Invalid value: 1: invalid AS path prepend 1: AS path prepend 2 was already set`},
		},
		"an advertisement with an alias that nobody defines is told": {
			objects: advertisements(builder.MakeAdvertisement("a").Communities("blue")),
			want:    map[string]string{"a": `spec.communities: Invalid value: no Community object defines the alias "blue"; define it or write the community's value`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			invalid := map[string]bool{}
			for _, v := range judge(tc.objects, tc.nodes) {
				name := v.current.GetName()
				if v.is.Reason == v1beta1.ReasonAccepted {
					continue
				}
				invalid[name] = true
				if tc.want[name] == "" || !strings.Contains(v.is.Message, tc.want[name]) {
					t.Errorf("%s is invalid: %s, want %q", name, v.is.Message, tc.want[name])
				}
			}
			for name := range tc.want {
				if !invalid[name] {
					t.Errorf("%s is valid", name)
				}
			}
		})
	}
}

func TestTheNodesOfAnAdvertisementAreCounted(t *testing.T) {
	t.Parallel()
	rack := func(n string) config.Node { return config.Node{Labels: labels.Set{"rack": n}} }
	all := config.Objects{
		Peers: []v1beta2.BGPPeer{
			*builder.MakePeer("four", "192.0.2.1").Obj(), *builder.MakePeer("six", "2001:db8::1").NodesWithLabel("rack", "2").Obj(),
		},
		Advertisements: []v1beta1.BGPAdvertisement{
			*builder.MakeAdvertisement("every").Obj(), *builder.MakeAdvertisement("rack1").NodesWithLabel("rack", "1").Obj(),
		},
	}
	got := map[string][2]int32{}
	for _, v := range judge(all, []config.Node{rack("1"), rack("1"), rack("2")}) {
		if a, ok := v.desired.(*v1beta1.BGPAdvertisement); ok {
			got[a.Name] = [2]int32{a.Status.NodesIPv4, a.Status.NodesIPv6}
		}
	}
	if diff := cmp.Diff(map[string][2]int32{"every": {3, 1}, "rack1": {2, 0}}, got); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
}

func TestTheAdvertisementsThatUseACommunityAreCountedOnceEach(t *testing.T) {
	t.Parallel()
	all := config.Objects{
		Communities: []v1beta1.Community{
			*builder.MakeCommunity("used").Alias("blue", "1:1").Alias("red", "1:2").Obj(), *builder.MakeCommunity("unused").Alias("green", "1:3").Obj(),
		},
		Advertisements: []v1beta1.BGPAdvertisement{
			*builder.MakeAdvertisement("a").Communities("blue", "red").Obj(), *builder.MakeAdvertisement("b").Communities("1:3", "red").Obj(),
			*builder.MakeAdvertisement("c").Communities("1:1").Obj(),
		},
	}
	got := map[string]int32{}
	for _, v := range judge(all, nil) {
		if c, ok := v.desired.(*v1beta1.Community); ok {
			got[c.Name] = c.Status.Advertisements
		}
	}
	if diff := cmp.Diff(map[string]int32{"used": 2, "unused": 0}, got); diff != "" {
		t.Errorf("advertisements (-want +got):\n%s", diff)
	}
}

func TestAnEventMarksATransition(t *testing.T) {
	t.Parallel()
	ofTwo := config.Objects{Peers: []v1beta2.BGPPeer{*builder.MakePeer("a", "192.0.2.1").Obj(), *builder.MakePeer("b", "192.0.2.1").Obj()}}
	told := func(o config.Objects) (bool, config.Objects) {
		var b verdict
		for _, v := range judge(o, nil) {
			if v.current.GetName() == "b" {
				b = v
			}
		}
		o.Peers[1] = *b.desired.(*v1beta2.BGPPeer) //nolint:forcetypeassert // judge gives what it gets
		return b.told(), o
	}
	first, ofTwo := told(ofTwo)
	again, ofTwo := told(ofTwo)
	ofTwo.Peers[1].Spec.MyASN = 0
	another, ofTwo := told(ofTwo)
	ofTwo.Peers[1].Spec.MyASN, ofTwo.Peers[1].Spec.Address = 64512, "192.0.2.2"
	healed, ofTwo := told(ofTwo)
	ofTwo.Peers[1].Spec.Address = "192.0.2.1"
	relapsed, _ := told(ofTwo)
	if first || !again || another || !healed || relapsed {
		t.Errorf("no event is due: at first %v, again %v, for another fault %v, when it is healed %v, in a relapse %v; want only again and healed",
			first, again, another, healed, relapsed)
	}
}
