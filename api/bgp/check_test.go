// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

func mustPool(tb testing.TB, addresses ...string) ipam.Pool {
	tb.Helper()
	p, errs := ipam.ParsePool(&v1beta1.IPAddressPool{
		ObjectMeta: metav1.ObjectMeta{Name: "pool", Labels: map[string]string{"a": "x"}},
		Spec:       v1beta1.IPAddressPoolSpec{Addresses: addresses},
	})
	if len(errs) > 0 {
		tb.Fatal(errs.ToAggregate())
	}
	return p
}

func TestCheckAggregation(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		length, lengthV6 int
		addresses        []string
		want             string
	}{
		"each address by itself":                    {32, 128, []string{"10.0.0.0/24", "10.0.1.1-10.0.1.3", "2001:db8::1/128"}, ""},
		"a prefix as long as the length":            {24, 128, []string{"10.0.0.0/24"}, ""},
		"a prefix shorter than the length":          {24, 64, []string{"10.0.0.0/16", "2001:db8::/48"}, ""},
		"a prefix longer than the length":           {26, 128, []string{"1.1.1.0/28"}, "invalid aggregation length 26: prefix 28 in this pool is more specific than the aggregation length for addresses 1.1.1.0/28"},
		"an IPv6 prefix longer than the length":     {32, 64, []string{"2001:db8::/112"}, "invalid aggregation length 64: prefix 112 in this pool is more specific than the aggregation length for addresses 2001:db8::/112"},
		"the lengths are each for their own family": {32, 24, []string{"10.0.0.0/25"}, ""},
		"the second range is too small":             {24, 128, []string{"10.0.0.0/24", "10.0.1.0/25"}, "invalid aggregation length 24: prefix 25 in this pool is more specific than the aggregation length for addresses 10.0.1.0/25"},
		"a range with room for the length":          {24, 128, []string{"10.0.0.250-10.0.2.5"}, ""},
		"a range without room for the length":       {24, 128, []string{"10.0.0.1-10.0.1.254"}, "invalid aggregation length 24: prefix 25 in this pool is more specific than the aggregation length for addresses 10.0.0.1-10.0.1.254"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := CheckAggregation(Advertisement{AggregationLength: tc.length, AggregationLengthV6: tc.lengthV6}, mustPool(t, tc.addresses...))
			if diff := cmp.Diff(tc.want, message(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDisagreements(t *testing.T) {
	t.Parallel()
	type spec = v1beta1.BGPAdvertisementSpec
	const (
		conflict = `invalid local preference 200: local preference 100 was already set for the same type of BGP update by BGPAdvertisement "adv": ` +
			`both announce pool "pool" with one aggregation length; make localPref equal (100 if unset), or select other pools, peers or nodes`
		prependConflict = `invalid AS path prepend 2: AS path prepend 0 was already set for the same type of BGP update by BGPAdvertisement "adv": ` +
			`both announce pool "pool" with one aggregation length; make asPathPrepend equal, or select other pools, peers or nodes`
		medConflict = `invalid MED 0: MED none was already set for the same type of BGP update by BGPAdvertisement "adv": ` +
			`both announce pool "pool" with one aggregation length; make med equal, or select other pools, peers or nodes`
		weightConflict = `invalid weightByEndpoints true: weightByEndpoints false was already set for the same type of BGP update by BGPAdvertisement "adv": ` +
			`both announce pool "pool" with one aggregation length; make weightByEndpoints equal, or select other pools, peers or nodes`
	)
	x, y := []metav1.LabelSelector{selecting("x")}, []metav1.LabelSelector{selecting("y")}
	v4, v6, both := []string{"10.0.0.0/16"}, []string{"2001:db8::/64"}, []string{"10.0.0.0/16", "2001:db8::/64"}
	tests := map[string]struct {
		a, b      spec // localPref 200 and 100 unless set
		addresses []string
		want      string
	}{
		"both announce everything":                    {addresses: v4, want: conflict},
		"both announce the IPv6 pool":                 {addresses: v6, want: conflict},
		"equal preferences":                           {b: spec{LocalPref: 200}, addresses: v4},
		"other aggregation lengths":                   {a: spec{AggregationLength: new(int32(24))}, addresses: v4},
		"equal aggregation lengths":                   {a: spec{AggregationLength: new(int32(24))}, b: spec{AggregationLength: new(int32(24))}, addresses: v4, want: conflict},
		"other lengths for a family the pool has not": {a: spec{AggregationLengthV6: new(int32(64))}, addresses: v4, want: conflict},
		"other lengths for one of two families":       {a: spec{AggregationLengthV6: new(int32(64))}, addresses: both, want: conflict},
		"other lengths for both families":             {a: spec{AggregationLengthV6: new(int32(64)), AggregationLength: new(int32(24))}, addresses: both},
		"other peers":                                 {a: spec{Peers: []string{"a", "b"}}, b: spec{Peers: []string{"c"}}, addresses: v4},
		"one peer in common":                          {a: spec{Peers: []string{"a", "b"}}, b: spec{Peers: []string{"b", "c"}}, addresses: v4, want: conflict},
		"one peer and every peer":                     {a: spec{Peers: []string{"a"}}, addresses: v4, want: conflict},
		"other nodes":                                 {a: spec{NodeSelectors: x}, b: spec{NodeSelectors: y}, addresses: v4},
		"one node in common":                          {a: spec{NodeSelectors: x}, b: spec{NodeSelectors: []metav1.LabelSelector{selecting("y"), selecting("x")}}, addresses: v4, want: conflict},
		"nodes that do not exist":                     {a: spec{NodeSelectors: []metav1.LabelSelector{selecting("z")}}, addresses: v4},
		"another pool by name":                        {a: spec{IPAddressPools: []string{"other"}}, addresses: v4},
		"another pool by label":                       {b: spec{IPAddressPoolSelectors: y}, addresses: v4},
		"the pool by name and by label":               {a: spec{IPAddressPools: []string{"pool"}}, b: spec{IPAddressPoolSelectors: x}, addresses: v4, want: conflict},
		"services are left to be checked one by one":  {a: spec{ServiceSelectors: x}, addresses: v4},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.a.LocalPref == 0 {
				tc.a.LocalPref = 200
			}
			if tc.b.LocalPref == 0 {
				tc.b.LocalPref = 100
			}
			nodes := []labels.Set{{"a": "x"}, {"a": "y"}}
			a, b, pool := mustAdvertisement(t, tc.a), mustAdvertisement(t, tc.b), mustPool(t, tc.addresses...)
			disagreements := func(a, b Advertisement) map[string]string {
				found := map[string]string{}
				for _, d := range Disagreements(a, b, pool, nodes) {
					found[d.Field] = d.Err.Error()
				}
				if first := message(CheckAttributes(a, b, pool, nodes)); (first == "") != (len(found) == 0) {
					t.Errorf("CheckAttributes: got %q beside %v", first, found)
				}
				return found
			}
			want := map[string]string{}
			if tc.want != "" {
				want["localPref"] = tc.want
			}
			if diff := cmp.Diff(want, disagreements(a, b)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if reverse := disagreements(b, a); len(reverse) != len(want) {
				t.Errorf("the other way round: got %v", reverse)
			}

			shared := tc.want != "" || a.LocalPref == b.LocalPref
			a.LocalPref, a.ASPathPrepend, a.MED, a.WeightByEndpoints = b.LocalPref, 2, MED{Value: 0, IsSet: true}, true
			want = map[string]string{}
			if shared {
				want = map[string]string{"asPathPrepend": prependConflict, "med": medConflict, "weightByEndpoints": weightConflict}
			}
			if diff := cmp.Diff(want, disagreements(a, b)); diff != "" {
				t.Errorf("errors about other attributes (-want +got):\n%s", diff)
			}
			if reverse := disagreements(b, a); len(reverse) != len(want) {
				t.Errorf("other attributes the other way round: got %v", reverse)
			}
		})
	}
}

func TestTheLowerMEDIsPreferredAndNoneIsTheLowest(t *testing.T) {
	t.Parallel()
	none, zero, one, most := MED{}, NewMED(new(uint32(0))), NewMED(new(uint32(1))), NewMED(new(uint32(1<<32-1)))
	ascending := []MED{none, zero, one, most}
	for i, a := range ascending {
		for j, b := range ascending {
			if got, want := a.Min(b), ascending[min(i, j)]; got != want {
				t.Errorf("of %s and %s: got %s, want %s", a, b, got, want)
			}
		}
	}
}

func TestCheckPeers(t *testing.T) {
	t.Parallel()
	const exists = `peer 10.96.0.100 already exists: BGPPeer "rack" connects to it from the same nodes; remove one or make their nodeSelectors disjoint`
	tests := map[string]struct {
		change func(*v1beta2.BGPPeerSpec)
		want   string
	}{
		"the same peer":                      {nil, exists},
		"the same peer with other timers":    {func(s *v1beta2.BGPPeerSpec) { s.HoldTime = duration(0) }, exists},
		"another address":                    {func(s *v1beta2.BGPPeerSpec) { s.Address = "10.96.0.101" }, ""},
		"another port":                       {func(s *v1beta2.BGPPeerSpec) { s.Port = 1179 }, ""},
		"another source address":             {func(s *v1beta2.BGPPeerSpec) { s.SrcAddress = "10.0.0.9" }, ""},
		"the same peer from a node of these": {func(s *v1beta2.BGPPeerSpec) { s.NodeSelectors = []metav1.LabelSelector{selecting("y")} }, exists},
		"the same peer from another node":    {func(s *v1beta2.BGPPeerSpec) { s.NodeSelectors = []metav1.LabelSelector{selecting("z")} }, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer, errs := ParsePeer(bgpPeer(tc.change))
			other, otherErrs := ParsePeer(bgpPeer(nil))
			if errs = append(errs, otherErrs...); len(errs) > 0 {
				t.Fatal(errs.ToAggregate())
			}
			if diff := cmp.Diff(tc.want, message(CheckPeers(peer, other, []labels.Set{{"a": "x"}, {"a": "y"}}))); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}
