// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

func TestAServiceThatIsRefusedKeepsWhatItWasToldAndNotWhatItGotMeanwhile(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		// reported is what x asks for and its status reports, if anything; meanwhile is what it asks for then, and gets without being told.
		reported, meanwhile *allocator.Request
		refused             func(*allocator.Allocator) allocator.Result
		want                string
	}{
		"which it may not share any more": {
			meanwhile: new(request("x", shares("k", 443))),
			refused: func(a *allocator.Allocator) allocator.Result {
				result, _ := a.Allocate(request("x", wants("203.0.113.1")))
				return result
			},
		},
		"which it may not share any more, contradicting itself": {
			meanwhile: new(request("x", shares("k", 443))),
			refused:   func(a *allocator.Allocator) allocator.Result { return a.Keep(request("x")) },
		},
		"which is of another pool than it requests": {
			meanwhile: new(request("x", shares("k", 443))),
			refused: func(a *allocator.Allocator) allocator.Result {
				result, _ := a.Allocate(request("x", shares("k", 443), pool("none")))
				return result
			},
		},
		"and goes back to the one that it was about to leave": {
			reported:  new(request("x", wants("192.0.2.9"))),
			meanwhile: new(request("x", wants("192.0.2.8"))),
			refused: func(a *allocator.Allocator) allocator.Result {
				result, _ := a.Allocate(request("x", wants("192.0.2.0")))
				return result
			},
			want: "192.0.2.9",
		},
	}
	for label, tc := range tests {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, builder.MakePool("a", "192.0.2.0/28"))
			mustAllocate(t, a, request("w", shares("k", 80)))
			if tc.reported != nil {
				mustAllocate(t, a, *tc.reported)
			}
			if got, refused := allocate(a, *tc.meanwhile); got == "" {
				t.Fatalf("x is refused: %s", refused)
			}
			got := tc.refused(a)
			if diff := cmp.Diff(tc.want, text(got)); diff != "" {
				t.Errorf("held (-want +got):\n%s", diff)
			}
			a.Settle(name("x"), got.Addresses())
			a.Withdraw(name("x"))
			users := int64(1)
			if tc.want != "" {
				users++
			}
			if c := a.PoolCounts("a"); c.AssignedIPv4 != users {
				t.Errorf("%d addresses are in use, want %d", c.AssignedIPv4, users)
			}
			if got := mustAllocate(t, a, request("y", shares("k", 443))); got != "192.0.2.0" {
				t.Errorf("the next to share gets %s, want what x does not use", got)
			}
		})
	}
}

func TestAServiceThatHoldsNothingAnyMoreIsForgotten(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/28"))
	a.Allocate(request("x"))
	got := a.Keep(request("x"))
	if woken := a.Settle(name("x"), got.Addresses()); len(woken) > 0 || len(a.Services()) > 0 {
		t.Errorf("woken are %v, and there are %v", woken, a.Services())
	}
}

func TestAServiceLeavesAnAddressOnlyAfterItWasTold(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/28"))
	result, _ := a.Allocate(request("x"))
	a.SetPools(parse(t, builder.MakePool("a", "192.0.2.0/28").AvoidBuggyIPs().AllowDisruption()))
	if got, refused := allocate(a, request("x")); got != "192.0.2.0" || refused != "" {
		t.Errorf("while it is being told it holds %s, refused %q", got, refused)
	}
	a.Settle(name("x"), result.Addresses())
	if got := mustAllocate(t, a, request("x")); got != "192.0.2.1" {
		t.Errorf("once it was told it holds %s", got)
	}
}

func TestADisputedAddressIsKeptOnlyWhileItIsTold(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/28"))
	a.Hydrate(request("old"), assigned("a", "192.0.2.7"))
	a.Hydrate(request("x"), assigned("a", "192.0.2.7"))
	if got, refused := allocate(a, request("x")); got != "192.0.2.7" || refused == "" {
		t.Errorf("while it is told it holds %s, refused %q", got, refused)
	}
	a.Settle(name("x"), nil)
	if got := mustAllocate(t, a, request("x", version("2"))); got != "192.0.2.0" {
		t.Errorf("once its status is cleared it holds %s", got)
	}
}

func TestAServiceThatAsksAgainForWhatItHadIsWhereItsStatusSays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		again option
		want  string
	}{
		"in another version":  {again: version("3"), want: "192.0.2.0"},
		"in the same version": {again: version("2"), want: "198.51.100.0"}, // It may be being told so.
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, builder.MakePool("a", "192.0.2.0/28"), builder.MakePool("b", "198.51.100.0/28"))
			reported := mustAllocate(t, a, request("x", version("1")))
			if got, _ := allocate(a, request("x", version("2"), pool("b"))); got != "198.51.100.0" {
				t.Fatalf("from the other pool it gets %s", got)
			}
			a.Settle(request("x").Service, assignedAddresses(reported))
			if got, refused := allocate(a, request("x", tc.again)); got != tc.want || refused != "" {
				t.Errorf("it holds %s, refused %q, want %s", got, refused, tc.want)
			}
		})
	}
}

func version(v string) option { return func(r *allocator.Request) { r.Version = v } }

func TestAServiceStaysWhereThePoolThatItRequestsIsWhatItsStatusSays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ recorded, want string }{
		"and its status still says that pool":     {recorded: "a", want: "192.0.2.0"},
		"and its status says the other one now":   {recorded: "b", want: "192.0.2.2"},
		"and its status says nothing about pools": {want: "192.0.2.2"},
	}
	for label, tc := range tests {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, builder.MakePool("a", "192.0.2.0/30"))
			mustAllocate(t, a, request("x"))
			a.SetPools(parse(t, builder.MakePool("a", "192.0.2.2/31"), builder.MakePool("b", "192.0.2.0/31")))
			r := request("x", pool("a"))
			r.Recorded = assigned(tc.recorded, "192.0.2.0")
			if got, refused := allocate(a, r); got != tc.want {
				t.Errorf("x holds %s (refused: %q), want %s", got, refused, tc.want)
			}
		})
	}
}

func TestADisputeEndsWithTheAddressThatIsNotTold(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/28", "2001:db8::/124"))
	a.Hydrate(request("old"), assigned("a", "192.0.2.7"))
	a.Hydrate(request("x", families(v4, v6)), assigned("a", "192.0.2.7", "2001:db8::"))
	a.Settle(name("x"), assignedAddresses("2001:db8::"))
	if _, refused := allocate(a, request("x", families(v4, v6), wants("203.0.113.1"))); refused == "" {
		t.Fatal("x is given an address of no pool")
	}
	a.Settle(name("x"), assignedAddresses("2001:db8::"))
	a.Release(name("old"))
	if got := mustAllocate(t, a, request("x", families(v4, v6))); got != "192.0.2.0,2001:db8::" {
		t.Errorf("x holds %s, want a free address beside the one that it was told", got)
	}
}
