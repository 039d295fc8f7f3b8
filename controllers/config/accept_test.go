// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"testing"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/test/builder"
)

// asWritten returns the objects together.
func asWritten(objects ...config.Object) (all config.Objects) {
	for _, o := range objects {
		all = all.Apply(config.Change{New: o})
	}
	return all
}

func TestWhatFitsTogetherIsUsedWhateverElseIsWrong(t *testing.T) {
	t.Parallel()
	zone := func(v string) *v1beta1.BGPAdvertisement {
		return builder.MakeAdvertisement("zone").PoolsWithLabel("zone", v).Obj()
	}
	relabelled := pool(func(p *v1beta1.IPAddressPool) { p.Labels["zone"] = "b" })
	two, last := builder.MakePool("two", "203.0.113.0/24").Obj(), builder.MakeAdvertisement("last", "two").Obj()
	before := []config.Object{pool(), two, rackPeer(), zone("a"), last}
	for name, tc := range map[string]struct {
		after    []config.Object
		held     []string
		findings []string
	}{
		"nothing": {after: []config.Object{relabelled, two, rackPeer(), zone("b"), last}},
		"a new pool is rejected": {
			after:    []config.Object{relabelled, two, rackPeer(), zone("b"), last, builder.MakePool("three", "203.0.113.0/25").Obj()},
			findings: []string{"IPAddressPool three InvalidConfig"},
		},
		"the deletion of another advertisement is held back": {
			after: []config.Object{relabelled, two, rackPeer(), zone("b")},
			held:  []string{"bgpadvertisement.last NotCompatibleWithAssignedIPs"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := web()
			h.holdings = append(h.holdings, held("other", "203.0.113.1", "two"))
			h.step(t, before...)
			h.step(t, tc.after...)
			h.want(t, tc.held, tc.findings...)
			h.announced(t, true)
		})
	}
}

func TestAPermissionThatIsTakenBackAllowsNothingAnyMore(t *testing.T) {
	t.Parallel()
	t.Run("in a change that is held back", func(t *testing.T) {
		t.Parallel()
		h := web()
		h.step(t, pool(), rackPeer(), builder.MakeAdvertisement("every").AllowDisruption().Obj())
		narrowed := builder.MakeAdvertisement("every", "two").Obj()
		h.step(t, pool(), rackPeer(), narrowed)
		h.announced(t, true)
		state := config.ClusterState{Holdings: holdings(h.holdings), Active: h.active}
		if v := config.Check(namespace, asWritten(pool(), rackPeer(), narrowed), config.Change{Old: narrowed}, state); len(v.Errors) == 0 {
			t.Error("the webhook admits the deletion")
		}
		h.step(t, pool(), rackPeer())
		h.announced(t, true)
	})
	t.Run("in a change that contradicts another", func(t *testing.T) {
		t.Parallel()
		h := web()
		first := builder.MakeAdvertisement("first", "one").Peers("none").LocalPref(100).Obj()
		h.step(t, pool(), rackPeer(), first, builder.MakeAdvertisement("every").LocalPref(100).AllowDisruption().Obj())
		h.step(t, pool(), rackPeer(), first, builder.MakeAdvertisement("every").LocalPref(200).Obj())
		h.want(t, []string{"bgpadvertisement.every InvalidConfig"}, "BGPAdvertisement every InvalidConfig")
		h.step(t, pool(), rackPeer(), first)
		h.announced(t, true)
	})
	t.Run("of a pool, together with what it would have allowed", func(t *testing.T) {
		t.Parallel()
		h := web()
		h.step(t, pool(func(p *v1beta1.IPAddressPool) {
			p.Annotations = map[string]string{v1beta1.AnnotationAllowDisruption: "true"}
		}), rackPeer(), adv("every"))
		h.step(t, pool(), rackPeer())
		h.announced(t, true)
	})
}

func TestNoPoolTakesAddressesOfADeletedOneThatItWouldNotAnnounce(t *testing.T) {
	t.Parallel()
	two, one := builder.MakePool("two", "203.0.113.0/24").Obj(), builder.MakeAdvertisement("one", "one").Obj()
	extended := builder.MakePool("two", "203.0.113.0/24", "198.51.100.0/24").Obj()
	h := web()
	h.step(t, pool(), two, rackPeer(), one)
	h.step(t, two, rackPeer(), one)
	h.want(t, []string{"ipaddresspool.one InUse"})
	h.step(t, extended, rackPeer(), one)
	for i := range h.holdings { // As the allocator does.
		for _, p := range h.snapshot.Pools {
			if p.Contains(h.holdings[i].Address) {
				h.holdings[i].Recorded = []string{p.Name}
			}
		}
	}
	h.step(t, extended, rackPeer(), one)
	h.announced(t, true)
}

func TestANewPoolIsRefusedForItsAddresses(t *testing.T) {
	t.Parallel()
	objects := asWritten(builder.MakePool("one", "198.51.100.128/25").Obj(), rackPeer(), builder.MakeAdvertisement("one", "one").Obj())
	labelled := builder.MakePool("two", "198.51.100.0/25").Label("zone", "a").Obj()
	v := config.Check(namespace, objects, config.Change{New: labelled}, config.ClusterState{Holdings: holdings(web().holdings)})
	if len(v.Errors) != 1 || v.Errors[0].Field != "spec.addresses" {
		t.Errorf("got %v", v.Errors)
	}
}
