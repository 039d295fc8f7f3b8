// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestANumberIsTheNodesAsLongAsItIsUsed(t *testing.T) {
	t.Parallel()
	n := newNodes()
	var got [8]int
	got[0], got[1], got[2], got[3] = n.use("a"), n.use("b"), n.use("a"), n.use("c")
	n.drop("a")
	got[4], got[5] = n.use("d"), n.use("a")
	n.drop("b")
	got[6], got[7] = n.use("e"), n.use("f")
	if diff := cmp.Diff([8]int{0, 1, 0, 2, 3, 0, 1, 4}, got); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
	var s nodeSet
	s.add(n.numbers["f"])
	s.add(n.numbers["c"])
	if first := n.first(s); first != "c" || n.first(nil) != "" {
		t.Errorf("the first one by name is %q", first)
	}
}

func TestSetsOfNodesAreOfAnyLength(t *testing.T) {
	t.Parallel()
	set := func(nodes ...int) (s nodeSet) {
		for _, n := range nodes {
			s.add(n)
		}
		return s
	}
	short, long := set(1, 2), set(2, 70)
	for name, tc := range map[string]struct{ got, want nodeSet }{
		"both":                 {short.and(long), set(2)},
		"both, the other way":  {long.and(short), set(2)},
		"without":              {short.without(long), set(1)},
		"without, the other":   {long.without(short), set(70)},
		"nothing":              {nodeSet(nil).and(long), nil},
		"without nothing":      {long.without(nil), long},
		"removed from a short": {func() nodeSet { s := set(1); s.remove(200); return s }(), set(1)},
		"all":                  {func() nodeSet { s := set(1, 2); s.addAll(long); return s }(), set(1, 2, 70)},
	} {
		if !tc.got.equal(tc.want) || !tc.want.equal(tc.got) || tc.got.count() != tc.want.count() || tc.got.empty() != (tc.want.count() == 0) {
			t.Errorf("%s: got %v, want %v", name, tc.got, tc.want)
		}
	}
	if short.equal(long) || !short.meets(long) || set(1).meets(long) || long.meets(nil) {
		t.Error("sets are taken for others")
	}
}
