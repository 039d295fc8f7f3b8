// SPDX-License-Identifier: Apache-2.0

package service

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
)

// backlog are the Services that had their addresses when this controller became the active one. Each is looked at once for that, and
// nothing is likely to come of it: those that are new wait for none of them. The zero value is ready to use.
type backlog struct {
	mu    sync.Mutex
	names map[types.NamespacedName]struct{}
}

func (b *backlog) add(name types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.names == nil {
		b.names = map[types.NamespacedName]struct{}{}
	}
	b.names[name] = struct{}{}
}

// take reports whether the Service is among them, and removes it.
func (b *backlog) take(name types.NamespacedName) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, found := b.names[name]
	delete(b.names, name)
	return found
}

// newQueue returns the work queue of the reconciler.
func (b *backlog) newQueue(name string, limiter workqueue.TypedRateLimiter[ctrl.Request]) workqueue.TypedRateLimitingInterface[ctrl.Request] {
	o := &order{backlog: b, first: workqueue.DefaultQueue[ctrl.Request](), last: workqueue.DefaultQueue[ctrl.Request]()}
	queue := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[ctrl.Request]{Name: name, Queue: o})
	return workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[ctrl.Request]{
		Name:          name,
		DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[ctrl.Request]{Name: name, Queue: queue}),
	})
}

// order is that in which Services are looked at: as they come, and the backlog last. A work queue holds its lock for each call.
type order struct {
	backlog     *backlog
	first, last workqueue.Queue[ctrl.Request]
}

// Touch is workqueue.Queue's.
func (o *order) Touch(ctrl.Request) {}

// Push adds a Service.
func (o *order) Push(r ctrl.Request) { o.first.Push(r) }

// Len is of both.
func (o *order) Len() int { return o.first.Len() + o.last.Len() }

// Pop returns the next. What is in the backlog is known only then: Services come here before that is filled.
func (o *order) Pop() ctrl.Request {
	for o.first.Len() > 0 {
		r := o.first.Pop()
		if !o.backlog.take(r.NamespacedName) {
			return r
		}
		o.last.Push(r)
	}
	return o.last.Pop()
}
