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
// have changed. Status, which changes with services, and the heartbeats of nodes are no such changes.
func Watch(b *builder.Builder) *builder.Builder {
	toRequest := handler.Funcs{
		CreateFunc: func(_ context.Context, _ event.CreateEvent, q queue) { q.AddAfter(Request(), settleTime) },
		UpdateFunc: func(_ context.Context, _ event.UpdateEvent, q queue) { q.AddAfter(Request(), settleTime) },
		DeleteFunc: func(_ context.Context, _ event.DeleteEvent, q queue) { q.AddAfter(Request(), settleTime) },
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
