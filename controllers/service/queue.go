// SPDX-License-Identifier: Apache-2.0

package service

import (
	"sync"

	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
)

// newQueue returns the work queue of the reconciler.
func (h *Hydration) newQueue(name string, limiter workqueue.TypedRateLimiter[ctrl.Request]) workqueue.TypedRateLimitingInterface[ctrl.Request] {
	o := &order{backlog: &h.backlog, first: workqueue.DefaultQueue[ctrl.Request](), last: workqueue.DefaultQueue[ctrl.Request]()}
	queue := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[ctrl.Request]{Name: name, Queue: o})
	return workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[ctrl.Request]{
		Name:          name,
		DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[ctrl.Request]{Name: name, Queue: queue}),
	})
}

// order is that in which Services are looked at: as they come, and the backlog last. A work queue holds its lock for each call.
type order struct {
	backlog     *sync.Map
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
		if _, found := o.backlog.LoadAndDelete(r.NamespacedName); !found {
			return r
		}
		o.last.Push(r)
	}
	return o.last.Pop()
}
