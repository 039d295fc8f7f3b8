// SPDX-License-Identifier: Apache-2.0

package rib_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
)

func TestEachKindOfPeerIsToldTheAttributesThatAreForIt(t *testing.T) {
	t.Parallel()
	const own = 64512
	drainingMED := bgp.MED{Value: 1<<32 - 2, IsSet: true}
	plain := path(t, "198.51.100.1/32", 0)
	for name, tc := range map[string]struct {
		path               rib.Path
		internal, external rib.Attributes
		communities        []string
	}{
		"no attributes":    {path: plain},
		"local preference": {path: path(t, "198.51.100.1/32", 200), internal: rib.Attributes{LocalPref: new(uint32(200))}},
		"prepended":        {path: prepending(plain, 2), external: rib.Attributes{ASPathPrepend: 2}},
		"MED": {
			path: withMED(plain, 0), internal: rib.Attributes{MED: bgp.MED{IsSet: true}}, external: rib.Attributes{MED: bgp.MED{IsSet: true}},
		},
		"draining": {
			path:        draining(withMED(prepending(path(t, "198.51.100.1/32", 200, "65000:1"), 1), 7)),
			internal:    rib.Attributes{LocalPref: new(uint32(0)), MED: drainingMED},
			external:    rib.Attributes{ASPathPrepend: 4, MED: drainingMED},
			communities: []string{"65000:1", "graceful-shutdown"},
		},
		"draining by an advertisement too": {
			path:        draining(path(t, "198.51.100.1/32", 0, "graceful-shutdown")),
			internal:    rib.Attributes{LocalPref: new(uint32(0)), MED: drainingMED},
			external:    rib.Attributes{ASPathPrepend: 3, MED: drainingMED},
			communities: []string{"graceful-shutdown"},
		},
		"communities":           {path: path(t, "198.51.100.1/32", 0, "65000:1", "large:1:2:3", "rt:1:2"), communities: []string{"65000:1", "large:1:2:3", "rt:1:2"}},
		"a bandwidth":           {path: path(t, "198.51.100.1/32", 0, "bandwidth:1:125000", "rt:1:2"), communities: []string{"bandwidth:1:125000", "rt:1:2"}},
		"the lowest bandwidth":  {path: path(t, "198.51.100.1/32", 0, "bandwidth:1:5000", "bandwidth:2:4000", "rt:1:2"), communities: []string{"rt:1:2", "bandwidth:2:4000"}},
		"a weight":              {path: weighing(plain, 3), communities: []string{"bandwidth:64512:375000"}},
		"a weight in its place": {path: weighing(path(t, "198.51.100.1/32", 0, "bandwidth:1:5000", "rt:1:2"), 1), communities: []string{"rt:1:2", "bandwidth:64512:125000"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := append([]bgp.Community(nil), tc.path.Communities...)
			for _, c := range tc.communities {
				tc.internal.Communities = append(tc.internal.Communities, community(t, c))
			}
			tc.external.Communities = tc.internal.Communities
			if diff := cmp.Diff(tc.internal, tc.path.To(&bgp.Peer{LocalASN: own, PeerASN: own}), comparable); diff != "" {
				t.Errorf("to an internal peer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.external, tc.path.To(&bgp.Peer{LocalASN: own, PeerASN: own + 1}), comparable); diff != "" {
				t.Errorf("to an external peer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tc.path.Communities, comparable); diff != "" {
				t.Errorf("the path is not as it was (-before +after):\n%s", diff)
			}
		})
	}
}
