// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/active"
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
		"nothing, in a pool that is not in use":     {addresses: []string{"nonsense"}, wantAssigned: "0", wantAvail: "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, a := builder.MakePool("a", tc.addresses...).Obj(), allocator.New()
			snapshot := config.Next(config.Inputs{Written: config.Objects{Pools: []v1beta1.IPAddressPool{*p}}}, nil)
			a.SetPools(snapshot.Pools)
			for i, families := range tc.services {
				service := types.NamespacedName{Namespace: "default", Name: string(rune('a' + i))}
				if _, refusal := a.Allocate(allocator.Request{Service: service, Families: families}); refusal != nil {
					t.Fatal(refusal)
				}
			}
			(&StatusReconciler{Allocator: a}).setStatus(p, snapshot.Findings[active.KeyOf(p)], nil)
			if p.Status.Assigned != tc.wantAssigned || p.Status.Available != tc.wantAvail {
				t.Errorf("%s assigned and %s available, want %s and %s", p.Status.Assigned, p.Status.Available, tc.wantAssigned, tc.wantAvail)
			}
		})
	}
}
