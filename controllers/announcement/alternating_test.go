// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestAStatusThatKeepsChangingIsWritten(t *testing.T) {
	t.Parallel()
	s, name, start := newScheduler(), types.NamespacedName{Name: "web"}, time.Unix(1000, 0)
	for passed := time.Duration(0); passed <= flipTime; passed += tick {
		status := metav1.ConditionTrue
		if passed%settleTime < settleTime/2 {
			status = metav1.ConditionFalse
		}
		s.flip(name, start.Add(passed), settleTime, time.Time{}, status)
		if len(s.take(start.Add(passed), ratesFor(1))) > 0 {
			return
		}
	}
	t.Errorf("it is not written within %s", flipTime)
}
