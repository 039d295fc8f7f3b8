// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/test/builder"
)

// The change of advertisement a is held back: it announces pool one still, and would announce only pool two.
func TestWhileSomethingIsHeldBackAChangeIsJudgedByWhatIsInUseAsWell(t *testing.T) {
	t.Parallel()
	named := func(name string, localPref uint32, pools ...string) *v1beta1.BGPAdvertisement {
		return builder.MakeAdvertisement(name, pools...).LocalPref(localPref).Obj()
	}
	three := builder.MakePool("three", "203.0.113.0/24").Obj()
	narrowed := named("a", 100, "two")
	for name, tc := range map[string]struct {
		was, is config.Object
		// want is part of why it is refused; empty if it is not.
		want string
	}{
		"what contradicts the version in use": {nil, named("c", 200, "one"), `what contradicts is BGPAdvertisement "a" in the version in use: its change is held back`},
		"a change of one in use that contradicts the version in use": {
			named("b", 100, "two"), named("b", 200, "one"), `what contradicts is BGPAdvertisement "a" in the version in use`,
		},
		"what does not":                         {nil, named("c", 100, "one"), ""},
		"what releases the change":              {nil, named("c", 200, "one", "three"), ""},
		"the change taken back":                 {narrowed, named("a", 100), ""},
		"a step that is not enough":             {narrowed, named("a", 100, "one"), ""},
		"the deletion of what is held back":     {narrowed, nil, `service "default/web" would not be announced at "198.51.100.1"`},
		"the deletion of the peer":              {rackPeer(), nil, `service "default/web" would not be announced at "198.51.100.1"`},
		"the deletion of what nothing needs":    {named("b", 100, "two"), nil, ""},
		"a deletion that an operator allows":    {builder.MakePeer("rack", "192.0.2.1").AllowDisruption().Obj(), nil, ""},
		"a new object that is not in their way": {nil, builder.MakePeer("other", "192.0.2.7").Obj(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := web()
			h.holdings = append(h.holdings, held("db", "203.0.113.1", "three"))
			objects := func(a config.Object) []config.Object {
				return []config.Object{pool(), three, rackPeer(), a, named("b", 100, "two")}
			}
			h.step(t, objects(named("a", 100))...)
			h.step(t, objects(narrowed)...)
			h.want(t, []string{"bgpadvertisement.a NotCompatibleWithAssignedIPs"}, "BGPAdvertisement a NotCompatibleWithAssignedIPs")
			var before config.Objects
			for _, o := range objects(narrowed) {
				before = before.Apply(config.Change{New: o})
			}
			verdict := config.Check(namespace, before, config.Change{Old: tc.was, New: tc.is}, config.ClusterState{
				Holdings: holdings(h.holdings), Active: slices.Clone(h.active),
			})
			if got := texts(verdict.Errors); (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("refused for %v, want %q", verdict.Errors, tc.want)
			}
		})
	}
}

func texts(errs field.ErrorList) string {
	if len(errs) == 0 {
		return ""
	}
	return errs.ToAggregate().Error()
}

func TestWhatIsRejectedIsNoReasonToAdmitADeletion(t *testing.T) {
	t.Parallel()
	a1, a3 := builder.MakeAdvertisement("a1", "one").LocalPref(100).Obj(), builder.MakeAdvertisement("a3", "one").LocalPref(100).Peers("none").Obj()
	a2 := builder.MakeAdvertisement("a2", "one").LocalPref(200).Obj()
	h := web()
	h.step(t, pool(), rackPeer(), a1, a3)
	h.step(t, pool(), rackPeer(), a1, a3, a2)
	state := config.ClusterState{Holdings: holdings(h.holdings), Active: h.active}
	v := config.Check(namespace, asWritten(pool(), rackPeer(), a1, a3, a2), config.Change{Old: a1}, state)
	if h.step(t, pool(), rackPeer(), a3, a2); len(v.Errors) == 0 && len(h.held()) > 0 {
		t.Errorf("admitted, then held back: %q", h.held())
	}
}
