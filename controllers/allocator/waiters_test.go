// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

func TestWaitersAreServed(t *testing.T) {
	t.Parallel()
	// The pool has one IPv4 and one IPv6 address.
	small := builder.MakePool("a", "192.0.2.0/32", "2001:db8::/128")
	tests := map[string]struct {
		holding []allocator.Request
		waiting []allocator.Request
		// act returns the services woken.
		act  func(*testing.T, *allocator.Allocator) []string
		want map[string]string
	}{
		"by a released address, the oldest first and no other": {
			holding: []allocator.Request{request("x")},
			waiting: []allocator.Request{request("a", created(3)), request("b", created(1)), request("c", created(2))},
			act:     release("x"),
			want:    map[string]string{"b": "192.0.2.0"},
		},
		"by a released address of their family": {
			holding: []allocator.Request{request("x"), request("y", families(v6))},
			waiting: []allocator.Request{request("a", families(v6), created(1)), request("b", created(2))},
			act:     release("x"),
			want:    map[string]string{"b": "192.0.2.0"},
		},
		"by the address that they requested": {
			holding: []allocator.Request{request("x")},
			waiting: []allocator.Request{request("a", wants("192.0.2.0"))},
			act:     release("x"),
			want:    map[string]string{"a": "192.0.2.0"},
		},
		"who require both families, when both are there": {
			holding: []allocator.Request{request("x"), request("y", families(v6))},
			waiting: []allocator.Request{request("a", families(v4, v6), requireAll)},
			act: func(t *testing.T, a *allocator.Allocator) []string {
				t.Helper()
				release("x")(t, a) // It is told that only the other is missing.
				return release("y")(t, a)
			},
			want: map[string]string{"a": "192.0.2.0,2001:db8::"},
		},
		"past one who requires another family too": {
			holding: []allocator.Request{request("x"), request("y", families(v6))},
			waiting: []allocator.Request{request("a", families(v4, v6), requireAll, created(1)), request("b", created(2))},
			act:     release("x"),
			want:    map[string]string{"b": "192.0.2.0"},
		},
		"by a port released on a shared address": {
			holding: []allocator.Request{request("x", shares("k", 80)), request("y", shares("k", 443))},
			waiting: []allocator.Request{request("a", shares("k", 80), created(1)), request("b", shares("k", 443), created(2))},
			act:     release("y"),
			want:    map[string]string{"b": "192.0.2.0"},
		},
		"by a service that begins to share": {
			holding: []allocator.Request{request("x")},
			waiting: []allocator.Request{request("a", shares("k", 443))},
			act: func(t *testing.T, a *allocator.Allocator) []string {
				t.Helper()
				result, _ := a.Allocate(request("x", shares("k", 80)))
				return names(result.Woken)
			},
			want: map[string]string{"a": "192.0.2.0"},
		},
		"by a larger pool, the oldest first": {
			holding: []allocator.Request{request("x")},
			waiting: []allocator.Request{request("a", created(3)), request("b", created(1)), request("c", created(2))},
			act: func(t *testing.T, a *allocator.Allocator) []string {
				t.Helper()
				a.SetPools(parse(t, builder.MakePool("a", "192.0.2.0-192.0.2.2")))
				return []string{"b", "c"}
			},
			want: map[string]string{"b": "192.0.2.1", "c": "192.0.2.2"},
		},
		"but not after they withdrew": {
			holding: []allocator.Request{request("x")},
			waiting: []allocator.Request{request("a")},
			act: func(t *testing.T, a *allocator.Allocator) []string {
				t.Helper()
				a.Withdraw(name("a"))
				return release("x")(t, a)
			},
			want: map[string]string{},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, small)
			for _, r := range tc.holding {
				mustAllocate(t, a, r)
			}
			for _, r := range tc.waiting {
				if got, refused := allocate(a, r); refused == "" {
					t.Fatalf("%s does not wait but holds %s", r.Service, got)
				}
			}
			woken := tc.act(t, a)
			if len(woken) != len(tc.want) {
				t.Errorf("woken are %v, want those of %v", woken, tc.want)
			}
			got := map[string]string{}
			for _, r := range tc.waiting {
				if h := held(a, r.Service.Name); h != "" {
					got[r.Service.Name] = h
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("served (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAServiceThatIsRefusedIsWokenWhenItMayKeepWhatItHolds(t *testing.T) {
	t.Parallel()
	tests := map[string]allocator.Request{
		"its port was another's too": request("x", shares("k", 80)),
		"it does not share any more": request("x"),
	}
	for name, changed := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, builder.MakePool("a", "192.0.2.0/32"))
			mustAllocate(t, a, request("w", shares("k", 80)))
			mustAllocate(t, a, request("x", shares("k", 443)))
			if got, refused := allocate(a, changed); got != "192.0.2.0" || refused == "" {
				t.Fatalf("holds %s, refused %q", got, refused)
			}
			if woken := release("w")(t, a); !cmp.Equal(woken, []string{"x"}) {
				t.Errorf("woken are %v, want x", woken)
			}
			if got := mustAllocate(t, a, changed); got != "192.0.2.0" {
				t.Errorf("holds %s", got)
			}
		})
	}
}

func release(service string) func(*testing.T, *allocator.Allocator) []string {
	return func(t *testing.T, a *allocator.Allocator) []string {
		t.Helper()
		_, woken := a.Release(name(service))
		return names(woken)
	}
}

func TestEveryReleasedAddressServesOneOfManyWaiters(t *testing.T) {
	t.Parallel()
	const n = 100
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0-192.0.2.99"))
	for i := range n {
		mustAllocate(t, a, request(fmt.Sprintf("holder-%03d", i)))
	}
	for i := range 3 * n {
		allocate(a, request(fmt.Sprintf("waiter-%03d", i), created(i)))
	}
	for i := range n {
		_, woken := a.Release(name(fmt.Sprintf("holder-%03d", n-1-i)))
		if want := []string{fmt.Sprintf("waiter-%03d", i)}; !cmp.Equal(names(woken), want) {
			t.Fatalf("release %d woke %v, want %v", i, names(woken), want)
		}
	}
}

func TestHydrate(t *testing.T) {
	t.Parallel()
	t.Run("keeps what services hold, whatever is lower and free", func(t *testing.T) {
		t.Parallel()
		a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24"))
		a.Hydrate(request("x"), assigned("a", "192.0.2.7"))
		if got := mustAllocate(t, a, request("x")); got != "192.0.2.7" {
			t.Errorf("x holds %s", got)
		}
		if got := mustAllocate(t, a, request("y")); got != "192.0.2.0" {
			t.Errorf("y holds %s", got)
		}
	})
	t.Run("keeps an address outside all pools", func(t *testing.T) {
		t.Parallel()
		a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24"))
		a.Hydrate(request("x", pool("gone")), assigned("gone", "203.0.113.7"))
		result, refusal := a.Allocate(request("x", pool("gone")))
		if refusal != nil || text(result) != "203.0.113.7" || !result.Assignments[0].Incompatible {
			t.Errorf("refused %v, assignments %v", refusal, result.Assignments)
		}
	})
	t.Run("lets both keep an address that they do not share, and tells the later one", func(t *testing.T) {
		t.Parallel()
		a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24"))
		a.Hydrate(request("old", created(1)), assigned("a", "192.0.2.7"))
		a.Hydrate(request("new", created(2)), assigned("a", "192.0.2.7"))
		first, none := a.Allocate(request("old", created(1)))
		second, refusal := a.Allocate(request("new", created(2)))
		if text(first) != "192.0.2.7" || text(second) != "192.0.2.7" {
			t.Errorf("they hold %s and %s", text(first), text(second))
		}
		const conflict = `address "192.0.2.7" is in use by "default/old" too, which was created earlier; request another address for one of the two`
		if none != nil || refusal.String() != conflict {
			t.Errorf("refused: %v and %v", none, refusal)
		}
		if got := mustAllocate(t, a, request("new", shares("k", 81), created(2))); got != "192.0.2.0" {
			t.Errorf("once it changes it holds %s, want an address of its own", got)
		}
	})
	t.Run("ends the dispute when the other service goes", func(t *testing.T) {
		t.Parallel()
		a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24"))
		a.Hydrate(request("old", created(1)), assigned("a", "192.0.2.7"))
		a.Hydrate(request("new", created(2)), assigned("a", "192.0.2.7"))
		a.Allocate(request("new", created(2)))
		if _, woken := a.Release(name("old")); !cmp.Equal(names(woken), []string{"new"}) {
			t.Errorf("woken are %v, want the other", names(woken))
		}
		result, refusal := a.Allocate(request("new", created(2)))
		if text(result) != "192.0.2.7" || refusal != nil {
			t.Errorf("assignments %v, refused %v", result.Assignments, refusal)
		}
	})
	t.Run("moves a service whose request changed meanwhile", func(t *testing.T) {
		t.Parallel()
		a := newAllocator(t, builder.MakePool("a", "192.0.2.0/24"))
		r := request("x", wants("192.0.2.9"))
		a.Hydrate(r, assigned("a", "192.0.2.7"))
		if got := mustAllocate(t, a, r); got != "192.0.2.9" {
			t.Errorf("x holds %s", got)
		}
	})
}

func TestAServiceIsWokenThatHoldsByRightNowWhatItHeldAnywayThoughItStillLacksAFamily(t *testing.T) {
	t.Parallel()
	dual := func(options ...option) allocator.Request { return request("x", append(options, families(v4, v6))...) }
	tests := map[string]func(*testing.T, *allocator.Allocator){
		"after it was refused the address, since it does not share it any more": func(t *testing.T, a *allocator.Allocator) {
			t.Helper()
			mustAllocate(t, a, request("w", shares("k", 443)))
			mustAllocate(t, a, dual(shares("k", 80)))
			if got, refused := allocate(a, dual()); got != "192.0.2.0" || refused == "" {
				t.Fatalf("x holds %s (refused: %q), want it to keep what it has", got, refused)
			}
		},
		"after another service had the better right to the address": func(_ *testing.T, a *allocator.Allocator) {
			a.Hydrate(request("w"), assigned("a", "192.0.2.0"))
			a.Hydrate(dual(), assigned("a", "192.0.2.0"))
			a.Allocate(dual())
		},
	}
	for label, begin := range tests {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, builder.MakePool("a", "192.0.2.0/32"))
			begin(t, a)
			if _, woken := a.Release(name("w")); !cmp.Equal(names(woken), []string{"x"}) {
				t.Errorf("woken are %v, want x", names(woken))
			}
			result, refusal := a.Allocate(dual())
			if refusal != nil || text(result) != "192.0.2.0" || result.Missing == nil {
				t.Errorf("x holds %v (refused: %v), want 192.0.2.0 by right", result, refusal)
			}
			if _, woken := a.Release(name("nobody")); len(woken) > 0 {
				t.Errorf("it is woken again: %v", names(woken))
			}
		})
	}
}
