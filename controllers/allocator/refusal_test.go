// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

func TestAServiceIsWokenWhoseRefusalHasAnotherCause(t *testing.T) {
	t.Parallel()
	dual := request("waits", families(v4, v6), requireAll, created(9))
	for label, tc := range map[string]struct {
		holding []allocator.Request
		waits   allocator.Request
		act     func(*testing.T, *allocator.Allocator) []string
		want    string
	}{
		"another service has the address now": {
			holding: []allocator.Request{request("x"), request("next", wants("192.0.2.0"), created(1))},
			waits:   request("waits", wants("192.0.2.0"), created(9)),
			act:     release("x"),
			want:    `address "192.0.2.0" is in use by "default/next"`,
		},
		"of two families one is there now": {
			holding: []allocator.Request{request("x"), request("y", families(v6))},
			waits:   dual,
			act:     release("x"),
			want:    `no IPv6 address available: pool "a" is exhausted`,
		},
		"of two families one is gone again": {
			holding: []allocator.Request{request("y", families(v6))},
			waits:   dual,
			act: func(_ *testing.T, a *allocator.Allocator) []string {
				result, _ := a.Allocate(request("x"))
				return names(result.Woken)
			},
			want: `no IPv4 address available: pool "a" is exhausted; no IPv6 address available: pool "a" is exhausted`,
		},
		"of two named addresses the other is in use as well": {
			holding: []allocator.Request{request("y", families(v6))},
			waits:   request("waits", families(v4, v6), wants("192.0.2.0", "2001:db8::"), created(9)),
			act: func(_ *testing.T, a *allocator.Allocator) []string {
				result, _ := a.Allocate(request("x"))
				return names(result.Woken)
			},
			want: `address "192.0.2.0" is in use by "default/x"; address "2001:db8::" is in use by "default/y"`,
		},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, builder.MakePool("a", "192.0.2.0/32", "2001:db8::/128"))
			for _, r := range append(tc.holding, tc.waits) {
				result, _ := a.Allocate(r)
				a.Settle(r.Service, result.Addresses())
			}
			woken := tc.act(t, a)
			if !slices.Contains(woken, "waits") {
				t.Errorf("woken are %v", woken)
			}
			if _, refused := allocate(a, tc.waits); refused != tc.want {
				t.Errorf("refused %q, want %q", refused, tc.want)
			}
		})
	}
}

func TestNobodyIsWokenWhoIsRefusedForTheSameCauseAgain(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/32", "2001:db8::/128"))
	for _, r := range []allocator.Request{
		request("x"), request("y", families(v6)),
		request("dual", families(v4, v6), requireAll, created(1)), request("next", created(2)), request("last", created(3)),
	} {
		a.Allocate(r)
	}
	// The older could have had it, but for the other family, and the younger has it at once.
	if _, woken := a.Release(name("x")); !cmp.Equal(names(woken), []string{"next"}) {
		t.Errorf("woken are %v, want the one that is served", names(woken))
	}
}

func TestWhichPoolsMatterToARefusal(t *testing.T) {
	t.Parallel()
	full, manual := builder.MakePool("full", "192.0.2.0/32"), builder.MakePool("manual", "198.51.100.0/24").NoAutoAssign()
	six, others := builder.MakePool("six", "2001:db8::/64"), builder.MakePool("others", "203.0.113.0/24").Namespaces("prod")
	avoided := builder.MakePool("avoided", "198.18.0.0/32").AvoidBuggyIPs()
	const none = "no IPv4 address available: "
	for label, tc := range map[string]struct {
		pools []*builder.Pool
		want  string
	}{
		"one that is exhausted, before all":                {[]*builder.Pool{full, manual, six, others, avoided}, none + `pool "full" is exhausted`},
		"one all of whose addresses are avoided":           {[]*builder.Pool{manual, six, others, avoided}, none + `pool "avoided" avoids all its IPv4 addresses (avoidBuggyIPs)`},
		"those that the service may use, if none has them": {[]*builder.Pool{manual, six, others}, none + "no pool that the service may use has an IPv4 range"},
		"those that are for others":                        {[]*builder.Pool{manual, others}, none + "no auto-assigned pool selects the service"},
		"those that are not assigned automatically":        {[]*builder.Pool{manual}, none + "no pool is auto-assigned, and the service names none"},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, tc.pools...)
			a.Hydrate(request("holder", created(1)), assigned("full", "192.0.2.0"))
			if _, refused := allocate(a, request("x")); refused != tc.want {
				t.Errorf("refused %q, want %q", refused, tc.want)
			}
			if _, refused := allocate(a, request("y", pool("avoided"))); len(tc.pools) > 3 && refused != none+`pool "avoided" avoids all its IPv4 addresses (avoidBuggyIPs)` {
				t.Errorf("one that names a pool is refused %q", refused)
			}
		})
	}
}

// many returns an allocator whose pools are exhausted, with services that wait, and others that lack a family.
func many(tb testing.TB, pools []*builder.Pool) *allocator.Allocator {
	tb.Helper()
	a := newAllocator(tb, pools...)
	for i := range 9000 {
		mustAllocate(tb, a, request(fmt.Sprintf("holder-%05d", i), families(v4, v6), created(i)))
	}
	for i := range 1000 {
		a.Allocate(request(fmt.Sprintf("waiter-%05d", i), created(i), pool("full")))
	}
	for i := range 1000 {
		a.Allocate(request(fmt.Sprintf("other-%05d", i), created(i), wants("10.0.0.0")))
	}
	return a
}

func TestAPoolThatDoesNotChangeWhySomebodyIsRefusedWakesNobody(t *testing.T) {
	t.Parallel()
	pools := []*builder.Pool{builder.MakePool("a", "10.0.0.0/16"), builder.MakePool("full", "192.0.2.0/32")}
	a := many(t, pools)
	for label, p := range map[string]*builder.Pool{
		"with room for those who have":   builder.MakePool("b", "198.51.100.0/24"),
		"for others":                     builder.MakePool("b", "198.51.100.0/24", "2001:db8::/64").Namespaces("prod"),
		"not assigned automatically":     builder.MakePool("b", "198.51.100.0/24", "2001:db8::/64").NoAutoAssign(),
		"that allows disruption besides": builder.MakePool("b", "198.51.100.0/24").AllowDisruption(),
	} {
		if woken := a.SetPools(parse(t, append(pools, p)...)); len(woken) > 0 {
			t.Errorf("%s: %d are woken, such as %s", label, len(woken), woken[0])
		}
		if woken := a.SetPools(parse(t, pools...)); len(woken) > 0 {
			t.Errorf("%s, taken away: %d are woken, such as %s", label, len(woken), woken[0])
		}
	}
	if woken := a.SetPools(parse(t, append(pools, builder.MakePool("six", "2001:db8::/126"))...)); len(woken) != 9000 {
		t.Errorf("a pool that matters to 9,000 wakes %d", len(woken))
	}
}
