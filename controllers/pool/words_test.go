// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

func TestColumnsCountTheAddressesOfAPool(t *testing.T) {
	t.Parallel()
	four, six := []corev1.IPFamily{corev1.IPv4Protocol}, []corev1.IPFamily{corev1.IPv6Protocol}
	both := []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}
	for name, tc := range map[string]struct {
		addresses               []string
		services                [][]corev1.IPFamily
		wantAssigned, wantAvail string
	}{
		"one family":                                {addresses: []string{"192.0.2.0/24"}, services: [][]corev1.IPFamily{four, four}, wantAssigned: "2", wantAvail: "254"},
		"the other":                                 {addresses: []string{"2001:db8::/112"}, services: [][]corev1.IPFamily{six}, wantAssigned: "1", wantAvail: "65535"},
		"both, and the last IPv4 address taken":     {addresses: []string{"192.0.2.1/32", "2001:db8::/112"}, services: [][]corev1.IPFamily{both}, wantAssigned: "1 IPv4, 1 IPv6", wantAvail: "0 IPv4, 65535 IPv6"},
		"nearly as many as the API can count":       {addresses: []string{"2001:db8::/66"}, services: [][]corev1.IPFamily{six, six}, wantAssigned: "2", wantAvail: "4611686018427387902"},
		"more":                                      {addresses: []string{"2001:db8::/64"}, services: [][]corev1.IPFamily{six}, wantAssigned: "1", wantAvail: ">9e18"},
		"two prefixes that together have more":      {addresses: []string{"2001:db8::/65", "2001:db8:0:0:8000::/65"}, wantAssigned: "0", wantAvail: ">9e18"},
		"the largest prefixes that a pool may have": {addresses: []string{"2001:db8::/32", "198.18.0.0/15"}, services: [][]corev1.IPFamily{both}, wantAssigned: "1 IPv4, 1 IPv6", wantAvail: "131071 IPv4, >9e18 IPv6"},
		"nothing, in a pool that is not in force":   {addresses: []string{"nonsense"}, wantAssigned: "0", wantAvail: "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scheme := runtime.NewScheme()
			if err := v1beta1.AddToScheme(scheme); err != nil {
				t.Fatal(err)
			}
			p, a := builder.MakePool("a", tc.addresses...).Obj(), allocator.New()
			c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(p).Build()
			configuration := NewConfiguration(c, p.Namespace, a)
			if _, err := configuration.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			for i, families := range tc.services {
				service := types.NamespacedName{Namespace: "default", Name: string(rune('a' + i))}
				if _, refusal := a.Allocate(allocator.Request{Service: service, Families: families}); refusal != nil {
					t.Fatal(refusal)
				}
			}
			verdict, _ := configuration.Verdict("a")
			(&StatusReconciler{Allocator: a}).setStatus(p, verdict, nil)
			if p.Status.Assigned != tc.wantAssigned || p.Status.Available != tc.wantAvail {
				t.Errorf("%s assigned and %s available, want %s and %s", p.Status.Assigned, p.Status.Available, tc.wantAssigned, tc.wantAvail)
			}
		})
	}
}
