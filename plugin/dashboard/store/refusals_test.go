// SPDX-License-Identifier: Apache-2.0

package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/plugin/cluster"
)

func TestAKindThatIsRefusedNoMoreIsFollowed(t *testing.T) {
	kinds, at := (&Store{}).kinds(), time.Unix(0, 0)
	var r refusals
	for _, typ := range []string{"*v1.DaemonSet", "*v1.Pod", "*v1.Event"} {
		r.add(typ, at)
	}
	r.add("*v1.Node", at.Add(time.Minute))
	for after, want := range map[time.Duration][]cluster.Part{
		time.Minute: {cluster.Nodes, cluster.Workloads}, 2 * time.Minute: {cluster.Nodes}, time.Hour: nil,
	} {
		if diff := cmp.Diff(want, r.parts(kinds, at.Add(after))); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", after, diff)
		}
	}
}
