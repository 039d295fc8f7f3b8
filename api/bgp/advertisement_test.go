// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/v1beta1"
)

func bgpAdvertisement(spec v1beta1.BGPAdvertisementSpec) *v1beta1.BGPAdvertisement {
	return &v1beta1.BGPAdvertisement{ObjectMeta: metav1.ObjectMeta{Name: "adv"}, Spec: spec}
}

func mustAdvertisement(tb testing.TB, spec v1beta1.BGPAdvertisementSpec) Advertisement {
	tb.Helper()
	a, errs := ParseAdvertisement(bgpAdvertisement(spec))
	if len(errs) > 0 {
		tb.Fatal(errs.ToAggregate())
	}
	return a
}

func TestParseAdvertisementReturnsWhatTheObjectMeans(t *testing.T) {
	t.Parallel()
	a := mustAdvertisement(t, v1beta1.BGPAdvertisementSpec{
		AggregationLength: new(int32(24)), AggregationLengthV6: new(int32(64)), LocalPref: 4294967295, ASPathPrepend: 10,
		Communities: []string{"1:2", "large:1:2:3", "alias"}, IPAddressPools: []string{"pool"}, Peers: []string{"rack"},
	})
	got := []any{a.Name, a.AggregationLength, a.AggregationLengthV6, a.LocalPref, a.ASPathPrepend, a.Communities, a.Pools, a.Peers}
	want := []any{"adv", 24, 64, uint32(4294967295), uint8(10), []string{"1:2", "large:1:2:3", "alias"}, []string{"pool"}, []string{"rack"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("advertisement (-want +got):\n%s", diff)
	}
}

func TestTheLocalPreferenceThatIsUnsetIsThatOfMostRouters(t *testing.T) {
	t.Parallel()
	if got := mustAdvertisement(t, v1beta1.BGPAdvertisementSpec{}).LocalPref; got != 100 {
		t.Errorf("the local preference is %d", got)
	}
}

func TestParseAdvertisementErrors(t *testing.T) {
	t.Parallel()
	type spec = v1beta1.BGPAdvertisementSpec
	twice := []metav1.LabelSelector{selecting("x"), selecting("x")}
	some := []metav1.LabelSelector{selecting("x")}
	tests := map[string]struct {
		in   spec
		want []string
	}{
		"nothing at all is valid":                {in: spec{}},
		"service selectors with default lengths": {in: spec{ServiceSelectors: some, AggregationLength: new(int32(32)), AggregationLengthV6: new(int32(128))}},
		"the shortest lengths":                   {in: spec{AggregationLength: new(int32(1)), AggregationLengthV6: new(int32(1))}},
		"an IPv4 length of 0":                    {in: spec{AggregationLength: new(int32(0))}, want: []string{`spec.aggregationLength: Invalid value: 0: invalid aggregation length "0" for IPv4: must be from 1 to 32`}},
		"an IPv4 length too long":                {in: spec{AggregationLength: new(int32(33))}, want: []string{`spec.aggregationLength: Invalid value: 33: invalid aggregation length "33" for IPv4: must be from 1 to 32`}},
		"an IPv6 length too long":                {in: spec{AggregationLengthV6: new(int32(129))}, want: []string{`spec.aggregationLengthV6: Invalid value: 129: invalid aggregation length "129" for IPv6: must be from 1 to 128`}},
		"a negative IPv6 length":                 {in: spec{AggregationLengthV6: new(int32(-1))}, want: []string{`spec.aggregationLengthV6: Invalid value: -1: invalid aggregation length "-1" for IPv6: must be from 1 to 128`}},
		"service selectors with an IPv4 length":  {in: spec{ServiceSelectors: some, AggregationLength: new(int32(24))}, want: []string{`spec.aggregationLength: Forbidden: serviceSelectors and aggregationLength are mutually exclusive, both cannot be set in adv; remove one`}},
		"service selectors with an IPv6 length":  {in: spec{ServiceSelectors: some, AggregationLengthV6: new(int32(64))}, want: []string{`spec.aggregationLengthV6: Forbidden: serviceSelectors and aggregationLengthV6 are mutually exclusive, both cannot be set in adv; remove one`}},
		"an AS path too long":                    {in: spec{ASPathPrepend: 11}, want: []string{`spec.asPathPrepend: Invalid value: 11: invalid AS path prepend 11: must be from 0 to 10`}},
		"a community twice":                      {in: spec{Communities: []string{"1:2", "x", "1:2"}}, want: []string{`spec.communities[2]: Duplicate value: "1:2": duplicate definition of communities "1:2"; remove one`}},
		"an alias twice":                         {in: spec{Communities: []string{"x", "x"}}, want: []string{`spec.communities[1]: Duplicate value: "x": duplicate definition of communities "x"; remove one`}},
		"an empty community":                     {in: spec{Communities: []string{""}}, want: []string{`spec.communities[0]: Invalid value: "": invalid community "": write a value or the name of an alias`}},
		"a malformed community":                  {in: spec{Communities: []string{"1:70000"}}, want: []string{`spec.communities[0]: Invalid value: "1:70000": invalid community "1:70000" in BGP advertisement: invalid community value: invalid section "70000" of community "1:70000": must be a number from 0 to 65535`}},
		"a pool twice":                           {in: spec{IPAddressPools: []string{"a", "a"}}, want: []string{`spec.ipAddressPools[1]: Duplicate value: "a": duplicate definition of ipAddressPools "a"; remove one`}},
		"a peer twice":                           {in: spec{Peers: []string{"a", "b", "a"}}, want: []string{`spec.peers[2]: Duplicate value: "a": duplicate definition of peers "a"; remove one`}},
		"a pool selector twice":                  {in: spec{IPAddressPoolSelectors: twice}, want: []string{`spec.ipAddressPoolSelectors[1]: Duplicate value: "a=x": duplicate definition of ipAddressPoolSelectors "a=x"; remove one`}},
		"a node selector twice":                  {in: spec{NodeSelectors: twice}, want: []string{`spec.nodeSelectors[1]: Duplicate value: "a=x": duplicate definition of nodeSelectors "a=x"; remove one`}},
		"a service selector twice":               {in: spec{ServiceSelectors: twice}, want: []string{`spec.serviceSelectors[1]: Duplicate value: "a=x": duplicate definition of serviceSelectors "a=x"; remove one`}},
		"several errors at once": {
			in: spec{AggregationLength: new(int32(40)), Communities: []string{"1:2:3"}, Peers: []string{"a", "a"}},
			want: []string{
				`spec.aggregationLength: Invalid value: 40: invalid aggregation length "40" for IPv4: must be from 1 to 32`,
				`spec.communities[0]: Invalid value: "1:2:3": invalid community "1:2:3" in BGP advertisement: invalid community format: "1:2:3"; write "a:b", "large:a:b:c", "rt:a:b", "soo:a:b", "bandwidth:a:b" or a well-known name such as "no-export"`,
				`spec.peers[1]: Duplicate value: "a": duplicate definition of peers "a"; remove one`,
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, errs := ParseAdvertisement(bgpAdvertisement(tc.in))
			if diff := cmp.Diff(tc.want, errorTexts(errs)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if len(errs) > 0 && got.Name != "" {
				t.Errorf("got advertisement %v beside errors, want none", got)
			}
		})
	}
}

func TestAdvertisementSelects(t *testing.T) {
	t.Parallel()
	type spec = v1beta1.BGPAdvertisementSpec
	x, y := []metav1.LabelSelector{selecting("x")}, []metav1.LabelSelector{selecting("y")}
	everything := [4]bool{true, true, true, true}
	tests := map[string]struct {
		in   spec
		want [4]bool // pool "p", node, service (all labelled a=x), peer "rack"
	}{
		"nothing selected means everything":  {spec{}, everything},
		"empty selectors mean everything":    {spec{IPAddressPoolSelectors: []metav1.LabelSelector{{}}, NodeSelectors: []metav1.LabelSelector{{}}, ServiceSelectors: []metav1.LabelSelector{{}}}, everything},
		"the pool by name":                   {spec{IPAddressPools: []string{"o", "p"}}, everything},
		"another pool by name":               {spec{IPAddressPools: []string{"o"}}, [4]bool{false, true, true, true}},
		"the pool by label":                  {spec{IPAddressPoolSelectors: x}, everything},
		"another pool by label":              {spec{IPAddressPoolSelectors: y}, [4]bool{false, true, true, true}},
		"the pool by label, another by name": {spec{IPAddressPools: []string{"o"}, IPAddressPoolSelectors: x}, everything},
		"the pool by name, another by label": {spec{IPAddressPools: []string{"p"}, IPAddressPoolSelectors: y}, everything},
		"the node":                           {spec{NodeSelectors: x}, everything},
		"another node":                       {spec{NodeSelectors: y}, [4]bool{true, false, true, true}},
		"the service":                        {spec{ServiceSelectors: x}, everything},
		"another service":                    {spec{ServiceSelectors: y}, [4]bool{true, true, false, true}},
		"the peer":                           {spec{Peers: []string{"spine", "rack"}}, everything},
		"another peer":                       {spec{Peers: []string{"spine"}}, [4]bool{true, true, true, false}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, l := mustAdvertisement(t, tc.in), labels.Set{"a": "x"}
			if got := [4]bool{a.SelectsPool("p", l), a.SelectsNode(l), a.SelectsService(l), a.SelectsPeer("rack")}; got != tc.want {
				t.Errorf("pool, node, service, peer: got %v, want %v", got, tc.want)
			}
		})
	}
}
