// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// arrival is how long a Service may be on its way into the cache before the API server is asked again.
const arrival = time.Second

// releaseForeign takes back what a Service of another class holds of this load balancer. What it holds of others is theirs.
func (r *Reconciler) releaseForeign(ctx context.Context, svc *corev1.Service) error {
	name := client.ObjectKeyFromObject(svc)
	held := r.Allocator.Withdraw(name).Addresses()
	if len(held) == 0 {
		r.release(ctx, name) // It may have given up addresses that are not free yet.
		return nil
	}
	desired := svc.DeepCopy()
	clearStatus(desired, held)
	log.FromContext(ctx).Info("clearing addresses of a service of another class", "addresses", held)
	if written, err := r.patch(ctx, desired, svc); err != nil {
		return err
	} else if !written {
		return r.awaitNewer(ctx, svc)
	}
	record(r.Recorder, desired, clearing(cleared(held, causeOtherClass)))
	r.release(ctx, name)
	return nil
}

// releaseDeleted releases what a Service held that is gone, or is not of type LoadBalancer any more. In the second case the API
// server has cleared the addresses from its status, and the annotation and condition are left to be removed.
//
// The cache may know less than what was replayed, so the API server is asked before anything is released.
func (r *Reconciler) releaseDeleted(ctx context.Context, name types.NamespacedName) (ctrl.Result, error) {
	svc := &corev1.Service{}
	if err := r.Live.Get(ctx, name, svc); apierrors.IsNotFound(err) {
		r.release(ctx, name)
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("asking whether the service is gone: %w", err)
	}
	if svc.Spec.Type == corev1.ServiceTypeLoadBalancer {
		// It is on its way into the cache, but if it changes once more before it is there, nobody will hear of it.
		return ctrl.Result{RequeueAfter: arrival}, nil
	}
	held := r.Allocator.Withdraw(name).Addresses()
	r.release(ctx, name)
	if !hasTraces(svc) {
		return ctrl.Result{}, nil
	}
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
	return err
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
