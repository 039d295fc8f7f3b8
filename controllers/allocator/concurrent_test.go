// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"metallb.io/metallb/test/builder"
)

func TestManyAtOnceGetDifferentAddresses(t *testing.T) {
	t.Parallel()
	const workers, each = 8, 200
	a := newAllocator(t, builder.MakePool("a", "10.0.0.0/16"))
	var mu sync.Mutex
	users := map[string]string{}
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := range each {
				n := fmt.Sprintf("s-%d-%d", w, i)
				address, refused := allocate(a, request(n))
				if i%4 == 3 {
					a.Release(name(n))
					continue
				}
				a.Settle(name(n), []netip.Addr{netip.MustParseAddr(address)})
				a.PoolCounts("a")
				mu.Lock()
				if other, taken := users[address]; taken || refused != "" {
					t.Errorf("%s got %s, held by %q, refused %q", n, address, other, refused)
				}
				users[address] = n
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if c := a.PoolCounts("a"); c.AssignedIPv4 != workers*each*3/4 {
		t.Errorf("%d addresses are in use, want %d", c.AssignedIPv4, workers*each*3/4)
	}
}
