// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"maps"
	"reflect"
	"sync"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/policy"
)

// waivers are the objects that were changed or deleted by an operator who allows disruption, and not yet compiled. They are
// gathered from the watches' events: what a deleted object said last, no list tells.
type waivers struct {
	mu      sync.Mutex
	objects map[policy.Object]bool
}

// take returns the objects, and leaves none.
func (w *waivers) take() map[policy.Object]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.objects
	w.objects = nil
	return taken
}

// add adds objects.
func (w *waivers) add(objects map[policy.Object]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.objects == nil {
		w.objects = map[policy.Object]bool{}
	}
	maps.Copy(w.objects, objects)
}

// note adds the object if the change is one to waive.
func (w *waivers) note(before, after client.Object) {
	if !waives(before, after) {
		return
	}
	o := policy.Object{Kind: policy.KindBGPAdvertisement, Name: before.GetName()}
	if _, isPool := before.(*v1beta1.IPAddressPool); isPool {
		o.Kind = policy.KindIPAddressPool
	}
	w.add(map[policy.Object]bool{o: true})
}

// queue is what a handler puts requests into.
type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// watching returns the handler with the waivers noted before.
func (w *waivers) watching(next handler.EventHandler) handler.EventHandler {
	return handler.Funcs{
		CreateFunc:  next.Create,
		GenericFunc: next.Generic,
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			w.note(e.ObjectOld, e.ObjectNew)
			next.Update(ctx, e, q)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) {
			w.note(e.Object, nil)
			next.Delete(ctx, e, q)
		},
	}
}

// waives reports whether an operator changed, or deleted if nothing came after, a BGPAdvertisement or IPAddressPool and
// allows the disruption: in the version before or after. To take the permission back is no change to allow it for.
func waives(before, after client.Object) bool {
	allowed := v1beta1.AllowsDisruption(before)
	if after == nil {
		return allowed
	}
	allows := v1beta1.AllowsDisruption(after)
	return allows && !allowed || (allows || allowed) && !reflect.DeepEqual(meaning(before), meaning(after))
}

// meaning is what of the object concerns routes.
func meaning(o client.Object) any {
	switch o := o.(type) {
	case *v1beta1.BGPAdvertisement:
		return o.Spec
	case *v1beta1.IPAddressPool:
		return [...]any{o.Spec, o.Labels}
	default:
		return nil
	}
}
