// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

func TestAServiceThatItsPoolDoesNotSelectAnyMoreIsMetFromAPoolThatDoes(t *testing.T) {
	t.Parallel()
	gold := builder.MakePool("gold", "192.0.2.0/24").ServicesWithLabel("tier", "gold")
	blue := builder.MakePool("gold", "192.0.2.0/24").NamespacesWithLabel("team", "blue")
	open, other := builder.MakePool("open", "198.51.100.0/32"), builder.MakePool("other", "203.0.113.0/24").Namespaces("prod")
	const unselected = `address "192.0.2.0" is in pool "gold", which does not select the service`
	for label, tc := range map[string]struct {
		pools                []*builder.Pool
		before, after        allocator.Request
		want, refused, moved string
	}{
		"for its own labels": {
			[]*builder.Pool{gold, open}, request("x", labelled("tier", "gold")), request("x", labelled("tier", "lead")),
			"198.51.100.0", "", unselected,
		},
		"for the labels of its namespace": {
			[]*builder.Pool{blue, open}, request("x", inTeam("blue")), request("x", inTeam("red")),
			"198.51.100.0", "", unselected,
		},
		"and keeps what it has if there is none": {
			[]*builder.Pool{gold, other}, request("x", labelled("tier", "gold")), request("x"),
			"192.0.2.0", unselected + "; no IPv4 address available: no auto-assigned pool selects the service", "",
		},
		"and keeps what it names": {
			[]*builder.Pool{gold, open}, request("x", labelled("tier", "gold"), wants("192.0.2.0")), request("x", wants("192.0.2.0")),
			"192.0.2.0", unselected, "",
		},
		"and keeps what it has if it names the pool": {
			[]*builder.Pool{gold, open}, request("x", labelled("tier", "gold"), pool("gold")), request("x", pool("gold")),
			"192.0.2.0", unselected + `; no IPv4 address available: pool "gold" does not select the service`, "",
		},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, tc.pools...)
			mustAllocate(t, a, tc.before)
			result, refusal := a.Allocate(tc.after)
			moved := (&allocator.Refusal{Reasons: result.Moved}).String()
			if diff := cmp.Diff([]string{tc.want, tc.refused, tc.moved}, []string{text(result), refusalText(refusal), moved}); diff != "" {
				t.Errorf("address, refusal and why it moved (-want +got):\n%s", diff)
			}
			if a.HasIncompatible() || len(a.Incompatible("gold")) > 0 {
				t.Error("that stands against the pool")
			}
			if result, refusal = a.Allocate(tc.before); refusal != nil || text(result) == "" {
				t.Errorf("with its labels back it holds %s, refused %v", text(result), refusal)
			}
		})
	}
}

func TestAServiceThatNoPoolSelectsMovesAsSoonAsOneDoes(t *testing.T) {
	t.Parallel()
	gold := builder.MakePool("gold", "192.0.2.0/24").ServicesWithLabel("tier", "gold")
	a := newAllocator(t, gold)
	mustAllocate(t, a, request("x", labelled("tier", "gold")))
	if _, refused := allocate(a, request("x")); refused == "" {
		t.Fatal("it is not refused")
	}
	woken := a.SetPools(parse(t, gold, builder.MakePool("open", "198.51.100.0/24")))
	if got := held(a, "x"); got != "198.51.100.0" || !cmp.Equal(names(woken), []string{"x"}) {
		t.Errorf("it holds %s, woken are %v", got, names(woken))
	}
}
