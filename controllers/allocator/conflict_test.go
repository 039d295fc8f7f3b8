// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

func TestTwoThatShareAndChangeTheirTermsOneAfterTheOtherAreInConflictInBetween(t *testing.T) {
	t.Parallel()
	const x = "192.0.2.0"
	for label, tc := range map[string]struct {
		// from and to are the terms of both, but for their ports.
		from, to []option
		// youngerFirst is who changes first.
		youngerFirst bool
		want         string
	}{
		"to externalTrafficPolicy Local, the older first": {
			to: []option{local("app=x")},
			want: `cannot share "192.0.2.0" with "default/old" any more: externalTrafficPolicy Local and Cluster differ; ` +
				`traffic of the service with Local may be lost on nodes without its endpoints`,
		},
		"to externalTrafficPolicy Local, the younger first": {
			to: []option{local("app=x")}, youngerFirst: true,
			want: `cannot share "192.0.2.0" with "default/old" any more: externalTrafficPolicy Local and Cluster differ; ` +
				`traffic of the service with Local may be lost on nodes without its endpoints`,
		},
		"to externalTrafficPolicy Cluster": {
			from: []option{local("app=x")}, youngerFirst: true,
			want: `cannot share "192.0.2.0" with "default/old" any more: externalTrafficPolicy Local and Cluster differ; ` +
				`traffic of the service with Local may be lost on nodes without its endpoints`,
		},
		"to another selector": {
			from: []option{local("app=x")}, to: []option{local("app=y")},
			want: `cannot share "192.0.2.0" with "default/old" any more: with externalTrafficPolicy Local they do not select the same pods; ` +
				`traffic of each may be lost on nodes without its endpoints`,
		},
		"to another key": {
			to:   []option{func(r *allocator.Request) { r.Sharing.Key = "l" }},
			want: `cannot share "192.0.2.0" with "default/old" any more: sharing keys differ`,
		},
	} {
		for naming, wanted := range map[string]option{
			"and name the address": wants(x), "and name none in a full pool": func(*allocator.Request) {},
		} {
			t.Run(label+" "+naming, func(t *testing.T) {
				t.Parallel()
				a := newAllocator(t, builder.MakePool("a", x+"/32"))
				last := map[bool]allocator.Request{}
				ask := func(terms []option, older bool) allocator.Request {
					r := request("young", shares("k", 443), created(2), wanted)
					if older {
						r = request("old", shares("k", 80), created(1), wanted)
					}
					for _, o := range terms {
						o(&r)
					}
					last[older] = r
					return r
				}
				expect := func(when, want string) {
					t.Helper()
					for _, r := range []allocator.Request{last[true], last[false]} {
						for range 2 {
							got, refused := allocate(a, r)
							if r.Service.Name == "old" && refused != "" || r.Service.Name == "young" && refused != want || got != x {
								t.Errorf("%s %s holds %q, refused %q", when, r.Service.Name, got, refused)
							}
						}
					}
				}
				mustAllocate(t, a, ask(tc.from, true))
				mustAllocate(t, a, ask(tc.from, false))
				first, _ := a.Allocate(ask(tc.to, !tc.youngerFirst))
				if woken := names(first.Woken); !tc.youngerFirst && !cmp.Equal(woken, []string{"young"}) {
					t.Errorf("woken by the first are %v, want the younger", woken)
				}
				expect("in between", tc.want)
				if _, refused := allocate(a, request("late", shares("k", 8080), wants(x))); refused == "" {
					t.Error("a newcomer shares an address with two that do not fit")
				}
				a.Withdraw(name("late"))
				second, refusal := a.Allocate(ask(tc.to, tc.youngerFirst))
				if woken := names(second.Woken); refusal != nil || tc.youngerFirst && !cmp.Equal(woken, []string{"young"}) {
					t.Errorf("the second is refused %v, woken are %v", refusal, woken)
				}
				expect("in the end", "")
			})
		}
	}
}

func TestServicesInConflictStayWhereTheyAreThoughAnAddressIsReleased(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/31"))
	mustAllocate(t, a, request("w", shares("k", 80), wants("192.0.2.0"), created(1)))
	mustAllocate(t, a, request("x", shares("k", 443), created(2)))
	mustAllocate(t, a, request("y", created(3)))
	changed := request("x", shares("k", 80), created(2))
	const conflict = `cannot share "192.0.2.0" with "default/w" any more: both use port 80/TCP`
	if got, refused := allocate(a, changed); got != "192.0.2.0" || refused != conflict {
		t.Fatalf("x holds %s, refused %q", got, refused)
	}
	// After a restart nobody could tell which of the two has changed, so neither moves before it changes again.
	if _, woken := a.Release(name("y")); len(woken) > 0 {
		t.Errorf("the release woke %v", names(woken))
	}
	if got, refused := allocate(a, changed); got != "192.0.2.0" || refused != conflict {
		t.Errorf("x holds %s, refused %q", got, refused)
	}
	if got := mustAllocate(t, a, request("x", created(2))); got != "192.0.2.1" {
		t.Errorf("once it changes again x holds %s", got)
	}
}
