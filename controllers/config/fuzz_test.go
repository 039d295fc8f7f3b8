// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
)

// FuzzCheck holds that every change of any object in any configuration gets a verdict, always the same, whose errors name
// a field and a remedy; and that an object which has not changed, or only to the eye, is not refused.
func FuzzCheck(f *testing.F) {
	const (
		pool   = `{"metadata":{"name":"a"},"spec":{"addresses":["198.51.100.0/24","2001:db8::/112"],"serviceAllocation":{"namespaces":["shop"]}}}`
		less   = `{"metadata":{"name":"a","labels":{"tier":"gold"}},"spec":{"addresses":["198.51.100.0/28"],"avoidBuggyIPs":true}}`
		peer   = `{"metadata":{"name":"r"},"spec":{"myASN":1,"peerASN":2,"peerAddress":"192.0.2.1","nodeSelectors":[{"matchLabels":{"rack":"a"}}]}}`
		named  = `{"metadata":{"name":"n"},"spec":{"ipAddressPools":["a"],"peers":["r"],"communities":["x","1:2"],"aggregationLength":24}}`
		named2 = `{"metadata":{"name":"n"},"spec":{"ipAddressPoolSelectors":[{"matchLabels":{"tier":"gold"}}],"localPref":7,"serviceSelectors":[{}]}}`
		alias  = `{"metadata":{"name":"c"},"spec":{"communities":[{"name":"x","value":"1:2"}]}}`
		all    = `{"Pools":[` + pool + `],"Peers":[` + peer + `],"Advertisements":[` + named + `,{"metadata":{"name":"all"}}],"Communities":[` + alias + `]}`
	)
	f.Add(uint8(0), pool, less, all)
	f.Add(uint8(1), peer, `{"metadata":{"name":"r"},"spec":{"peerAddress":"1.1.1"}}`, all)
	f.Add(uint8(1), peer, `{"metadata":{"name":"r"},"spec":{"myASN":1,"dynamicASN":"external","interface":"eth1","vrf":"red","ttlSecurityHops":1,"dualStackAddressFamily":true}}`, all)
	f.Add(uint8(1), `{"metadata":{"name":"r"},"spec":{"myASN":1,"localASN":3,"defaultGateway":"IPv6","ebgpMultiHop":true,"ebgpMultiHopTTL":2,"perNode":{"peerASN":"6{label:rack}"}}}`, peer,
		`{"Peers":[{"metadata":{"name":"s"},"spec":{"myASN":1,"peerASN":2,"defaultGateway":"IPv6"}}],"Advertisements":[{"metadata":{"name":"all"}}],"Pools":[`+pool+`]}`)
	f.Add(uint8(2), named, named2, all)
	f.Add(uint8(3), alias, `{"metadata":{"name":"c"}}`, all)
	f.Add(uint8(0), `{}`, `{"spec":{"serviceAllocation":{},"addresses":[""]}}`, `{"Pools":[{},{}],"Peers":[{},{}],"Advertisements":[{},{}],"Communities":[{},{}]}`)
	f.Add(uint8(0), `{"metadata":{"name":"a"},"spec":{"addresses":["nonsense"]}}`, pool, `{"Pools":[`+less+`]}`)
	f.Add(uint8(0), pool, pool, `{"Pools":[{"metadata":{"name":"b"},"spec":{"addresses":["198.51.100.128-198.51.101.3"]}}]}`)
	f.Fuzz(func(t *testing.T, kind uint8, oldText, newText, configuration string) {
		old, fresh := decodeObject(kind, oldText), decodeObject(kind, newText)
		var before config.Objects
		if json.Unmarshal([]byte(configuration), &before) != nil || old == nil || fresh == nil {
			return
		}
		state := fuzzedState()
		for _, change := range []config.Change{
			{}, {Old: old, New: fresh}, {Old: fresh, New: old}, {New: fresh}, {Old: old}, {Old: (*v1beta1.Community)(nil), New: fresh},
		} {
			checkTwice(t, before, change, state)
		}
		unchanged(t, before, old, state)
		after := before.Apply(config.Change{Old: old, New: fresh})
		if lost := config.Lost(after, after, state); len(lost) > 0 {
			t.Errorf("nothing has changed, but %s", lost)
		}
		for _, err := range config.Contradictions(fresh, after, state.Nodes) {
			if err.Field == "" || err.Detail == "" {
				t.Errorf("contradiction without field or remedy: %v", err)
			}
		}
		config.Warnings(fresh, after, state.Nodes)
	})
}

// checkTwice holds what is true of every change.
func checkTwice(t *testing.T, before config.Objects, change config.Change, state config.ClusterState) {
	t.Helper()
	v := config.Check(namespace, before, change, state)
	for _, err := range v.Errors {
		if err.Field == "" || err.Error() == err.Field+": "+string(err.Type) {
			t.Errorf("error without field or remedy: %v", err)
		}
	}
	if slices.Contains(v.Warnings, "") {
		t.Errorf("an empty warning: %q", v.Warnings)
	}
	if again := config.Check(namespace, before, change, state); !reflect.DeepEqual(again, v) {
		t.Errorf("first %+v, then %+v", v, again)
	}
}

// unchanged holds that an object is not refused that has not changed, or only in a label that nobody looks at.
func unchanged(t *testing.T, before config.Objects, o config.Object, state config.ClusterState) {
	t.Helper()
	if v := config.Check(namespace, before, config.Change{Old: o, New: o}, state); len(v.Errors) > 0 {
		t.Errorf("unchanged, but refused: %v", v.Errors)
	}
	other := o.DeepCopyObject().(config.Object)
	other.SetLabels(map[string]string{"unheard-of": "x"})
	relabelled := other.DeepCopyObject().(config.Object)
	relabelled.SetLabels(map[string]string{"unheard-of": "y"})
	parses := config.Check(namespace, config.Objects{}, config.Change{New: relabelled}, config.ClusterState{})
	if v := config.Check(namespace, before, config.Change{Old: other, New: relabelled}, state); len(v.Errors) > 0 && len(parses.Errors) == 0 {
		t.Errorf("unchanged but for a label, and refused: %v", v.Errors)
	}
}

// decodeObject returns the object of a kind that the JSON says, in the product's namespace; nil if it is none.
func decodeObject(kind uint8, text string) config.Object {
	o := []config.Object{&v1beta1.IPAddressPool{}, &v1beta2.BGPPeer{}, &v1beta1.BGPAdvertisement{}, &v1beta1.Community{}, &v1beta1.BFDProfile{}}[kind%5]
	if json.Unmarshal([]byte(text), o) != nil {
		return nil
	}
	o.SetNamespace(namespace)
	o.SetDeletionTimestamp(nil)
	return o
}

func fuzzedState() config.ClusterState {
	addresses := []string{"198.51.100.0", "198.51.100.7", "198.51.100.130", "2001:db8::7", "203.0.113.1"}
	held := make([]config.Holding, 0, 3*len(addresses))
	for i, a := range addresses {
		h := config.Holding{
			Service: types.NamespacedName{Namespace: "shop", Name: string(rune('a' + i))}, Labels: labels.Set{"app": "web"},
			Address: netip.MustParseAddr(a), Recorded: []string{"a"},
		}
		held = append(held, h)
		h.Service.Namespace, h.Recorded, h.RequestedPool = "other", []string{"b", "a"}, "a"
		held = append(held, h)
		h.Service.Namespace, h.Recorded, h.RequestedPool = "foreign", nil, ""
		held = append(held, h)
	}
	return config.ClusterState{
		Holdings: newStock(held),
		Nodes: []config.Node{
			{Name: "n1", Labels: labels.Set{"rack": "a"}, Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.9"), {}}}, {Name: "n2"},
		},
	}
}

func TestAnyChangeOfAnyConfigurationGetsOneVerdict(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		g := &generator{rand.New(rand.NewPCG(seed, 1))}
		before, after, state := g.objects(), g.objects(), g.state()
		for i := range before.Pools {
			for j := range after.Pools {
				checkTwice(t, before, config.Change{Old: &before.Pools[i], New: &after.Pools[j]}, state)
			}
			unchanged(t, before, &before.Pools[i], state)
		}
		for i := range before.Peers {
			checkTwice(t, before, config.Change{Old: &before.Peers[i], New: &after.Peers[i]}, state)
			unchanged(t, before, &before.Peers[i], state)
		}
		for i := range before.Advertisements {
			checkTwice(t, before, config.Change{Old: &before.Advertisements[i]}, state)
			unchanged(t, before, &before.Advertisements[i], state)
		}
		for i := range before.Communities {
			checkTwice(t, before, config.Change{Old: &before.Communities[i]}, state)
			unchanged(t, before, &before.Communities[i], state)
		}
	}
}
