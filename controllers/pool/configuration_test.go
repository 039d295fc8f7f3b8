// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"metallb.io/metallb/api/v1beta1"
)

func TestPoolsAreJudgedAnewForWhatTheyMeanOnly(t *testing.T) {
	t.Parallel()
	pool := func(uid types.UID, generation, assigned int64) *v1beta1.IPAddressPool {
		p := &v1beta1.IPAddressPool{Status: v1beta1.IPAddressPoolStatus{AssignedIPv4: assigned}}
		p.UID, p.Generation = uid, generation
		return p
	}
	allowing, allowed := pool("a", 1, 0), pool("a", 1, 0)
	allowing.Annotations = map[string]string{v1beta1.AnnotationAllowDisruption: "true"}
	allowed.Annotations = map[string]string{v1beta1.AnnotationAllowDisruption: "false"}
	relabelled := pool("a", 1, 0)
	relabelled.Labels = map[string]string{"tier": "gold"}
	for name, test := range map[string]struct {
		updated *v1beta1.IPAddressPool
		want    bool
	}{
		"another spec":                              {pool("a", 2, 0), true},
		"another counter":                           {pool("a", 1, 1), false},
		"the same spec, but disruption allowed":     {allowing, true},
		"an annotation that allows nothing":         {allowed, false},
		"another label":                             {relabelled, false},
		"another pool of that name and of that age": {pool("b", 1, 0), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := meaningChanged(event.UpdateEvent{ObjectOld: pool("a", 1, 0), ObjectNew: test.updated}); got != test.want {
				t.Errorf("meaningChanged is %v", got)
			}
		})
	}
}
