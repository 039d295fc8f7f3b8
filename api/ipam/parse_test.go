// SPDX-License-Identifier: Apache-2.0

package ipam

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta1"
)

// selecting returns a selector for the label a=value.
func selecting(value string) metav1.LabelSelector {
	return metav1.LabelSelector{MatchLabels: map[string]string{"a": value}}
}

func pool(name string, spec v1beta1.IPAddressPoolSpec) *v1beta1.IPAddressPool {
	return &v1beta1.IPAddressPool{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"tier": "gold"}}, Spec: spec}
}

func TestParsePoolReturnsWhatTheObjectMeans(t *testing.T) {
	t.Parallel()
	in := pool("gold", v1beta1.IPAddressPoolSpec{
		Addresses:     []string{"198.51.100.7/24", "10.0.0.9 - 10.0.0.12", "2001:db8::/112"},
		AutoAssign:    new(false),
		AvoidBuggyIPs: true,
		AllocateTo: &v1beta1.ServiceAllocation{
			Priority:           7,
			Namespaces:         []string{"shop"},
			NamespaceSelectors: []metav1.LabelSelector{selecting("ns")},
			ServiceSelectors:   []metav1.LabelSelector{selecting("svc"), {}},
		},
	})
	got, errs := ParsePool(in)
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	summary := map[string]any{
		"name": got.Name, "labels": got.Labels.String(), "autoAssign": got.AutoAssign, "avoidBuggyIPs": got.AvoidBuggyIPs,
		"ranges": texts(got.Ranges), "priority": got.Allocation.Priority, "namespaces": got.Allocation.Namespaces,
		"namespaceSelectors": texts(got.Allocation.NamespaceSelectors), "serviceSelectors": texts(got.Allocation.ServiceSelectors),
	}
	want := map[string]any{
		"name": "gold", "labels": "tier=gold", "autoAssign": false, "avoidBuggyIPs": true,
		"ranges":   []string{"198.51.100.0/24", "10.0.0.9-10.0.0.12", "2001:db8::/112"},
		"priority": 7, "namespaces": map[string]bool{"shop": true},
		"namespaceSelectors": []string{"a=ns"}, "serviceSelectors": []string{"a=svc", ""},
	}
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Errorf("pool (-want +got):\n%s", diff)
	}
	in.Labels["tier"] = "lead"
	if got.Labels["tier"] != "gold" {
		t.Error("the pool shares its labels with the object")
	}
}

func TestParsePoolDefaults(t *testing.T) {
	t.Parallel()
	got, errs := ParsePool(pool("p", v1beta1.IPAddressPoolSpec{Addresses: []string{"10.0.0.0/24"}}))
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	if !got.AutoAssign || got.AvoidBuggyIPs || got.Allocation != nil {
		t.Errorf("got autoAssign %t, avoidBuggyIPs %t, allocation %v; want true, false, nil", got.AutoAssign, got.AvoidBuggyIPs, got.Allocation)
	}
}

func TestParsePoolErrors(t *testing.T) {
	t.Parallel()
	allocateTo := func(a v1beta1.ServiceAllocation) *v1beta1.IPAddressPool {
		return pool("p", v1beta1.IPAddressPoolSpec{Addresses: []string{"10.0.0.0/24"}, AllocateTo: &a})
	}
	addresses := func(a ...string) *v1beta1.IPAddressPool { return pool("p", v1beta1.IPAddressPoolSpec{Addresses: a}) }
	tests := map[string]struct {
		in   *v1beta1.IPAddressPool
		want []string
	}{
		"no name": {
			in:   pool("", v1beta1.IPAddressPoolSpec{Addresses: []string{"10.0.0.0/24"}}),
			want: []string{`metadata.name: Required value: missing pool name`},
		},
		"no addresses": {
			in:   addresses(),
			want: []string{`spec.addresses: Required value: pool has no prefixes defined; list at least one prefix or range of addresses`},
		},
		"every bad address is reported, with its place": {
			in: addresses("10.0.0.0/40", "10.1.0.0/24", "x"),
			want: []string{
				`spec.addresses[0]: Invalid value: "10.0.0.0/40": invalid CIDR "10.0.0.0/40": the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6`,
				`spec.addresses[2]: Invalid value: "x": invalid CIDR "x": write a prefix such as "198.51.100.0/24" or a range such as "198.51.100.10-198.51.100.20"`,
			},
		},
		"the same prefix twice": {
			in:   addresses("10.0.0.0/24", "10.0.0.0/24"),
			want: []string{`spec.addresses[1]: Invalid value: "10.0.0.0/24": CIDR "10.0.0.0/24" in pool "p" overlaps with already defined CIDR "10.0.0.0/24"; list each address once`},
		},
		"a range inside a prefix written later": {
			in: addresses("10.0.0.5-10.0.0.9", "x", "10.0.0.0/24"),
			want: []string{
				`spec.addresses[1]: Invalid value: "x": invalid CIDR "x": write a prefix such as "198.51.100.0/24" or a range such as "198.51.100.10-198.51.100.20"`,
				`spec.addresses[2]: Invalid value: "10.0.0.0/24": CIDR "10.0.0.0/24" in pool "p" overlaps with already defined CIDR "10.0.0.5-10.0.0.9"; list each address once`,
			},
		},
		"a prefix over several": {
			in: addresses("10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/16"),
			want: []string{
				`spec.addresses[2]: Invalid value: "10.0.0.0/16": CIDR "10.0.0.0/16" in pool "p" overlaps with already defined CIDR "10.0.0.0/24"; list each address once`,
				`spec.addresses[2]: Invalid value: "10.0.0.0/16": CIDR "10.0.0.0/16" in pool "p" overlaps with already defined CIDR "10.0.1.0/24"; list each address once`,
			},
		},
		"neighbours do not overlap": {in: addresses("10.0.0.0/25", "10.0.0.128/25", "10.0.1.0-10.0.1.9", "10.0.1.10-10.0.1.19")},
		"a negative priority": {
			in:   allocateTo(v1beta1.ServiceAllocation{Priority: -1}),
			want: []string{`spec.serviceAllocation.priority: Invalid value: -1: must be 0 or more: 1 comes first, 0 last`},
		},
		"a namespace twice": {
			in:   allocateTo(v1beta1.ServiceAllocation{Namespaces: []string{"a", "b", "a"}}),
			want: []string{`spec.serviceAllocation.namespaces[2]: Duplicate value: "a": duplicate definition of namespaces "a"; remove one`},
		},
		"a namespace selector twice": {
			in:   allocateTo(v1beta1.ServiceAllocation{NamespaceSelectors: []metav1.LabelSelector{selecting("x"), selecting("x")}}),
			want: []string{`spec.serviceAllocation.namespaceSelectors[1]: Duplicate value: "a=x": duplicate definition of namespaceSelectors "a=x"; remove one`},
		},
		"a malformed service selector": {
			in: allocateTo(v1beta1.ServiceAllocation{ServiceSelectors: []metav1.LabelSelector{
				{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Is"}}},
			}}),
			want: []string{`spec.serviceAllocation.serviceSelectors[0]: Invalid value: "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Is\"}]}": invalid label selector: "Is" is not a valid label selector operator`},
		},
		"several errors at once": {
			in: pool("", v1beta1.IPAddressPoolSpec{AllocateTo: &v1beta1.ServiceAllocation{Priority: -2, Namespaces: []string{"a", "a"}}}),
			want: []string{
				`metadata.name: Required value: missing pool name`,
				`spec.addresses: Required value: pool has no prefixes defined; list at least one prefix or range of addresses`,
				`spec.serviceAllocation.priority: Invalid value: -2: must be 0 or more: 1 comes first, 0 last`,
				`spec.serviceAllocation.namespaces[1]: Duplicate value: "a": duplicate definition of namespaces "a"; remove one`,
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, errs := ParsePool(tc.in)
			if diff := cmp.Diff(tc.want, errorTexts(errs)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if len(errs) > 0 && (got.Name != "" || got.Ranges != nil) {
				t.Errorf("got pool %v beside errors, want none", got)
			}
		})
	}
}

// FuzzParsePool holds that a pool that parses contains the ends of its ranges and counts its addresses.
func FuzzParsePool(f *testing.F) {
	f.Add("10.0.0.0/24", "10.0.1.0-10.0.1.9", "a", false)
	f.Add("10.0.0.0/24", "10.0.0.9/32", "", true)
	f.Add("2001:db8::/64", "2001:db8:0:1::/64", "a", true)
	f.Add("10.0.0.255-10.0.1.0", "x", "b", true)
	f.Fuzz(func(t *testing.T, first, second, namespace string, avoidBuggyIPs bool) {
		p, errs := ParsePool(pool("p", v1beta1.IPAddressPoolSpec{
			Addresses:     []string{first, second},
			AvoidBuggyIPs: avoidBuggyIPs,
			AllocateTo:    &v1beta1.ServiceAllocation{Namespaces: []string{namespace}},
		}))
		if len(errs) > 0 {
			for _, err := range errs {
				if err.Detail == "" || err.Field == "" {
					t.Errorf("error without field or remedy: %v", err)
				}
			}
			return
		}
		for _, r := range p.Ranges {
			if p.Contains(r.From) != (!avoidBuggyIPs || !isBuggy(r.From)) || p.Contains(r.To) != (!avoidBuggyIPs || !isBuggy(r.To)) {
				t.Errorf("pool %v: the ends of range %s", p.Ranges, r)
			}
		}
		if v4, v6 := p.Size(); v4 < 0 || v6 < 0 {
			t.Errorf("pool %v: sizes %d and %d", p.Ranges, v4, v6)
		}
		if p.Ranges[0].Overlaps(p.Ranges[1]) {
			t.Errorf("pool %v: ranges overlap", p.Ranges)
		}
	})
}

func errorTexts(errs field.ErrorList) []string {
	if len(errs) == 0 {
		return nil
	}
	list := make([]string, 0, len(errs))
	for _, err := range errs {
		list = append(list, err.Error())
	}
	return list
}

func texts[T interface{ String() string }](list []T) []string {
	s := make([]string, 0, len(list))
	for _, v := range list {
		s = append(s, v.String())
	}
	return s
}

func TestAPoolOfOneRangeManyTimesIsRefusedInFewWords(t *testing.T) {
	t.Parallel()
	p := pool("p", v1beta1.IPAddressPoolSpec{})
	for range 4096 {
		p.Spec.Addresses = append(p.Spec.Addresses, "198.51.100.0/24")
	}
	if _, errs := ParsePool(p); len(errs) == 0 || len(errs) > 100 {
		t.Errorf("%d errors, want 1 to 100", len(errs))
	}
}
