// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

func TestTheOldestIsServedWhateverItWaitsFor(t *testing.T) {
	t.Parallel()
	for label, tc := range map[string]struct{ older, younger allocator.Request }{
		"for that address":             {request("older", wants("192.0.2.0"), created(2)), request("younger", created(3))},
		"for any address":              {request("older", created(2)), request("younger", wants("192.0.2.0"), created(3))},
		"for an address of the pool":   {request("older", pool("a"), created(2)), request("younger", created(3))},
		"for one that it could share":  {request("older", shares("k", 80), created(2)), request("younger", created(3))},
		"for any, before it is shared": {request("older", created(2)), request("younger", shares("k", 80), created(3))},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			holder := request("holder", shares("k", 80), created(1))
			a := newAllocator(t, builder.MakePool("a", "192.0.2.0/32"))
			mustAllocate(t, a, holder)
			a.Allocate(tc.younger)
			a.Allocate(tc.older)
			a.Release(holder.Service)
			if got := held(a, "older"); got != "192.0.2.0" {
				t.Errorf("the older holds %q, the younger %q", got, held(a, "younger"))
			}
		})
	}
}

func TestAReleaseAndAChangeOfPoolsServeAllQueuesInOneOrder(t *testing.T) {
	t.Parallel()
	one := builder.MakePool("a", "192.0.2.0/32")
	a := newAllocator(t, one)
	mustAllocate(t, a, request("holder"))
	for _, r := range []allocator.Request{
		request("named", wants("198.51.100.1"), created(3)), request("any", created(1)), request("of-b", pool("b"), created(2)),
	} {
		a.Allocate(r)
	}
	woken := a.SetPools(parse(t, one, builder.MakePool("b", "198.51.100.0/31")))
	if diff := cmp.Diff([]string{"any", "named", "of-b"}, names(woken)); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	got := []string{held(a, "any"), held(a, "of-b"), held(a, "named")}
	if diff := cmp.Diff([]string{"198.51.100.0", "198.51.100.1", ""}, got); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
}
