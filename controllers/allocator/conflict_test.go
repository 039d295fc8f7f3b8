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
				s := &sharers{a: newAllocator(t, builder.MakePool("a", x+"/32")), wanted: wanted, last: map[string]allocator.Request{}}
				s.ask(tc.from, "old")
				s.ask(tc.from, "young")
				first, second := "old", "young"
				if tc.youngerFirst {
					first, second = "young", "old"
				}
				woken := s.ask(tc.to, first)
				if !tc.youngerFirst && !cmp.Equal(woken, []string{"young"}) {
					t.Errorf("woken by the first are %v, want the younger", woken)
				}
				s.expect(t, "in between", x, tc.want)
				if _, refused := allocate(s.a, request("late", shares("k", 8080), wants(x))); refused == "" {
					t.Error("a newcomer shares an address with two that do not fit")
				}
				s.a.Withdraw(name("late"))
				woken = s.ask(tc.to, second)
				if tc.youngerFirst && !cmp.Equal(woken, []string{"young"}) {
					t.Errorf("woken by the second are %v, want the younger", woken)
				}
				s.expect(t, "in the end", x, "")
			})
		}
	}
}

// sharers are two services, of which one is older, that share an address.
type sharers struct {
	a      *allocator.Allocator
	wanted option
	last   map[string]allocator.Request
}

// ask lets one ask on the terms, and returns who is woken.
func (s *sharers) ask(terms []option, service string) []string {
	r := request("young", shares("k", 443), created(2), s.wanted)
	if service == "old" {
		r = request("old", shares("k", 80), created(1), s.wanted)
	}
	for _, o := range terms {
		o(&r)
	}
	s.last[service] = r
	result, _ := s.a.Allocate(r)
	s.a.Settle(r.Service, result.Addresses())
	return names(result.Woken)
}

// expect asserts that both have the address, and only the younger is refused, for the reason.
func (s *sharers) expect(t *testing.T, when, address, want string) {
	t.Helper()
	for range 2 {
		old, none := allocate(s.a, s.last["old"])
		young, refused := allocate(s.a, s.last["young"])
		if diff := cmp.Diff([]string{address, "", address, want}, []string{old, none, young, refused}); diff != "" {
			t.Errorf("%s, the older and the younger (-want +got):\n%s", when, diff)
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
