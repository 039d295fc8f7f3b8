// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta1"
)

// FuzzParseAdvertisement holds that an advertisement that parses can be announced: its lengths exist, its communities have
// values as soon as its aliases do, and it selects what it names.
func FuzzParseAdvertisement(f *testing.F) {
	f.Add(int32(32), int32(128), "64512:100", "no-advertise", "pool", "rack", "a", "x", uint8(1))
	f.Add(int32(24), int32(64), "large:1:2:3", "1:2", "", "", "a b", "x", uint8(3))
	f.Add(int32(0), int32(129), "lar:123:9999:123", "99999999:1", "p", "p", "", "", uint8(2))
	f.Add(int32(-1), int32(-1), "", ":", "pool", "", "a", "\xff", uint8(15))
	f.Fuzz(func(t *testing.T, length, lengthV6 int32, community, other, pool, peer, key, value string, selectors uint8) {
		selecting := func(bit uint8) []metav1.LabelSelector {
			if selectors&bit == 0 {
				return nil
			}
			return []metav1.LabelSelector{{MatchLabels: map[string]string{key: value}}}
		}
		a, errs := ParseAdvertisement(bgpAdvertisement(v1beta1.BGPAdvertisementSpec{
			AggregationLength: &length, AggregationLengthV6: &lengthV6, Communities: []string{community, other},
			IPAddressPools: []string{pool}, Peers: []string{peer},
			ServiceSelectors: selecting(1), NodeSelectors: selecting(2), IPAddressPoolSelectors: selecting(4),
		}))
		if len(errs) > 0 {
			requireFieldAndRemedy(t, errs)
			return
		}
		if a.AggregationLength < 1 || a.AggregationLength > 32 || a.AggregationLengthV6 < 1 || a.AggregationLengthV6 > 128 {
			t.Errorf("accepted lengths %d and %d", a.AggregationLength, a.AggregationLengthV6)
		}
		aliases := Aliases{}
		for _, c := range a.Communities {
			if !strings.Contains(c, ":") {
				aliases[c] = Community{}
			}
		}
		if _, err := ResolveCommunities(a.Communities, aliases); err != nil {
			t.Errorf("accepted communities: %v", err)
		}
		l := labels.Set{key: value}
		if !a.SelectsPool(pool, nil) || !a.SelectsPeer(peer) || !a.SelectsNode(l) || !a.SelectsService(l) {
			t.Errorf("%+v does not select what it names", a)
		}
	})
}

// FuzzParseCommunities holds that the aliases of an object that parses are those that it names, with their values.
func FuzzParseCommunities(f *testing.F) {
	f.Add("a", "64512:100", "b", "large:1:2:3")
	f.Add("a", "1:2", "a", "1:3")
	f.Add("", "99999999:1", "x:y", "lar:123:9999:123")
	f.Fuzz(func(t *testing.T, name, value, otherName, otherValue string) {
		object := &v1beta1.Community{Spec: v1beta1.CommunitySpec{Communities: []v1beta1.CommunityAlias{
			{Name: name, Value: value}, {Name: otherName, Value: otherValue},
		}}}
		aliases, errs := ParseCommunities(object)
		if len(errs) > 0 {
			requireFieldAndRemedy(t, errs)
			if aliases != nil {
				t.Errorf("got aliases %v beside errors", aliases)
			}
			return
		}
		if len(aliases) != 2 {
			t.Errorf("got %d aliases, want 2", len(aliases))
		}
		for _, alias := range object.Spec.Communities {
			want, err := ParseCommunity(alias.Value)
			if err != nil {
				t.Errorf("accepted value: %v", err)
			}
			got, err := ResolveCommunities([]string{alias.Name}, aliases)
			if err != nil || len(got) != 1 || got[0] != want {
				t.Errorf("alias %q is %v, %v; want %v", alias.Name, got, err, want)
			}
		}
	})
}

func requireFieldAndRemedy(t *testing.T, errs field.ErrorList) {
	t.Helper()
	for _, err := range errs {
		if err.Field == "" || err.Detail == "" {
			t.Errorf("error without field or remedy: %v", err)
		}
	}
}
