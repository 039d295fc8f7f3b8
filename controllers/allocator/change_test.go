// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

func TestAChangedRequest(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from, to    allocator.Request
		want        string
		wantRefusal string
	}{
		"for a free address moves the service": {
			from: request("x"), to: request("x", wants("192.0.2.9")), want: "192.0.2.9",
		},
		"for the address it holds changes nothing": {
			from: request("x"), to: request("x", wants("192.0.2.1")), want: "192.0.2.1",
		},
		"for an address in use keeps what it holds": {
			from: request("x"), to: request("x", wants("192.0.2.0")),
			want: "192.0.2.1", wantRefusal: `address "192.0.2.0" is in use by "default/other"`,
		},
		"for another pool moves the service": {
			from: request("x"), to: request("x", pool("b")), want: "198.51.100.0",
		},
		"for a pool that does not exist keeps what it holds": {
			from: request("x"), to: request("x", pool("c")),
			want: "192.0.2.1", wantRefusal: `no IPv4 address available: pool "c" does not exist or is not valid`,
		},
		"that no longer names an address keeps it": {
			from: request("x", wants("192.0.2.9")), to: request("x"), want: "192.0.2.9",
		},
		"that no longer names a pool keeps its address": {
			from: request("x", pool("b")), to: request("x"), want: "198.51.100.0",
		},
		"to dual stack keeps one address and adds the other from the same pool": {
			from: request("x", pool("b")), to: request("x", families(v4, v6), requireAll), want: "198.51.100.0,2001:db8:b::",
		},
		"to single stack keeps that one address": {
			from: request("x", families(v4, v6)), to: request("x", families(v6)), want: "2001:db8:b::",
		},
		"to the other family moves the service": {
			from: request("x"), to: request("x", families(v6)), want: "2001:db8:a::",
		},
		"of the order of families changes the order": {
			from: request("x", families(v4, v6)), to: request("x", families(v6, v4)), want: "2001:db8:b::,198.51.100.0",
		},
		"of ports keeps the address": {
			from: request("x", shares("k", 80)), to: request("x", shares("k", 81)), want: "192.0.2.1",
		},
		"of the sharing key of its only user keeps the address": {
			from: request("x", shares("k", 80)), to: request("x", shares("l", 80)), want: "192.0.2.1",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24"), builder.MakePool("aa", "2001:db8:a::/64"),
				builder.MakePool("b", "198.51.100.0/24", "2001:db8:b::/64"))
			mustAllocate(t, a, request("other"))
			mustAllocate(t, a, tc.from)
			got, refused := allocate(a, tc.to)
			if diff := cmp.Diff([]string{tc.want, tc.wantRefusal}, []string{got, refused}); diff != "" {
				t.Errorf("addresses and refusal (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAServiceThatSharesAnAddressMovesWhenItNoLongerMay(t *testing.T) {
	t.Parallel()
	tests := map[string]allocator.Request{
		"its port is another's":         request("x", shares("k", 80)),
		"its key is another":            request("x", shares("l", 443)),
		"it has no key":                 request("x"),
		"its traffic policy is another": request("x", shares("k", 443), local("app=x")),
		"its port is added to it":       request("x", shares("k", 80, 443)),
	}
	for name, changed := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24"))
			mustAllocate(t, a, request("w", shares("k", 80)))
			if got := mustAllocate(t, a, request("x", shares("k", 443))); got != "192.0.2.0" {
				t.Fatalf("holds %s, want the shared address", got)
			}
			if got := mustAllocate(t, a, changed); got != "192.0.2.1" {
				t.Errorf("holds %s, want another address", got)
			}
		})
	}
}

func TestAServiceThatNamesAPoolKeepsItsAddressWhenTheAddressBecomesAnothers(t *testing.T) {
	t.Parallel()
	before := []*builder.Pool{builder.MakePool("a", "192.0.2.0/24"), builder.MakePool("b", "198.51.100.0/24")}
	tests := map[string][]*builder.Pool{
		"because the pool is split": {
			builder.MakePool("a", "192.0.2.128/25"), builder.MakePool("b", "198.51.100.0/24"), builder.MakePool("c", "192.0.2.0/25"),
		},
		"because two exchange their ranges": {builder.MakePool("a", "198.51.100.0/24"), builder.MakePool("b", "192.0.2.0/24")},
		"because the pool is renamed":       {builder.MakePool("c", "192.0.2.0/24"), builder.MakePool("b", "198.51.100.0/24")},
	}
	for name, after := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, before...)
			r := request("x", pool("a"))
			mustAllocate(t, a, r)
			a.SetPools(parse(t, after...))
			if len(a.Incompatible("a")) == 0 {
				t.Error("nothing stands against the pool")
			}
			result, refusal := a.Allocate(r)
			if refusal != nil || text(result) != "192.0.2.0" || !result.Assignments[0].Incompatible {
				t.Fatalf("refused %v, assignments %v", refusal, result.Assignments)
			}

			t.Log("after a restart")
			a = newAllocator(t, after...)
			a.Hydrate(r, result.Assignments)
			result, refusal = a.Allocate(r)
			if refusal != nil || text(result) != "192.0.2.0" || !result.Assignments[0].Incompatible {
				t.Fatalf("refused %v, assignments %v", refusal, result.Assignments)
			}

			t.Log("naming no pool")
			result, refusal = a.Allocate(request("x"))
			if refusal != nil || text(result) != "192.0.2.0" || result.Assignments[0].Incompatible {
				t.Fatalf("refused %v, assignments %v", refusal, result.Assignments)
			}
		})
	}
}

func TestAServiceWhosePoolWasChangedWhileNobodyLookedMoves(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24"), builder.MakePool("b", "198.51.100.0/24"))
	a.Hydrate(request("x", pool("b")), assigned("a", "192.0.2.7"))
	if got := mustAllocate(t, a, request("x", pool("b"))); got != "198.51.100.0" {
		t.Errorf("holds %s", got)
	}
}

func TestAServiceThatIsRefusedHoldsItsAddressOnItsPresentTerms(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		changed  []option
		newcomer allocator.Request
		want     string
	}{
		"which do not share any more": {newcomer: request("y", shares("k", 443)), want: "192.0.2.1"},
		"which have another port": {
			changed: []option{shares("k", 443)}, newcomer: request("y", shares("k", 443)), want: "192.0.2.1",
		},
		"which let others share": {
			changed: []option{shares("k", 443)}, newcomer: request("y", shares("k", 80)), want: "192.0.2.0",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24"))
			mustAllocate(t, a, request("x", shares("k", 80)))
			got, refused := allocate(a, request("x", append(tc.changed, wants("203.0.113.1"))...))
			if got != "192.0.2.0" || refused == "" {
				t.Fatalf("holds %s, refused %q", got, refused)
			}
			if got := mustAllocate(t, a, tc.newcomer); got != tc.want {
				t.Errorf("another gets %s, want %s", got, tc.want)
			}
		})
	}
}

func TestAServiceThatContradictsItselfHoldsItsAddressOnItsPresentTerms(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/32"))
	mustAllocate(t, a, request("x"))
	allocate(a, request("y", shares("k", 443)))
	if woken := names(a.Keep(request("x", shares("k", 80))).Woken); !cmp.Equal(woken, []string{"y"}) {
		t.Errorf("woken are %v, want y", woken)
	}
	if woken := names(a.Keep(request("z")).Woken); len(woken) > 0 || held(a, "z") != "" {
		t.Errorf("one that holds nothing holds %q and wakes %v", held(a, "z"), woken)
	}
}

func TestPortsDoNotMatterToAServiceThatDoesNotShare(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24"))
	a.Hydrate(request("old", created(1)), assigned("a", "192.0.2.7"))
	a.Hydrate(request("new", created(2)), assigned("a", "192.0.2.7"))
	if got := mustAllocate(t, a, request("old", shares("", 81), created(1))); got != "192.0.2.7" {
		t.Errorf("the one with the better right moved to %s", got)
	}
}

func TestANewServiceOfTheSameNameGetsWhatItRequestsItself(t *testing.T) {
	t.Parallel()
	normal := builder.MakePool("normal", "198.51.100.0/28")
	tests := map[string]struct {
		special *builder.Pool
		before  []option
	}{
		"that of a pool which the first one named":    {builder.MakePool("special", "203.0.113.0/28").NoAutoAssign(), []option{pool("special")}},
		"an address which the first one named":        {builder.MakePool("special", "203.0.113.0/28").NoAutoAssign(), []option{wants("203.0.113.4")}},
		"that of a pool which selected the first one": {builder.MakePool("special", "203.0.113.0/28").ServicesWithLabel("tier", "gold"), []option{labelled("tier", "gold")}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, normal, tc.special)
			first := request("x", append(tc.before, version("1"))...)
			result, _ := a.Allocate(first)
			a.Settle(first.Service, result.Addresses())
			if got := fmt.Sprint(result.Addresses()); !strings.HasPrefix(got, "[203.0.113.") {
				t.Fatalf("the first one has %s", got)
			}
			// Nobody has seen that the first one went.
			a.Settle(first.Service, nil)
			if got := mustAllocate(t, a, request("x", version("2"))); got != "198.51.100.0" {
				t.Errorf("the new one has %s", got)
			}
		})
	}
}

func TestWhatIsGivenUpIsFreeOnlyAfterSettle(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24"))
	mustAllocate(t, a, request("x"))
	result, _ := a.Allocate(request("x", wants("192.0.2.9")))
	if _, refused := allocate(a, request("y", wants("192.0.2.0"))); refused != `address "192.0.2.0" is in use by "default/x"` {
		t.Errorf("before it is settled: %q", refused)
	}
	if woken := names(a.Settle(name("x"), result.Addresses())); !cmp.Equal(woken, []string{"y"}) {
		t.Errorf("settling woke %v, want y", woken)
	}
	if got := held(a, "y"); got != "192.0.2.0" {
		t.Errorf("y holds %s", got)
	}
}

func TestWhatWasToldIsNotFreeBeforeSomethingElseIsTold(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/30"))
	mustAllocate(t, a, request("y"))
	mustAllocate(t, a, request("x"))
	reported, _ := a.Allocate(request("x", wants("192.0.2.0")))
	// While x is told that it keeps its address, the one that it waits for is released, and x has that now.
	if _, woken := a.Release(name("y")); !cmp.Equal(names(woken), []string{"x"}) {
		t.Fatalf("the release woke %v, want x", names(woken))
	}
	a.Settle(name("x"), reported.Addresses())
	if _, refused := allocate(a, request("z", wants("192.0.2.1"))); refused == "" {
		t.Fatal("what x was told is given to another")
	}
	result, _ := a.Allocate(request("x", wants("192.0.2.0")))
	if woken := names(a.Settle(name("x"), result.Addresses())); !cmp.Equal(woken, []string{"z"}) {
		t.Errorf("once x is told otherwise %v are woken, want z", woken)
	}
}

func TestAServiceCanGoBackToWhatItGaveUp(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24"))
	mustAllocate(t, a, request("x"))
	allocate(a, request("x", wants("192.0.2.9")))
	if got := mustAllocate(t, a, request("x", wants("192.0.2.0"))); got != "192.0.2.0" {
		t.Errorf("holds %s", got)
	}
	if c := a.PoolCounts("a"); c.AssignedIPv4 != 1 {
		t.Errorf("%d addresses are in use, want 1", c.AssignedIPv4)
	}
}

func TestAssignedStaysAssigned(t *testing.T) {
	t.Parallel()
	old := builder.MakePool("a", "192.0.2.0/24")
	against := []allocator.Held{{Service: name("x"), Address: netip.MustParseAddr("192.0.2.0")}}
	tests := map[string]struct {
		pools []*builder.Pool
		// wantPool is the pool of the address afterwards; wantHeld what stands against that pool.
		wantPool    string
		wantHeld    []allocator.Held
		wantRefusal string
		wantCounts  allocator.Counts
	}{
		"when the pool excludes its address": {
			pools:      []*builder.Pool{builder.MakePool("a", "192.0.2.0/24").AvoidBuggyIPs()},
			wantPool:   "a",
			wantHeld:   against,
			wantCounts: allocator.Counts{AssignedIPv4: 1, AvailableIPv4: 254, SizeIPv4: 254},
		},
		"when the pool shrinks": {
			pools:      []*builder.Pool{builder.MakePool("a", "192.0.2.16/28")},
			wantPool:   "a",
			wantHeld:   against,
			wantCounts: allocator.Counts{AssignedIPv4: 1, AvailableIPv4: 16, SizeIPv4: 16},
		},
		"when the pool selects other services, and the service says so": {
			pools:    []*builder.Pool{builder.MakePool("a", "192.0.2.0/24").Namespaces("prod")},
			wantPool: "a",
			wantRefusal: `address "192.0.2.0" is in pool "a", which does not select the service; ` +
				`no IPv4 address available: no auto-assigned pool selects the service`,
			wantCounts: allocator.Counts{AssignedIPv4: 1, AvailableIPv4: 255, SizeIPv4: 256},
		},
		"when the pool is deleted": {
			wantPool:   "a",
			wantHeld:   against,
			wantCounts: allocator.Counts{AssignedIPv4: 1},
		},
		"when the pool is renamed, and belongs to the new one": {
			pools:      []*builder.Pool{builder.MakePool("b", "192.0.2.0/24")},
			wantPool:   "b",
			wantCounts: allocator.Counts{AssignedIPv4: 1, AvailableIPv4: 255, SizeIPv4: 256},
		},
		"when the pool is not auto-assigned any more": {
			pools:      []*builder.Pool{builder.MakePool("a", "192.0.2.0/24").NoAutoAssign()},
			wantPool:   "a",
			wantCounts: allocator.Counts{AssignedIPv4: 1, AvailableIPv4: 255, SizeIPv4: 256},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, old)
			mustAllocate(t, a, request("x"))
			a.SetPools(parse(t, tc.pools...))
			result, refusal := a.Allocate(request("x"))
			if got := refusalText(refusal); got != tc.wantRefusal {
				t.Errorf("refused: %s", got)
			}
			want := []allocator.Assignment{{
				Address: netip.MustParseAddr("192.0.2.0"), Pool: tc.wantPool, Incompatible: tc.wantHeld != nil,
			}}
			if diff := cmp.Diff(want, result.Assignments, compareAddresses()); diff != "" {
				t.Errorf("assignments (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantHeld, a.Incompatible(tc.wantPool), compareAddresses(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("impacts (-want +got):\n%s", diff)
			}
			counts := a.PoolCounts(tc.wantPool)
			if diff := cmp.Diff(tc.wantCounts, counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			a.SetPools(parse(t, old))
			if a.HasIncompatible() {
				t.Error("it has not healed with the pools as they were")
			}
		})
	}
}

func TestAPoolThatIsNotInUseCountsWhatServicesHoldFromIt(t *testing.T) {
	t.Parallel()
	a := newAllocator(t)
	a.Hydrate(request("x"), assigned("a", "192.0.2.0"))
	for _, step := range []struct {
		do   func()
		want int64
	}{
		{func() {}, 1},
		{func() { a.SetPools(parse(t, builder.MakePool("b", "198.51.100.0/24"))) }, 1},
		{func() { a.Release(name("x")) }, 0},
	} {
		step.do()
		if got := a.PoolCounts("a"); got != (allocator.Counts{AssignedIPv4: step.want}) {
			t.Errorf("counts %+v, want %d assigned", got, step.want)
		}
	}
}
