// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

func TestEachPoolSaysHowItStandsToARequest(t *testing.T) {
	t.Parallel()
	written := []*builder.Pool{
		builder.MakePool("any", "198.51.100.0/31"),
		builder.MakePool("full", "192.0.2.1/32"),
		builder.MakePool("named", "192.0.2.2/32").NoAutoAssign(),
		builder.MakePool("reserved", "192.0.2.4/32").Namespaces("default"),
		builder.MakePool("other", "192.0.2.5/32").Namespaces("other"),
		builder.MakePool("avoided", "192.0.2.255/32").AvoidBuggyIPs(),
	}
	pools := make([]ipam.Pool, 0, len(written))
	for _, p := range written {
		parsed, errs := ipam.ParsePool(p.Obj())
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		pools = append(pools, parsed)
	}
	a := allocator.New()
	a.SetPools(ipam.NewPools(pools...))
	request := allocator.Request{
		Service: types.NamespacedName{Namespace: "default", Name: "first"}, Families: []corev1.IPFamily{corev1.IPv4Protocol}, Pool: "full",
	}
	a.Allocate(request)
	request.Service.Name = "second"
	want := []allocator.Standing{{"full", corev1.IPv4Protocol, allocator.PoolExhausted}}
	if diff := cmp.Diff(want, a.Standings(request)); diff != "" {
		t.Errorf("a request that names a pool (-want +got):\n%s", diff)
	}
	request.Pool = ""
	want = []allocator.Standing{
		{"other", corev1.IPv4Protocol, allocator.NotSelected},
		{"reserved", corev1.IPv4Protocol, ""},
		{"any", corev1.IPv4Protocol, ""},
		{"avoided", corev1.IPv4Protocol, allocator.FamilyAvoided},
		{"full", corev1.IPv4Protocol, allocator.PoolExhausted},
		{"named", corev1.IPv4Protocol, allocator.NotAutoAssigned},
	}
	if diff := cmp.Diff(want, a.Standings(request)); diff != "" {
		t.Errorf("a request that names none (-want +got):\n%s", diff)
	}
}
