// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
)

// arrival is how long a Service may be on its way into the cache before the API server is asked again.
const arrival = time.Second

// releaseForeign takes back what a Service of another class holds of this load balancer, and what it is told of that. What it has of
// others is theirs.
func (r *Reconciler) releaseForeign(ctx context.Context, svc *corev1.Service) error {
	name := client.ObjectKeyFromObject(svc)
	held, told := r.Allocator.Withdraw(name).Addresses(), r.tells(svc)
	if len(held) == 0 && !told {
		r.forget(ctx, name) // It may have given up addresses that are not free yet.
		return nil
	}
	desired := svc.DeepCopy()
	clearStatus(desired, held)
	if told {
		clearTraces(desired)
	}
	log.FromContext(ctx).Info("clearing the status of a service of another class", "addresses", held)
	if written, err := r.patch(ctx, desired, svc); err != nil {
		return err
	} else if !written {
		return r.awaitNewer(ctx, svc)
	}
	if len(held) > 0 {
		record(r.Recorder, desired, clearing(cleared(held, causeOtherClass)))
	}
	r.forget(ctx, name)
	return nil
}

// tell notes what a Service that holds no address is told, which may outlast that it is served. Another load balancer of this kind writes
// the same condition to Services of its class, so there is no other way to know whose it is. What a Service holds the allocator knows.
func (r *Reconciler) tell(svc *corev1.Service, held []allocator.Assignment) {
	name := client.ObjectKeyFromObject(svc)
	if c := meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAllocated); c != nil && len(held) == 0 {
		r.told.Store(name, *c)
	} else {
		r.told.Delete(name)
	}
}

// tells reports whether the Service is told what was noted last, so that nobody else has told it anything since.
func (r *Reconciler) tells(svc *corev1.Service) bool {
	c := meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAllocated)
	told, noted := r.told.Load(client.ObjectKeyFromObject(svc))
	return c != nil && noted && equality.Semantic.DeepEqual(told, *c)
}

// releaseDeleted releases what a Service held that is gone, or is not of type LoadBalancer any more. In the second case the API
// server has cleared the addresses from its status, and the annotation and condition are left to be removed.
//
// The cache may know less than what was replayed, so the API server is asked before anything is released.
func (r *Reconciler) releaseDeleted(ctx context.Context, name types.NamespacedName) (ctrl.Result, error) {
	svc := &corev1.Service{}
	if err := r.Live.Get(ctx, name, svc); apierrors.IsNotFound(err) {
		r.forget(ctx, name)
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("asking whether the service is gone: %w", err)
	}
	if svc.Spec.Type == corev1.ServiceTypeLoadBalancer {
		// It is on its way into the cache, but if it changes once more before it is there, nobody will hear of it.
		return ctrl.Result{RequeueAfter: arrival}, nil
	}
	held := r.Allocator.Withdraw(name).Addresses()
	if !hasTraces(svc) {
		r.forget(ctx, name)
		return ctrl.Result{}, nil
	}
	r.release(ctx, name)
	r.tell(svc, nil) // It may take another class before that is removed.
	if len(held) > 0 {
		record(r.Recorder, svc, clearing(cleared(held, causeOtherType)))
	}
	return ctrl.Result{}, r.removeTraces(ctx, svc)
}

// removeTraces removes from a Service of another type what is left of its time as a LoadBalancer.
func (r *Reconciler) removeTraces(ctx context.Context, svc *corev1.Service) error {
	desired := svc.DeepCopy()
	clearStatus(desired, nil)
	written, err := r.patch(ctx, desired, svc)
	if err == nil && !written {
		// Versions of such a Service do not come here: it has to be read again.
		r.Services.Add(client.ObjectKeyFromObject(svc))
	}
	if written {
		r.told.Delete(client.ObjectKeyFromObject(svc))
	}
	return err
}

// forget is release, and for a Service of which nothing is left to be removed.
func (r *Reconciler) forget(ctx context.Context, name types.NamespacedName) {
	r.told.Delete(name)
	r.release(ctx, name)
}

// release frees what the Service holds.
func (r *Reconciler) release(ctx context.Context, name types.NamespacedName) {
	r.ownWrites.forget(name)
	held, woken := r.Allocator.Release(name)
	r.Services.Add(woken...)
	if held {
		log.FromContext(ctx).Info("released the addresses of a service")
	}
}
