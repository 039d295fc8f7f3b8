// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/test/builder"
)

// An address that is in no status yet need not be left. So the event of the reconciler's own write matters.
func TestAServiceLeavesAPoolThatCeasesToSelectItDuringTheWrite(t *testing.T) {
	t.Parallel()
	reserved, other := builder.MakePool("a", "192.0.2.0/24").ServicesWithLabel("tier", "other"), builder.MakePool("b", "198.51.100.0/24")
	pools := make([]ipam.Pool, 0, 2)
	for _, p := range []*builder.Pool{reserved, other} {
		parsed, errs := ipam.ParsePool(p.Obj())
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		pools = append(pools, parsed)
	}
	var r *Reconciler
	var once sync.Once
	patch := func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
		once.Do(func() { r.Services.Add(r.Allocator.SetPools(ipam.NewPools(pools...))...) })
		return c.SubResource(sub).Patch(ctx, o, p, opts...)
	}
	c := makeClient(t, interceptor.Funcs{SubResourcePatch: patch}, version(builder.MakeService("web"), "9"))
	r, _ = makeReconciler(t, c, c)
	reconcile(t, r)
	reconcile(t, r) // The event of the write has it looked at.
	is := &corev1.Service{}
	if err := c.Get(t.Context(), web, is); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"198.51.100.0"}, assignment.IngressTexts(is)); diff != "" {
		t.Errorf("the addresses (-want +got):\n%s", diff)
	}
}
