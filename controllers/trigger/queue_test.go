// SPDX-License-Identifier: Apache-2.0

package trigger_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/controllers/trigger"
)

func TestWhatIsAddedReachesTheReconcilerBeforeAndAfterItsStart(t *testing.T) {
	t.Parallel()
	early, late := types.NamespacedName{Name: "early"}, types.NamespacedName{Name: "late"}
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[ctrl.Request]())
	defer queue.ShutDown()
	var q trigger.Queue
	q.Add(early)
	if err := q.Source().Start(t.Context(), queue); err != nil {
		t.Fatal(err)
	}
	q.Add(late, late)
	for _, want := range []types.NamespacedName{early, late} {
		got, _ := queue.Get()
		if got.NamespacedName != want {
			t.Errorf("got %v, want %v", got, want)
		}
		queue.Done(got)
	}
	if n := queue.Len(); n != 0 {
		t.Errorf("%d more are in the queue", n)
	}
}

func TestWhatIsAddedForLaterComesLater(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakeClock(time.Unix(0, 0))
	queue := workqueue.NewTypedRateLimitingQueueWithConfig(workqueue.DefaultTypedControllerRateLimiter[ctrl.Request](),
		workqueue.TypedRateLimitingQueueConfig[ctrl.Request]{Clock: clock})
	defer queue.ShutDown()
	var q trigger.Queue
	q.AddAfter(time.Second, types.NamespacedName{Name: "early"})
	if err := q.Source().Start(t.Context(), queue); err != nil {
		t.Fatal(err)
	}
	q.AddAfter(time.Minute, types.NamespacedName{Name: "late"})
	g := NewWithT(t)
	g.Eventually(clock.HasWaiters).Should(BeTrue())
	if n := queue.Len(); n != 0 {
		t.Errorf("%d are in the queue at once", n)
	}
	g.Eventually(func() int { clock.Step(time.Second); return queue.Len() }).Should(Equal(1))
	if got, _ := queue.Get(); got.Name != "early" {
		t.Errorf("got %v first", got)
	}
}
