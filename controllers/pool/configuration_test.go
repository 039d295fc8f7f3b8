// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"metallb.io/metallb/api/v1beta1"
)

func TestPoolsAreJudgedAnewForAnotherSpecOnly(t *testing.T) {
	t.Parallel()
	pool := func(uid types.UID, generation, assigned int64) *v1beta1.IPAddressPool {
		p := &v1beta1.IPAddressPool{Status: v1beta1.IPAddressPoolStatus{AssignedIPv4: assigned}}
		p.UID, p.Generation = uid, generation
		return p
	}
	for name, test := range map[string]struct {
		updated *v1beta1.IPAddressPool
		want    bool
	}{
		"another spec":    {pool("a", 2, 0), true},
		"another counter": {pool("a", 1, 1), false},
		"another pool of that name and of that age": {pool("b", 1, 0), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := specChanged(event.UpdateEvent{ObjectOld: pool("a", 1, 0), ObjectNew: test.updated}); got != test.want {
				t.Errorf("specChanged is %v", got)
			}
		})
	}
}
