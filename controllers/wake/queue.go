// SPDX-License-Identifier: Apache-2.0

package wake

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Queue is the work queue of a reconciler, for others to add to. The zero Queue is ready to use. What is added before the
// reconciler has started is kept for it.
type Queue struct {
	mu      sync.Mutex
	queue   workqueue.TypedRateLimitingInterface[ctrl.Request]
	waiting []types.NamespacedName
}

// Source is the source for the reconciler to watch.
func (q *Queue) Source() source.Source {
	return source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.queue = queue
		q.add(q.waiting)
		q.waiting = nil
		return nil
	})
}

// Add asks the reconciler to look at the objects.
func (q *Queue) Add(names ...types.NamespacedName) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.queue == nil {
		q.waiting = append(q.waiting, names...)
		return
	}
	q.add(names)
}

func (q *Queue) add(names []types.NamespacedName) {
	for _, name := range names {
		q.queue.Add(ctrl.Request{NamespacedName: name})
	}
}
