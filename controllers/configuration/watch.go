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

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// settleTime is how long after a change the Request comes: what changes together, objects of several kinds too, is looked at
// together.
const settleTime = 100 * time.Millisecond

type queue = workqueue.TypedRateLimitingInterface[ctrl.Request]

// Request is the one that stands for all objects: they are looked at together. No object has such a name.
func Request() ctrl.Request {
	return ctrl.Request{NamespacedName: types.NamespacedName{Name: "configuration"}}
}

// Watch makes the reconciler to be built get the Request whenever an object of the configuration, or the labels of a node,
// have changed. Status, which changes with services, and the heartbeats of nodes are no such changes. If report is not nil, it
// is told before of what was there already: how it was and how it is now, nil if it is gone.
func Watch(b *builder.Builder, report func(before, after client.Object)) *builder.Builder {
	next := func(q queue, before, after client.Object) {
		if report != nil && before != nil {
			report(before, after)
		}
		q.AddAfter(Request(), settleTime)
	}
	toRequest := handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { next(q, nil, e.Object) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) { next(q, e.ObjectOld, e.ObjectNew) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { next(q, e.Object, nil) },
	}
	for _, kind := range []client.Object{
		&v1beta1.IPAddressPool{}, &v1beta2.BGPPeer{}, &v1beta1.BGPAdvertisement{}, &v1beta1.Community{},
	} {
		b = b.Watches(kind, toRequest, builder.WithPredicates(predicate.Funcs{UpdateFunc: changed}))
	}
	return b.Watches(&corev1.Node{}, toRequest, builder.WithPredicates(predicate.LabelChangedPredicate{}))
}

// changed reports whether the object means something else than before.
func changed(e event.UpdateEvent) bool {
	was, is := e.ObjectOld, e.ObjectNew
	return was.GetUID() != is.GetUID() || was.GetGeneration() != is.GetGeneration() ||
		!maps.Equal(was.GetLabels(), is.GetLabels()) || v1beta1.AllowsDisruption(was) != v1beta1.AllowsDisruption(is)
}
