// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
)

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: namespace, Name: name} }

// withTwoOfEach has objects a and b of each kind.
func withTwoOfEach() config.Objects {
	return config.Objects{
		Pools:          []v1beta1.IPAddressPool{{ObjectMeta: named("a")}, {ObjectMeta: named("b")}},
		Peers:          []v1beta2.BGPPeer{{ObjectMeta: named("a")}, {ObjectMeta: named("b")}},
		Advertisements: []v1beta1.BGPAdvertisement{{ObjectMeta: named("a")}, {ObjectMeta: named("b")}},
		Communities:    []v1beta1.Community{{ObjectMeta: named("a")}, {ObjectMeta: named("b")}},
	}
}

func TestApplyChangesOneObjectOfACopy(t *testing.T) {
	t.Parallel()
	ofKinds := func(name string) []config.Object {
		labelled := named(name)
		labelled.Labels = map[string]string{"fresh": "yes"}
		return []config.Object{
			&v1beta1.IPAddressPool{ObjectMeta: labelled}, &v1beta2.BGPPeer{ObjectMeta: labelled},
			&v1beta1.BGPAdvertisement{ObjectMeta: labelled}, &v1beta1.Community{ObjectMeta: labelled},
		}
	}
	for name, tc := range map[string]struct {
		change func(o, other config.Object) config.Change
		want   string // names of the kind, * marks the fresh ones
	}{
		"created":                         {func(_, other config.Object) config.Change { return config.Change{New: other} }, "a b c*"},
		"created, but there was one":      {func(o, _ config.Object) config.Change { return config.Change{New: o} }, "b a*"},
		"updated":                         {func(o, _ config.Object) config.Change { return config.Change{Old: o, New: o} }, "b a*"},
		"deleted":                         {func(o, _ config.Object) config.Change { return config.Change{Old: o} }, "b"},
		"deleted, but there was none":     {func(_, other config.Object) config.Change { return config.Change{Old: other} }, "a b"},
		"renamed":                         {func(o, other config.Object) config.Change { return config.Change{Old: o, New: other} }, "b c*"},
		"nothing":                         {func(_, _ config.Object) config.Change { return config.Change{} }, "a b"},
		"a pointer to nothing is nothing": {func(_, _ config.Object) config.Change { return config.Change{New: (*v1beta1.Community)(nil)} }, "a b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, o := range ofKinds("a") {
				before := withTwoOfEach()
				after := listNames(before.Apply(tc.change(o, ofKinds("c")[i])))
				if diff := cmp.Diff(tc.want, after[i]); diff != "" {
					t.Errorf("%T (-want +got):\n%s", o, diff)
				}
				if after[i] = "a b"; after != listNames(withTwoOfEach()) {
					t.Errorf("%T: other kinds have changed: %v", o, after)
				}
				if diff := cmp.Diff(withTwoOfEach(), before); diff != "" {
					t.Errorf("%T: what it was applied to is modified (-want +got):\n%s", o, diff)
				}
			}
		})
	}
}

func listNames(o config.Objects) (lists [4]string) {
	lists[0] = namesOf(len(o.Pools), func(i int) metav1.Object { return &o.Pools[i] })
	lists[1] = namesOf(len(o.Peers), func(i int) metav1.Object { return &o.Peers[i] })
	lists[2] = namesOf(len(o.Advertisements), func(i int) metav1.Object { return &o.Advertisements[i] })
	lists[3] = namesOf(len(o.Communities), func(i int) metav1.Object { return &o.Communities[i] })
	return lists
}

func namesOf(n int, at func(int) metav1.Object) string {
	list := make([]string, 0, n)
	for i := range n {
		name := at(i).GetName()
		if at(i).GetLabels() != nil {
			name += "*"
		}
		list = append(list, name)
	}
	return strings.Join(list, " ")
}

// TestWhatWasReadOfTheConfigurationMayBeOlderOrNewer than the object that the API server says is changed.
func TestWhatWasReadOfTheConfigurationMayBeOlderOrNewer(t *testing.T) {
	t.Parallel()
	pool := func(name, addresses string) *v1beta1.IPAddressPool {
		return &v1beta1.IPAddressPool{ObjectMeta: named(name), Spec: v1beta1.IPAddressPoolSpec{Addresses: []string{addresses}}}
	}
	service := types.NamespacedName{Namespace: "default", Name: "web"}
	state := config.ClusterState{Holdings: newStock([]config.Holding{
		{Service: service, Address: netip.MustParseAddr("198.51.100.200"), Recorded: []string{"a"}},
	})}
	whole, half := pool("a", "198.51.100.0/24"), pool("a", "198.51.100.0/25")
	lost := config.Impacts{{Service: service, Address: netip.MustParseAddr("198.51.100.200")}}
	for name, tc := range map[string]struct {
		read   []v1beta1.IPAddressPool
		change config.Change
		want   config.Impacts
	}{
		"the old version":                         {[]v1beta1.IPAddressPool{*whole}, config.Change{Old: whole, New: half}, lost},
		"the new version already":                 {[]v1beta1.IPAddressPool{*half}, config.Change{Old: whole, New: half}, lost},
		"a version before the old":                {[]v1beta1.IPAddressPool{*pool("a", "203.0.113.0/24")}, config.Change{Old: whole, New: half}, lost},
		"no version yet":                          {nil, config.Change{Old: whole, New: half}, lost},
		"no version any more":                     {nil, config.Change{Old: whole}, lost},
		"one of that name that was deleted":       {[]v1beta1.IPAddressPool{*whole}, config.Change{New: half}, nil},
		"the old version had lost it before that": {[]v1beta1.IPAddressPool{*whole}, config.Change{Old: half}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := config.Check(namespace, config.Objects{Pools: tc.read}, tc.change, state).Impacts
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("impacts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNothingIsAskedOfAnObjectThatIsBeingDeleted(t *testing.T) {
	t.Parallel()
	old := &v1beta1.IPAddressPool{ObjectMeta: named("a"), Spec: v1beta1.IPAddressPoolSpec{Addresses: []string{"nonsense"}}}
	fresh := old.DeepCopy()
	fresh.Spec.Addresses, fresh.Finalizers = nil, nil
	fresh.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	if v := config.Check(namespace, config.Objects{}, config.Change{Old: old, New: fresh}, config.ClusterState{}); len(v.Errors) > 0 {
		t.Errorf("got %v, want none", v.Errors)
	}
}

func TestClaimsAgainstNoObjectAreErrorsToo(t *testing.T) {
	t.Parallel()
	errs, warnings := config.Change{}.Against(config.Impacts{{Address: netip.MustParseAddr("198.51.100.1")}})
	if len(errs) != 1 || len(warnings) > 0 {
		t.Errorf("got %v and %v, want one error", errs, warnings)
	}
}
