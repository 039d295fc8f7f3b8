// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"fmt"
	"testing"
	"time"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

// took returns the shortest of a few times that the action takes.
func took(act func()) time.Duration {
	shortest := time.Hour
	for range 20 {
		began := time.Now()
		act()
		shortest = min(shortest, time.Since(began))
	}
	return shortest
}

// crowd returns an allocator with services that hold an address, and others that wait for one of pool "full".
func crowd(tb testing.TB, holders, waiters int) (*allocator.Allocator, []*builder.Pool) {
	tb.Helper()
	pools := []*builder.Pool{
		builder.MakePool("a", "10.0.0.0/16"), builder.MakePool("full", "192.0.2.0/32").NoAutoAssign(),
		builder.MakePool("small", "192.0.2.128/32").NoAutoAssign(),
	}
	a := newAllocator(tb, pools...)
	for i := range holders {
		mustAllocate(tb, a, request(fmt.Sprintf("holder-%05d", i), created(i)))
	}
	mustAllocate(tb, a, request("first", pool("full")))
	for i := range waiters {
		a.Allocate(request(fmt.Sprintf("waiter-%05d", i), created(i), pool("full")))
	}
	return a, pools
}

func TestAChangeOfPoolsThatConcernsNobodyDoesNotCostMoreTheMoreServicesThereAre(t *testing.T) {
	t.Parallel()
	cost := func(holders int) time.Duration {
		a, pools := crowd(t, holders, 10)
		without, with := parse(t, pools...), parse(t, append(pools, builder.MakePool("new", "198.51.100.0/24"))...)
		return took(func() {
			if woken := append(a.SetPools(with), a.SetPools(without)...); len(woken) > 0 {
				t.Errorf("%d are woken", len(woken))
			}
		})
	}
	if few, many := cost(100), cost(20000); many > 20*few+time.Millisecond {
		t.Errorf("with 100 services it takes %s, with 20,000 %s", few, many)
	}
}

func TestAReleaseDoesNotCostMoreTheMoreServicesWaitForSomethingElse(t *testing.T) {
	t.Parallel()
	cost := func(waiters int) time.Duration {
		a, _ := crowd(t, 10, waiters)
		one, other := request("one", pool("small")), request("other", pool("small"))
		mustAllocate(t, a, one)
		a.Allocate(other)
		return took(func() {
			for range 50 {
				a.Release(one.Service)
				a.Allocate(one)
				a.Release(other.Service)
				a.Allocate(other)
			}
		})
	}
	if few, many := cost(10), cost(20000); many > 10*few+time.Millisecond {
		t.Errorf("with 10 that wait it takes %s, with 20,000 %s", few, many)
	}
}

// BenchmarkSetPoolsForNobody measures a change of pools that concerns none of 10,000 services, of which 1,000 wait.
func BenchmarkSetPoolsForNobody(b *testing.B) {
	a, pools := crowd(b, 9000, 1000)
	without, with := parse(b, pools...), parse(b, append(pools, builder.MakePool("new", "198.51.100.0/24"))...)
	for b.Loop() {
		a.SetPools(with)
		a.SetPools(without)
	}
}

// BenchmarkSetPoolsForAllThatWait measures a pool that comes and serves none of 10,000 that wait for one, and goes again.
func BenchmarkSetPoolsForAllThatWait(b *testing.B) {
	a := newAllocator(b, builder.MakePool("a", "10.0.0.0/32"))
	for i := range 10001 {
		a.Allocate(request(fmt.Sprintf("service-%05d", i), created(i)))
	}
	without, with := parse(b, builder.MakePool("a", "10.0.0.0/32")), parse(b, builder.MakePool("a", "10.0.0.0/32"), builder.MakePool("b", "10.0.1.0/32"))
	taken := request("taken", pool("b"))
	for b.Loop() {
		a.Hydrate(taken, assigned("b", "10.0.1.0"))
		a.SetPools(with)
		a.SetPools(without)
	}
}
