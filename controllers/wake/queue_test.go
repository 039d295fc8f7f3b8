// SPDX-License-Identifier: Apache-2.0

package wake_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/controllers/wake"
)

func TestWhatIsAddedReachesTheReconcilerBeforeAndAfterItsStart(t *testing.T) {
	t.Parallel()
	early, late := types.NamespacedName{Name: "early"}, types.NamespacedName{Name: "late"}
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[ctrl.Request]())
	defer queue.ShutDown()
	var q wake.Queue
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
