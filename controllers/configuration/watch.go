// SPDX-License-Identifier: Apache-2.0

package configuration

import (
	"context"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
)

const (
	// settleTime is how long after a change the configuration is looked at: what changes together, objects of several kinds too,
	// is looked at together.
	settleTime = 100 * time.Millisecond
	// releaseTime is how long after a change of a service, or a namespace, it is looked at whether something is held back still.
	releaseTime = time.Second
)

type queue = workqueue.TypedRateLimitingInterface[ctrl.Request]

// request is the one that stands for all objects: they are looked at together. No object has such a name.
func request() ctrl.Request {
	return ctrl.Request{NamespacedName: types.NamespacedName{Name: "configuration"}}
}

// watch makes the reconciler to be built look at the configuration when an object of it has changed, or a label of a node that
// something selects by; and while something is held back, when a service or a namespace has changed. Status, which changes with
// services, and the heartbeats of nodes are no such changes.
func (r *Reconciler) watch(b *builder.Builder) *builder.Builder {
	objects := enqueue(settleTime, r.Tracker.Note)
	for _, kind := range []client.Object{
		&v1beta1.IPAddressPool{}, &v1beta2.BGPPeer{}, &v1beta1.BGPAdvertisement{}, &v1beta1.Community{}, &v1beta1.BFDProfile{},
	} {
		b = b.Watches(kind, objects, builder.WithPredicates(predicate.Funcs{UpdateFunc: changed}))
	}
	never := func(event.CreateEvent) bool { return false }
	return b.
		Watches(&v1beta1.ActiveConfiguration{}, enqueue(settleTime, nil), builder.WithPredicates(predicate.Funcs{
			CreateFunc: never, UpdateFunc: func(e event.UpdateEvent) bool { return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() },
		})).
		Watches(&corev1.Node{}, enqueue(settleTime, nil), builder.WithPredicates(predicate.Funcs{UpdateFunc: r.nodeChanged})).
		WatchesRawSource(r.released()).
		Watches(&corev1.Namespace{}, enqueue(releaseTime, nil), builder.WithPredicates(predicate.Funcs{
			CreateFunc: never, UpdateFunc: r.namespaceChanged, DeleteFunc: func(event.DeleteEvent) bool { return false },
		}))
}

// enqueue returns a handler that makes the request some time after each event. If note is not nil, it is called before, for what was
// there already: how it was and how it is now, nil if it is gone.
func enqueue(after time.Duration, note func(before, after client.Object)) handler.Funcs {
	next := func(q queue, before, is client.Object) {
		if note != nil && before != nil {
			note(before, is)
		}
		q.AddAfter(request(), after)
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { next(q, nil, e.Object) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) { next(q, e.ObjectOld, e.ObjectNew) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) {
			if e.DeleteStateUnknown {
				next(q, nil, nil) // That may not be its last version.
				return
			}
			next(q, e.Object, nil)
		},
	}
}

// changed reports whether the object means something else than before.
func changed(e event.UpdateEvent) bool {
	was, is := e.ObjectOld, e.ObjectNew
	return was.GetUID() != is.GetUID() || was.GetGeneration() != is.GetGeneration() ||
		!maps.Equal(was.GetLabels(), is.GetLabels()) || v1beta1.AllowsDisruption(was) != v1beta1.AllowsDisruption(is)
}

// nodeChanged reports whether a label has changed that something selects nodes by.
func (r *Reconciler) nodeChanged(e event.UpdateEvent) bool {
	was, is := e.ObjectOld.GetLabels(), e.ObjectNew.GetLabels()
	s := r.Tracker.Snapshot()
	differs := func(a, b map[string]string) bool {
		for key, value := range a {
			if other, found := b[key]; (!found || other != value) && s.UsesNodeLabel(key) {
				return true
			}
		}
		return false
	}
	return e.ObjectOld.GetUID() != e.ObjectNew.GetUID() || differs(was, is) || differs(is, was)
}

// holds reports whether something is held back.
func (r *Reconciler) holds() bool {
	s := r.Tracker.Snapshot()
	return s == nil || s.Held > 0 || s.Invalid()
}

// released makes the request some time after a service holds something else than before, while that matters.
func (r *Reconciler) released() source.Source {
	return source.Func(func(ctx context.Context, q queue) error {
		stop := r.Assignments.Subscribe(func(types.NamespacedName, []config.Holding, []config.Holding) {
			if r.holds() {
				q.AddAfter(request(), releaseTime)
			}
		})
		context.AfterFunc(ctx, stop)
		return nil
	})
}

func (r *Reconciler) namespaceChanged(e event.UpdateEvent) bool {
	return r.holds() && !maps.Equal(e.ObjectOld.GetLabels(), e.ObjectNew.GetLabels())
}
