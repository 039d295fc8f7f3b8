// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/test/builder"
)

// TestTheRoutesOfAnAddressAreThoseOfItsPool has an advertisement for each pool, and tells by which of them an address is
// announced.
func TestTheRoutesOfAnAddressAreThoseOfItsPool(t *testing.T) {
	t.Parallel()
	objects := config.Objects{
		Peers: []v1beta2.BGPPeer{*builder.MakePeer("r4", "192.0.2.1").Obj(), *builder.MakePeer("r6", "2001:db8:ffff::1").Obj()},
		Pools: []v1beta1.IPAddressPool{
			*builder.MakePool("v4", "198.51.100.0/24").AvoidBuggyIPs().Obj(), *builder.MakePool("v6", "2001:db8::/112").Obj(),
			*builder.MakePool("both", "203.0.113.0/24", "2001:db8:1::/112").Obj(), *builder.MakePool("bad", "nonsense").Obj(),
			*builder.MakePool("whole", "203.0.113.0/24").Obj(),
		},
	}
	for name, tc := range map[string]struct {
		address, recorded string
		want              string
	}{
		"of the pool that contains it":                                     {"198.51.100.1", "", "v4"},
		"of the pool that contains it, whatever was recorded":              {"198.51.100.1", "both", "v4"},
		"of the recorded pool, where two contain it":                       {"203.0.113.1", "whole", "whole"},
		"of the first pool by name, where two contain it":                  {"203.0.113.1", "", "both"},
		"of the recorded pool, which does not contain it":                  {"192.0.2.77", "v4", "v4"},
		"of the recorded pool, which does not parse":                       {"192.0.2.77", "bad", "bad"},
		"of the recorded pool, which is gone":                              {"192.0.2.77", "gone", "gone"},
		"of nobody, if nothing was recorded":                               {"192.0.2.77", "", ""},
		"of the pool that avoids it, though another has the family":        {"198.51.100.0", "both,v4", "v4"},
		"of the one of its family":                                         {"2001:db8::9:1", "v4,v6", "v6"},
		"of the first of its family":                                       {"192.0.2.77", "v6,both,v4", "both"},
		"of the one that is gone, if the other is not of its family":       {"192.0.2.77", "v6,gone", "gone"},
		"of the one of its family, even if the other is gone":              {"192.0.2.77", "gone,v4", "v4"},
		"of the first that is gone, if no other is there":                  {"192.0.2.77", "gone,bad", "gone"},
		"of one that is not of its family and announced to nobody of that": {"2001:db8:7::1", "v4", "v4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := config.Holding{Address: netip.MustParseAddr(tc.address)}
			if tc.recorded != "" {
				h.Recorded = strings.Split(tc.recorded, ",")
			}
			var by []string
			for _, pool := range []string{"bad", "both", "gone", "v4", "v6", "whole"} {
				o := objects
				o.Advertisements = []v1beta1.BGPAdvertisement{*builder.MakeAdvertisement("adv", pool).Obj()}
				if config.NewRoutes(o, nil).Announces(h) {
					by = append(by, pool)
				}
			}
			if diff := cmp.Diff(tc.want, strings.Join(by, ",")); diff != "" {
				t.Errorf("announced by the advertisements of pools (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAPoolThatDidNotParseExcusesNothing, but what it never gave is not held against it.
func TestAPoolThatDidNotParseExcusesNothing(t *testing.T) {
	t.Parallel()
	bad, good := builder.MakePool("a", "nonsense").Obj(), builder.MakePool("a", "198.51.100.0/25").Obj()
	other := builder.MakePool("b", "203.0.113.0/24").Namespaces("nobody").Obj()
	held := func(address string, recorded ...string) config.Holding {
		h := config.Holding{Address: netip.MustParseAddr(address), Recorded: recorded}
		h.Service.Namespace, h.Service.Name = "default", "web"
		return h
	}
	for name, tc := range map[string]struct {
		holding config.Holding
		after   []v1beta1.IPAddressPool
		want    int
	}{
		"it gives the address":                               {held("198.51.100.1", "a"), []v1beta1.IPAddressPool{*good}, 0},
		"it does not give the address":                       {held("198.51.100.200", "a"), []v1beta1.IPAddressPool{*good}, 1},
		"it is deleted":                                      {held("198.51.100.1", "a"), nil, 1},
		"it still does not parse":                            {held("198.51.100.1", "a"), []v1beta1.IPAddressPool{*bad}, 0},
		"the address is of nobody's record":                  {held("198.51.100.200"), []v1beta1.IPAddressPool{*good}, 0},
		"the address is another pool's, which admits nobody": {held("203.0.113.1", "a", "b"), []v1beta1.IPAddressPool{*good}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := config.Objects{Pools: []v1beta1.IPAddressPool{*bad, *other}}
			after := config.Objects{Pools: append(tc.after, *other)}
			var want config.Impacts
			if tc.want > 0 {
				want = config.Impacts{{Service: tc.holding.Service, Address: tc.holding.Address}}
			}
			got := config.Lost(before, after, config.ClusterState{Holdings: newStock([]config.Holding{tc.holding})})
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("lost (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnObjectDoesNotContradictAnEarlierVersionOfItself(t *testing.T) {
	t.Parallel()
	others := config.Objects{Pools: []v1beta1.IPAddressPool{
		*builder.MakePool("a", "198.51.100.0/24").Obj(), *builder.MakePool("b", "203.0.113.0/24").Obj(),
	}}
	whole := builder.MakePool("a", "198.51.100.0/24", "203.0.113.0/25").Obj()
	errs := config.Contradictions(whole, others, nil)
	const want = `spec.addresses[1]: Invalid value: "203.0.113.0/25": CIDR "203.0.113.0/25" in pool "a" overlaps with already defined ` +
		`CIDR "203.0.113.0/24" in pool "b"; list each address in one pool only`
	if len(errs) != 1 || errs[0].Error() != want {
		t.Errorf("got %v, want %s", errs, want)
	}
	if errs := config.Contradictions(builder.MakePool("a", "nonsense").Obj(), others, nil); len(errs) > 0 {
		t.Errorf("of an object that does not parse: got %v, want none", errs)
	}
	warnings := config.Warnings(whole, others, nil)
	if len(warnings) != 1 || !strings.Contains(warnings[0], "is selected by no BGPAdvertisement") {
		t.Errorf("got %q, want one about advertisements", warnings)
	}
	if warnings := config.Warnings(builder.MakePool("a", "nonsense").Obj(), others, nil); len(warnings) > 0 {
		t.Errorf("of an object that does not parse: got %q, want none", warnings)
	}
}

// A new pool that is held back takes no address that is recorded of one in use; as soon as it is in use it does.
func TestAPoolThatWasHeldBackIsRedefinedWhenItComesIntoUse(t *testing.T) {
	t.Parallel()
	h := &history{parser: config.NewParser(), holdings: []config.Holding{held("web", "203.0.113.1", "a")}}
	a, b := builder.MakePool("a", "198.51.100.0/24").Obj(), builder.MakePool("b", "203.0.113.0/24").Obj()
	router, ofA := builder.MakePeer("router", "192.0.2.1").Obj(), builder.MakeAdvertisement("of-a", "a").Obj()
	owner := func(r *config.Routes) string {
		selection := r.Select(h.holdings[0])
		return selection.Pool
	}
	h.step(t, router, ofA, a)
	h.step(t, router, ofA, a, b)
	heldBack := h.snapshot.Routes
	h.step(t, router, ofA, a, b)
	if pools, _ := h.snapshot.Routes.Redefined(heldBack); owner(heldBack) != "a" || len(pools) > 0 {
		t.Errorf("while it is held back the address is of %s, and %v are redefined", owner(heldBack), pools)
	}
	h.step(t, router, ofA, a, b, builder.MakeAdvertisement("of-b", "b").Obj())
	inUse := h.snapshot.Routes
	if pools, _ := inUse.Redefined(heldBack); owner(inUse) != "b" || !slices.Equal(pools, []string{"b"}) {
		t.Errorf("when it is in use the address is of %s, and %v are redefined", owner(inUse), pools)
	}
}
