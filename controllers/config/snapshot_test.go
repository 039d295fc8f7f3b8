// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"testing"

	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/test/builder"
)

func TestRoutesDifferByWhatIsNewAndPartlyInUse(t *testing.T) {
	t.Parallel()
	h := &history{parser: config.NewParser(), holdings: []config.Holding{held("web", "203.0.113.1", "two")}}
	objects := []config.Object{
		pool(), builder.MakePool("two", "203.0.113.0/24").Obj(), rackPeer(), builder.MakeAdvertisement("a1", "one").LocalPref(100).Obj(),
	}
	h.step(t, objects...)
	h.announced(t, false)
	for _, announced := range []bool{true, false} {
		was, now := h.snapshot, objects
		if announced {
			now = append(now, builder.MakeAdvertisement("a2", "one", "two").LocalPref(200).Obj()) // It contradicts a1 about one.
		}
		h.step(t, now...)
		h.announced(t, announced)
		if !h.snapshot.Since(was).Routes {
			t.Errorf("web is announced: %v, which is said to be no difference", announced)
		}
	}
}

func TestTheSameNodesInAnotherOrderAreNoDifference(t *testing.T) {
	t.Parallel()
	h := web()
	h.nodes = []config.Node{{Name: "a"}, {Name: "b"}}
	h.step(t, pool(), rackPeer(), adv("every"))
	was := h.snapshot
	h.nodes = []config.Node{{Name: "b"}, {Name: "a"}}
	h.step(t, pool(), rackPeer(), adv("every"))
	if h.snapshot.Since(was).Routes {
		t.Error("the routes are said to differ")
	}
}
