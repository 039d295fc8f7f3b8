// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/api/ipam"
)

// tiny is how many addresses the tests of ranges are about.
const tiny = 40

func addressAt(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }

// someRanges returns up to n ranges of the tiny space, which may overlap.
func someRanges(r *rand.Rand, n int) []ipam.Range {
	count := r.IntN(n + 1)
	ranges := make([]ipam.Range, 0, count)
	for range count {
		from := r.IntN(tiny)
		ranges = append(ranges, ipam.Range{From: addressAt(from), To: addressAt(from + r.IntN(tiny-from))})
	}
	return ranges
}

// members returns which addresses of the tiny space are in a range.
func members(ranges []ipam.Range) (in [tiny]bool) {
	for i := range in {
		for _, r := range ranges {
			in[i] = in[i] || r.Contains(addressAt(i))
		}
	}
	return in
}

func TestUnionAndSubtractAreThoseOfSets(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		a, b := someRanges(r, 6), someRanges(r, 6)
		inA, inB := members(a), members(b)
		want := inA
		for i := range want {
			want[i] = inA[i] && !inB[i]
		}
		rest := subtract(a, b)
		if diff := cmp.Diff(want, members(rest)); diff != "" {
			t.Fatalf("%v without %v is %v (-want +got):\n%s", a, b, rest, diff)
		}
		merged := union(a)
		if diff := cmp.Diff(inA, members(merged)); diff != "" {
			t.Fatalf("the union is %v (-want +got):\n%s", merged, diff)
		}
		for _, list := range [][]ipam.Range{merged, rest} {
			for i := 1; i < len(list); i++ {
				if !list[i-1].To.Less(list[i].From) {
					t.Fatalf("%v are not in order or overlap", list)
				}
			}
		}
	}
}

func TestTheEndsOfTheAddressSpacesAreSubtracted(t *testing.T) {
	t.Parallel()
	whole := func(from, to string) ipam.Range {
		return ipam.Range{From: netip.MustParseAddr(from), To: netip.MustParseAddr(to)}
	}
	ipv4, ipv6 := whole("0.0.0.0", "255.255.255.255"), whole("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
	if rest := subtract([]ipam.Range{ipv6, ipv4}, []ipam.Range{ipv4, ipv6}); len(rest) > 0 {
		t.Errorf("got %v, want nothing", rest)
	}
	if diff := cmp.Diff("0.0.0.0-255.255.255.254", subtract([]ipam.Range{ipv4}, []ipam.Range{whole("255.255.255.255", "255.255.255.255")})[0].String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if rest := subtract([]ipam.Range{ipv4}, []ipam.Range{ipv6}); len(rest) != 1 || rest[0] != ipv4 {
		t.Errorf("got %v, want all of IPv4", rest)
	}
}

func TestTheOwnerOfAnAddressIsTheOneThatPoolsFind(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	overlapping := 0
	for range 3000 {
		pools := make([]ipam.Pool, 0, 4)
		for i := range 4 {
			p := ipam.Pool{Name: fmt.Sprint(i), AvoidBuggyIPs: r.IntN(4) == 0}
			if r.IntN(3) > 0 {
				// Within one pool ranges do not overlap.
				p.Ranges = union(someRanges(r, 2))
			} else {
				p.Ranges = []ipam.Range{{From: addressAt(10 * i), To: addressAt(10*i + 9)}}
			}
			pools = append(pools, p)
		}
		o := newOwners(ipam.NewPools(pools...))
		if o.overlapping {
			overlapping++
		}
		for i := range tiny {
			want, wantFound := o.pools.Find(addressAt(i))
			got, found := o.find(addressAt(i))
			if found != wantFound || found && got != want {
				t.Fatalf("%s of %v: got %v, want %v", addressAt(i), pools, got, want)
			}
		}
	}
	if overlapping == 0 || overlapping == 3000 {
		t.Errorf("%d of 3000 overlap, want some", overlapping)
	}
}
