// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/controllers/config"
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
	var s config.NumberSet
	s.Add(n.numbers["f"])
	s.Add(n.numbers["c"])
	if first := n.first(s); first != "c" || n.first(nil) != "" {
		t.Errorf("the first one by name is %q", first)
	}
}
