// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/test/builder"
)

func TestAServiceCountsOnceForEachPoolThatItHasAddressesOf(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("both", "192.0.2.0/32", "2001:db8::/126"), builder.MakePool("four", "198.51.100.0/24"))
	expect := func(want map[string]int) {
		t.Helper()
		if diff := cmp.Diff(want, a.ServicesByPool()); diff != "" {
			t.Errorf("services by pool (-want +got):\n%s", diff)
		}
	}
	expect(map[string]int{})
	mustAllocate(t, a, request("one-pool", families(v4, v6)))
	mustAllocate(t, a, request("two-pools", families(v4, v6)))
	mustAllocate(t, a, request("four", families(v4)))
	expect(map[string]int{"both": 2, "four": 2})
	a.Release(name("one-pool"))
	expect(map[string]int{"both": 1, "four": 2})
}
