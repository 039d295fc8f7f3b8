// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

// edit is a change of pools with services that hold something, and what comes of it.
type edit struct {
	before []*builder.Pool
	// services allocate in this order, before the change; who is refused waits.
	services []allocator.Request
	after    []*builder.Pool
	// abandoned are deleted pools that allowed disruption.
	abandoned []string
	// want is what the services hold afterwards, wantMoved why, and wantRefusal why they do not move.
	want, wantMoved, wantRefusal map[string]string
}

func (e *edit) run(t *testing.T) {
	t.Helper()
	a := newAllocator(t, e.before...)
	for _, r := range e.services {
		result, _ := a.Allocate(r)
		a.Settle(r.Service, result.Addresses())
	}
	a.SetPools(parse(t, e.after...), e.abandoned...)
	for range 2 { // The second time changes nothing.
		holds, moved, refusals := map[string]string{}, map[string]string{}, map[string]string{}
		for _, r := range e.services {
			result, refusal := a.Allocate(r)
			holds[r.Service.Name] = text(result)
			if why := (&allocator.Refusal{Reasons: result.Moved}).String(); why != "" {
				moved[r.Service.Name] = why
			}
			if refusal != nil {
				refusals[r.Service.Name] = refusal.String()
			}
		}
		if diff := cmp.Diff(e.want, holds); diff != "" {
			t.Errorf("held (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(e.wantMoved, moved, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("moved (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(e.wantRefusal, refusals, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("refused (-want +got):\n%s", diff)
		}
	}
}

const avoids = `address "192.0.2.0" ends in .0 or .255, which pool "a" avoids (avoidBuggyIPs)`

func TestAServiceLeavesAnAddressThatItsPoolAllowsToTake(t *testing.T) {
	t.Parallel()
	old := []*builder.Pool{builder.MakePool("a", "192.0.2.0/29"), builder.MakePool("b", "198.51.100.0/29")}
	b := old[1]
	for name, test := range map[string]edit{
		"because the pool avoids it": {
			before: old, services: []allocator.Request{request("x")},
			after: []*builder.Pool{builder.MakePool("a", "192.0.2.0/29").AvoidBuggyIPs().AllowDisruption(), b},
			want:  map[string]string{"x": "192.0.2.1"}, wantMoved: map[string]string{"x": avoids},
		},
		"because its range is removed": {
			before: old, services: []allocator.Request{request("x")},
			after:     []*builder.Pool{builder.MakePool("a", "192.0.2.4/30").AllowDisruption(), b},
			want:      map[string]string{"x": "192.0.2.4"},
			wantMoved: map[string]string{"x": `address "192.0.2.0" is not in any pool`},
		},
		"because the pool is for others now": {
			before: old, services: []allocator.Request{request("x")},
			after:     []*builder.Pool{builder.MakePool("a", "192.0.2.0/29").Namespaces("prod").AllowDisruption(), b},
			want:      map[string]string{"x": "198.51.100.0"},
			wantMoved: map[string]string{"x": `address "192.0.2.0" is in pool "a", which does not select the service`},
		},
		"because the pool is deleted": {
			before: old, services: []allocator.Request{request("x")},
			after: []*builder.Pool{b}, abandoned: []string{"a"},
			want:      map[string]string{"x": "198.51.100.0"},
			wantMoved: map[string]string{"x": `address "192.0.2.0" is not in any pool`},
		},
		"because the pool that it names has no such range any more": {
			before: old, services: []allocator.Request{request("x", pool("a"))},
			after:     []*builder.Pool{builder.MakePool("a", "192.0.2.4/30").AllowDisruption(), builder.MakePool("c", "192.0.2.0/30")},
			want:      map[string]string{"x": "192.0.2.4"},
			wantMoved: map[string]string{"x": `address "192.0.2.0" is in pool "c", which is not the one requested`},
		},
		"and the oldest leaves first, whoever holds the lowest": {
			before:   old,
			services: []allocator.Request{request("young", created(3)), request("old", created(1)), request("middle", created(2))},
			after:    []*builder.Pool{builder.MakePool("a", "192.0.2.4/30").AllowDisruption(), b},
			want:     map[string]string{"young": "192.0.2.6", "old": "192.0.2.4", "middle": "192.0.2.5"},
			wantMoved: map[string]string{
				"young":  `address "192.0.2.0" is not in any pool`,
				"old":    `address "192.0.2.1" is not in any pool`,
				"middle": `address "192.0.2.2" is not in any pool`,
			},
		},
		"but not before an older one that has none": {
			before:      []*builder.Pool{builder.MakePool("a", "192.0.2.0/32")},
			services:    []allocator.Request{request("x", created(2)), request("older", created(1))},
			after:       []*builder.Pool{builder.MakePool("a", "192.0.2.0/31").AvoidBuggyIPs().AllowDisruption()},
			want:        map[string]string{"x": "192.0.2.0", "older": "192.0.2.1"},
			wantRefusal: map[string]string{"x": avoids + `; no IPv4 address available: pool "a" is exhausted`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func TestAServiceStays(t *testing.T) {
	t.Parallel()
	old := []*builder.Pool{builder.MakePool("a", "192.0.2.0/31"), builder.MakePool("b", "198.51.100.0/29").NoAutoAssign()}
	b := old[1]
	avoiding := []*builder.Pool{builder.MakePool("a", "192.0.2.0/31").AvoidBuggyIPs().AllowDisruption(), b}
	for name, test := range map[string]edit{
		"when its pool allows disruption and gives it the address": {
			before: old, services: []allocator.Request{request("x")},
			after: []*builder.Pool{builder.MakePool("a", "192.0.2.0/24").NoAutoAssign().AllowDisruption(), b},
			want:  map[string]string{"x": "192.0.2.0"},
		},
		"when another pool allows disruption": {
			before: old, services: []allocator.Request{request("x")},
			after: []*builder.Pool{
				builder.MakePool("a", "192.0.2.0/31").AvoidBuggyIPs(), builder.MakePool("b", "198.51.100.0/29").AllowDisruption(),
			},
			want: map[string]string{"x": "192.0.2.0"},
		},
		"when its pool is deleted and did not allow disruption": {
			before: old, services: []allocator.Request{request("x")},
			after: []*builder.Pool{builder.MakePool("c", "203.0.113.0/24")},
			want:  map[string]string{"x": "192.0.2.0"},
		},
		"when its pool is deleted and its address is in another": {
			before: old, services: []allocator.Request{request("x")},
			after: []*builder.Pool{builder.MakePool("c", "192.0.2.0/24")}, abandoned: []string{"a"},
			want: map[string]string{"x": "192.0.2.0"},
		},
		"when its pool was deleted and has been created again": {
			before: old, services: []allocator.Request{request("x")},
			after: []*builder.Pool{builder.MakePool("a", "203.0.113.0/24")}, abandoned: []string{"a"},
			want: map[string]string{"x": "192.0.2.0"},
		},
		"when there is no room": {
			before: old, services: []allocator.Request{request("x"), request("y")},
			after: avoiding,
			want:  map[string]string{"x": "192.0.2.0", "y": "192.0.2.1"},
			wantRefusal: map[string]string{
				"x": avoids + `; no IPv4 address available: pool "a" is exhausted`,
			},
		},
		"when there is no pool": {
			before: old, services: []allocator.Request{request("x")},
			abandoned: []string{"a"},
			want:      map[string]string{"x": "192.0.2.0"},
			wantRefusal: map[string]string{
				"x": `address "192.0.2.0" is not in any pool; no IPv4 address available: there is no valid IPAddressPool`,
			},
		},
		"when it names the pool that is gone, though another has its address": {
			before: old, services: []allocator.Request{request("x", pool("a"))},
			after: []*builder.Pool{builder.MakePool("c", "192.0.2.0/24")}, abandoned: []string{"a"},
			want: map[string]string{"x": "192.0.2.0"},
			wantRefusal: map[string]string{
				"x": `address "192.0.2.0" is in pool "c", which is not the one requested; no IPv4 address available: pool "a" does not exist or is not valid`,
			},
		},
		"when it requests that address": {
			before: old, services: []allocator.Request{request("x", wants("192.0.2.0"))},
			after: avoiding,
			want:  map[string]string{"x": "192.0.2.0"}, wantRefusal: map[string]string{"x": avoids},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func TestOfTwoFamiliesTheOneConcernedMoves(t *testing.T) {
	t.Parallel()
	old := []*builder.Pool{builder.MakePool("a", "192.0.2.0/31", "2001:db8::/127"), builder.MakePool("b", "198.51.100.0/29", "2001:db8:b::/64")}
	const both4, both6 = `address "192.0.2.0" is not in any pool`, `address "2001:db8::" is not in any pool`
	for name, test := range map[string]edit{
		"and the other stays": {
			before: old, services: []allocator.Request{request("x", families(v4, v6), requireAll)},
			after: []*builder.Pool{builder.MakePool("a", "192.0.2.0/31", "2001:db8::/127").AvoidBuggyIPs().AllowDisruption(), old[1]},
			want:  map[string]string{"x": "192.0.2.1,2001:db8::"}, wantMoved: map[string]string{"x": avoids},
		},
		"if both are, to one pool": {
			before: old, services: []allocator.Request{request("x", families(v4, v6), requireAll)},
			after:     []*builder.Pool{builder.MakePool("aa", "203.0.113.0/24"), old[1]},
			abandoned: []string{"a"},
			want:      map[string]string{"x": "198.51.100.0,2001:db8:b::"}, wantMoved: map[string]string{"x": both4 + "; " + both6},
		},
		"if both are, as far as there is another": {
			before: old, services: []allocator.Request{request("x", families(v4, v6), requireAll)},
			after:     []*builder.Pool{builder.MakePool("six", "2001:db8:b::/64")},
			abandoned: []string{"a"},
			want:      map[string]string{"x": "192.0.2.0,2001:db8:b::"}, wantMoved: map[string]string{"x": both6},
			wantRefusal: map[string]string{"x": both4 + `; no IPv4 address available: no pool that the service may use has an IPv4 range`},
		},
		"and a family that it has not got yet is added": {
			before:   []*builder.Pool{builder.MakePool("a", "192.0.2.0/31")},
			services: []allocator.Request{request("x", families(v4, v6))},
			after:    []*builder.Pool{builder.MakePool("a", "192.0.2.0/31", "2001:db8::/64").AvoidBuggyIPs().AllowDisruption()},
			want:     map[string]string{"x": "192.0.2.1,2001:db8::"}, wantMoved: map[string]string{"x": avoids},
		},
		"and is not given up for the other": {
			before: []*builder.Pool{builder.MakePool("a", "192.0.2.0/31")},
			services: []allocator.Request{
				request("x", families(v4, v6)), request("y"),
			},
			after: []*builder.Pool{builder.MakePool("a", "192.0.2.0/31", "2001:db8::/64").AvoidBuggyIPs().AllowDisruption()},
			want:  map[string]string{"x": "192.0.2.0,2001:db8::", "y": "192.0.2.1"},
			wantRefusal: map[string]string{
				"x": avoids + `; no IPv4 address available: pool "a" is exhausted`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func TestServicesThatShareAnAddressMove(t *testing.T) {
	t.Parallel()
	old := []*builder.Pool{builder.MakePool("a", "192.0.2.0/29")}
	web, tls := request("web", shares("k", 80), created(1)), request("tls", shares("k", 443), created(3))
	avoiding := []*builder.Pool{builder.MakePool("a", "192.0.2.0/29").AvoidBuggyIPs().AllowDisruption()}
	for name, test := range map[string]edit{
		"together": {
			before: old, services: []allocator.Request{web, tls}, after: avoiding,
			want:      map[string]string{"web": "192.0.2.1", "tls": "192.0.2.1"},
			wantMoved: map[string]string{"web": avoids, "tls": avoids},
		},
		"together, past an address that only one of them could share": {
			before: old,
			services: []allocator.Request{
				web, tls, request("other", shares("k", 443, 8443), wants("192.0.2.1"), created(2)),
			},
			after:     avoiding,
			want:      map[string]string{"web": "192.0.2.2", "tls": "192.0.2.2", "other": "192.0.2.1"},
			wantMoved: map[string]string{"web": avoids, "tls": avoids},
		},
		"together, before one that waits for the same port": {
			before:      []*builder.Pool{builder.MakePool("a", "192.0.2.0/32")},
			services:    []allocator.Request{web, tls, request("waits", shares("k", 443), created(2))},
			after:       []*builder.Pool{builder.MakePool("a", "192.0.2.1/32").AllowDisruption()},
			want:        map[string]string{"web": "192.0.2.1", "tls": "192.0.2.1", "waits": ""},
			wantMoved:   map[string]string{"web": `address "192.0.2.0" is not in any pool`, "tls": `address "192.0.2.0" is not in any pool`},
			wantRefusal: map[string]string{"waits": `no IPv4 address available: pool "a" is exhausted`},
		},
		"together, to a pool that is for both": {
			before: old,
			services: []allocator.Request{
				request("web", shares("k", 80), labelled("tier", "gold"), created(1)), request("tls", shares("k", 443), created(2)),
			},
			after:     []*builder.Pool{builder.MakePool("gold", "198.51.100.0/29").ServicesWithLabel("tier", "gold"), builder.MakePool("open", "203.0.113.0/29")},
			abandoned: []string{"a"},
			want:      map[string]string{"web": "203.0.113.0", "tls": "203.0.113.0"},
			wantMoved: map[string]string{"web": `address "192.0.2.0" is not in any pool`, "tls": `address "192.0.2.0" is not in any pool`},
		},
		"each by itself where they cannot share again": {
			before:    old,
			services:  []allocator.Request{web, request("tls", shares("k", 443), labelled("tier", "gold"), created(2))},
			after:     []*builder.Pool{builder.MakePool("a", "192.0.2.0/29").ServicesWithLabel("tier", "gold").AllowDisruption(), builder.MakePool("b", "198.51.100.0/29")},
			want:      map[string]string{"web": "198.51.100.0", "tls": "192.0.2.0"},
			wantMoved: map[string]string{"web": `address "192.0.2.0" is in pool "a", which does not select the service`},
		},
		"as far as there is room for their ports": {
			before: []*builder.Pool{builder.MakePool("a", "192.0.2.0/31")},
			services: []allocator.Request{
				web, tls, request("other", shares("k", 80), wants("192.0.2.1"), created(2)),
			},
			after:     []*builder.Pool{builder.MakePool("a", "192.0.2.0/31").AvoidBuggyIPs().AllowDisruption()},
			want:      map[string]string{"web": "192.0.2.0", "tls": "192.0.2.1", "other": "192.0.2.1"},
			wantMoved: map[string]string{"tls": avoids},
			wantRefusal: map[string]string{
				"web": avoids + `; no IPv4 address available: pool "a" is exhausted`,
			},
		},
		"without one that requests that address": {
			before: old, services: []allocator.Request{web, request("tls", shares("k", 443), wants("192.0.2.0"))},
			after:     avoiding,
			want:      map[string]string{"web": "192.0.2.1", "tls": "192.0.2.0"},
			wantMoved: map[string]string{"web": avoids}, wantRefusal: map[string]string{"tls": avoids},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func TestAServiceThatStaysMovesAsSoonAsSomethingFits(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/31"))
	mustAllocate(t, a, request("x"))
	mustAllocate(t, a, request("y"))
	a.SetPools(parse(t, builder.MakePool("a", "192.0.2.0/31").AvoidBuggyIPs().AllowDisruption()))
	if _, woken := a.Release(name("y")); !cmp.Equal(names(woken), []string{"x"}) {
		t.Errorf("the release woke %v, want x", names(woken))
	}
	result, refusal := a.Allocate(request("x"))
	if refusal != nil || text(result) != "192.0.2.1" || len(result.Moved) != 1 {
		t.Errorf("x holds %s, moved %v, refused %v", text(result), result.Moved, refusal)
	}
	if a.HasIncompatible() {
		t.Error("something stands against the pools still")
	}
}

func TestServicesThatShareAnAddressMoveTogetherAsSoonAsSomethingFits(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/31"))
	for _, r := range []allocator.Request{
		request("web", shares("k", 80), created(1)), request("tls", shares("k", 443), created(3)), request("y"),
	} {
		mustAllocate(t, a, r)
	}
	allocate(a, request("waits", shares("k", 443), created(2)))
	a.SetPools(parse(t, builder.MakePool("a", "192.0.2.0/31").AvoidBuggyIPs().AllowDisruption()))
	if _, woken := a.Release(name("y")); !cmp.Equal(names(woken), []string{"tls", "web"}) {
		t.Errorf("the release woke %v, want tls and web", names(woken))
	}
	if web, tls := held(a, "web"), held(a, "tls"); web != "192.0.2.1" || tls != "192.0.2.1" {
		t.Errorf("they hold %s and %s", web, tls)
	}
}

func TestAServiceSeeksNoRoomForOneThatDoesNotMoveWithIt(t *testing.T) {
	t.Parallel()
	for name, tls := range map[string]struct {
		request allocator.Request
		end     func(*allocator.Allocator)
	}{
		"because it requests the address": {request("tls", shares("k", 443), wants("192.0.2.0")), func(*allocator.Allocator) {}},
		"because it is being deleted": {
			request("tls", shares("k", 443)), func(a *allocator.Allocator) { a.Withdraw(name("tls")) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, builder.MakePool("a", "192.0.2.0/29"))
			web := request("web", shares("k", 80))
			for _, r := range []allocator.Request{web, tls.request, request("other", shares("k", 443), wants("192.0.2.1"))} {
				mustAllocate(t, a, r)
			}
			tls.end(a)
			a.SetPools(parse(t, builder.MakePool("a", "192.0.2.0/29").AvoidBuggyIPs().AllowDisruption()))
			if got := mustAllocate(t, a, web); got != "192.0.2.1" {
				t.Errorf("holds %s, want the address where its own port is free", got)
			}
			if got := held(a, "tls"); got != "192.0.2.0" {
				t.Errorf("the other holds %s", got)
			}
		})
	}
}

func TestARequestedAddressThatTheServiceWouldHaveToLeaveKeepsItFromNoOther(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24", "2001:db8::/64").AllowDisruption())
	mustAllocate(t, a, request("x", families(v4, v6), wants("192.0.2.0", "2001:db8::1")))
	a.SetPools(parse(t, builder.MakePool("a", "192.0.2.0/24", "2001:db8::/64").AvoidBuggyIPs().AllowDisruption()))
	got, refused := allocate(a, request("x", families(v4, v6), wants("192.0.2.0", "2001:db8::2")))
	if got != "192.0.2.0,2001:db8::2" || refused != avoids {
		t.Errorf("holds %s, refused %q", got, refused)
	}
	a.Settle(name("x"), assignedAddresses("192.0.2.0", "2001:db8::2"))
	got, refused = allocate(a, request("x", families(v4, v6), wants("192.0.2.0", "203.0.113.1")))
	if got != "192.0.2.0,2001:db8::2" || refused != avoids+`; address "203.0.113.1" is not in any pool` {
		t.Errorf("of two that it may not have, it holds %s, refused %q", got, refused)
	}
}

func TestWhatAServiceHadToLeaveIsFreeOnlyAfterSettle(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/30"))
	mustAllocate(t, a, request("x"))
	gold := builder.MakePool("a", "192.0.2.0/30").ServicesWithLabel("tier", "gold").AllowDisruption()
	a.SetPools(parse(t, gold, builder.MakePool("b", "198.51.100.0/24")))
	y := request("y", wants("192.0.2.0"), labelled("tier", "gold"))
	if got, refused := allocate(a, y); got != "" || refused != `address "192.0.2.0" is in use by "default/x"` {
		t.Errorf("before x is told, y holds %q, refused %q", got, refused)
	}
	// A write that was under way tells x that it has the old address still.
	a.Settle(name("x"), assignedAddresses("192.0.2.0"))
	if got, _ := allocate(a, y); got != "" {
		t.Errorf("what x was told is given to another, which holds %s", got)
	}
	result, _ := a.Allocate(request("x"))
	if len(result.Moved) != 1 || result.Moved[0].Cause != allocator.NotSelected {
		t.Errorf("x moved because of %v", result.Moved)
	}
	if woken := names(a.Settle(name("x"), result.Addresses())); !cmp.Equal(woken, []string{"y"}) {
		t.Errorf("settling woke %v, want y", woken)
	}
	if result, _ = a.Allocate(request("x")); text(result) != "198.51.100.0" || len(result.Moved) > 0 {
		t.Errorf("once settled x holds %s, moved %v", text(result), result.Moved)
	}
}

func TestNobodyIsMovedWhoseRequestIsNotOpen(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*allocator.Allocator) allocator.Result{
		"because it contradicts itself": func(a *allocator.Allocator) allocator.Result { return a.Keep(request("x")) },
		"because it is being deleted":   func(a *allocator.Allocator) allocator.Result { return a.Withdraw(name("x")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24"))
			mustAllocate(t, a, request("x"))
			end(a)
			a.SetPools(parse(t, builder.MakePool("a", "192.0.2.0/24").AvoidBuggyIPs().AllowDisruption()))
			if got := text(end(a)); got != "192.0.2.0" {
				t.Errorf("it holds %s", got)
			}
			if got := mustAllocate(t, a, request("x")); got != "192.0.2.1" {
				t.Errorf("once its request is open again it holds %s", got)
			}
		})
	}
}

func TestWithoutThePermissionNobodyMovesAnyMore(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/32"))
	mustAllocate(t, a, request("x"))
	a.SetPools(parse(t, builder.MakePool("a", "192.0.2.1/32").NoAutoAssign().AllowDisruption()))
	if _, refused := allocate(a, request("x")); !strings.HasSuffix(refused, `no pool is auto-assigned, and the service names none`) {
		t.Fatalf("refused %q", refused)
	}
	a.SetPools(parse(t, builder.MakePool("a", "192.0.2.1/32")))
	result, refusal := a.Allocate(request("x"))
	if refusal != nil || text(result) != "192.0.2.0" || !result.Assignments[0].Incompatible {
		t.Errorf("assignments %v, refused %v", result.Assignments, refusal)
	}
}

func TestServicesThatThePoolDoesNotSelectAnyMoreMoveOneAfterTheOtherToOneAddress(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24").NamespacesWithLabel("team", "blue").AllowDisruption(),
		builder.MakePool("gold", "203.0.113.0/24").ServicesWithLabel("tier", "gold"), builder.MakePool("open", "198.51.100.0/24"))
	blue, gold := inTeam("blue"), labelled("tier", "gold")
	for _, r := range []allocator.Request{request("web", shares("k", 80), blue), request("tls", shares("k", 443), blue, gold)} {
		if got := mustAllocate(t, a, r); got != "192.0.2.0" {
			t.Fatalf("%s holds %s", r.Service, got)
		}
	}
	for _, r := range []allocator.Request{request("web", shares("k", 80)), request("tls", shares("k", 443), gold)} {
		if got := mustAllocate(t, a, r); got != "198.51.100.0" {
			t.Errorf("%s holds %s", r.Service, got)
		}
	}
}

func TestAHydratedServiceMovesWhenItAsks(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24").AvoidBuggyIPs().AllowDisruption())
	a.Hydrate(request("x"), assigned("a", "192.0.2.0"))
	if got := mustAllocate(t, a, request("x")); got != "192.0.2.1" {
		t.Errorf("x holds %s", got)
	}
	a.Hydrate(request("y"), assigned("gone", "203.0.113.7"))
	if got := mustAllocate(t, a, request("y")); got != "203.0.113.7" {
		t.Errorf("y, whose pool was deleted while nobody looked, holds %s", got)
	}
}
