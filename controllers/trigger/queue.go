// SPDX-License-Identifier: Apache-2.0

package trigger

import (
	"context"
	"sync"
	"time"

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
	waiting []delayed
}

// delayed are objects to look at after a while.
type delayed struct {
	names []types.NamespacedName
	after time.Duration
}

// Source is the source for the reconciler to watch.
func (q *Queue) Source() source.Source {
	return source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.queue = queue
		for _, d := range q.waiting {
			q.add(d)
		}
		q.waiting = nil
		return nil
	})
}

// Add asks the reconciler to look at the objects.
func (q *Queue) Add(names ...types.NamespacedName) { q.AddAfter(0, names...) }

// AddAfter asks the reconciler to look at the objects after a while, which begins when the reconciler has started.
func (q *Queue) AddAfter(delay time.Duration, names ...types.NamespacedName) {
	q.mu.Lock()
	defer q.mu.Unlock()
	d := delayed{names, delay}
	if q.queue == nil {
		q.waiting = append(q.waiting, d)
		return
	}
	q.add(d)
}

func (q *Queue) add(d delayed) {
	for _, name := range d.names {
		if d.after == 0 {
			q.queue.Add(ctrl.Request{NamespacedName: name})
		} else {
			q.queue.AddAfter(ctrl.Request{NamespacedName: name}, d.after)
		}
	}
}
