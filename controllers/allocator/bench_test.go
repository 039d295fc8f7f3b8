// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

// BenchmarkFill measures the allocation of all addresses, one by one; compare ns/op divided by the number of services.
func BenchmarkFill(b *testing.B) {
	for _, n := range []int{500, 2000, 8000, 65536} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			requests := manyRequests(n)
			for b.Loop() {
				a := newAllocator(b, builder.MakePool("a", "10.0.0.0/16"))
				for _, r := range requests {
					mustAllocate(b, a, r)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/service")
		})
	}
}

// BenchmarkReplace measures one release and one allocation in a pool full of services, in random order.
func BenchmarkReplace(b *testing.B) {
	for _, n := range []int{500, 2000, 8000, 65536} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			a, requests := full(b, n)
			random := rand.New(rand.NewPCG(1, 1))
			// Leave a quarter of the addresses free, in random places.
			random.Shuffle(n, func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
			for _, r := range requests[:n/4] {
				a.Release(r.Service)
			}
			requests = requests[n/4:]
			for b.Loop() {
				r := requests[random.IntN(len(requests))]
				a.Release(r.Service)
				mustAllocate(b, a, r)
			}
		})
	}
}

// BenchmarkReleaseWithWaiters measures one release while as many services wait as hold an address.
func BenchmarkReleaseWithWaiters(b *testing.B) {
	for _, n := range []int{500, 2000, 8000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			a := newAllocator(b, builder.MakePool("a", fmt.Sprintf("10.0.0.0-10.0.%d.%d", (n-1)/256, (n-1)%256)))
			requests := manyRequests(2 * n)
			for _, r := range requests {
				a.Allocate(r)
			}
			for i := 0; b.Loop(); i++ {
				r := requests[i%len(requests)]
				a.Release(r.Service)
				a.Allocate(r)
			}
		})
	}
}

// BenchmarkRefusal measures an allocation that fails because a /16 is full.
func BenchmarkRefusal(b *testing.B) {
	a, _ := full(b, 65536)
	r := request("late")
	for b.Loop() {
		if _, refusal := a.Allocate(r); refusal == nil {
			b.Fatal("not refused")
		}
	}
}

// BenchmarkSetPools measures a change of pools with 10,000 services.
func BenchmarkSetPools(b *testing.B) {
	a, _ := full(b, 10000)
	pools := parse(b, builder.MakePool("a", "10.0.0.0/16"), builder.MakePool("b", "192.0.2.0/24"))
	for b.Loop() {
		a.SetPools(pools)
	}
}

// BenchmarkMoveAll measures a change of pools by which each of 10,000 services has to leave its address, and telling them.
func BenchmarkMoveAll(b *testing.B) {
	a, requests := full(b, 10000)
	pools := []ipam.Pools{
		parse(b, builder.MakePool("a", "10.1.0.0/16").AllowDisruption()), parse(b, builder.MakePool("a", "10.0.0.0/16").AllowDisruption()),
	}
	for i := 0; b.Loop(); i++ {
		a.SetPools(pools[i%2])
		for _, r := range requests {
			if result, _ := a.Allocate(r); len(result.Moved) != 1 {
				b.Fatalf("%s has not moved", r.Service)
			}
			a.Settle(r.Service, nil)
		}
	}
}

// BenchmarkSame measures the answer to a request that was met before, of one of 10,000 services.
func BenchmarkSame(b *testing.B) {
	a, requests := full(b, 10000)
	for i := 0; b.Loop(); i++ {
		a.Allocate(requests[i%len(requests)])
	}
}

func manyRequests(n int) []allocator.Request {
	requests := make([]allocator.Request, 0, n)
	for i := range n {
		requests = append(requests, request(fmt.Sprintf("service-%05d", i)))
	}
	return requests
}

// full returns an allocator for a /16 with that many services in it.
func full(b *testing.B, n int) (*allocator.Allocator, []allocator.Request) {
	b.Helper()
	a := newAllocator(b, builder.MakePool("a", "10.0.0.0/16"))
	requests := manyRequests(n)
	for _, r := range requests {
		mustAllocate(b, a, r)
	}
	return a, requests
}
