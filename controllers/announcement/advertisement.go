// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/trigger"
	"metallb.io/metallb/internal/process"
)

// +kubebuilder:rbac:groups=metallb.io,resources=bgpadvertisements/status,verbs=patch,namespace=metallb-system

// AdvertisementReconciler writes into the status of BGPAdvertisements how many Services they cover. The rest of the status is
// somebody else's.
type AdvertisementReconciler struct {
	Client  client.Client
	Tracker *Tracker
	Clock   clock.PassiveClock
	// Advertisements is the queue of those whose number may have changed.
	Advertisements *trigger.Queue

	mu sync.Mutex
	// next is the earliest time of the next write, by advertisement.
	next map[string]time.Time
}

// SetupWithManager registers the reconciler. It looks at changes of the status too: the cache may have been late when the number
// was compared with what is published.
func (r *AdvertisementReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("advertisement").
		For(&v1beta1.BGPAdvertisement{}).
		WatchesRawSource(r.Advertisements.Source()).
		WithLogConstructor(process.ReconcilerLog(mgr, "advertisement", "advertisement")).
		Complete(r)
}

// Reconcile writes the number of one advertisement if it has changed.
func (r *AdvertisementReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	adv := &v1beta1.BGPAdvertisement{}
	if err := r.Client.Get(ctx, req.NamespacedName, adv); apierrors.IsNotFound(err) {
		r.forget(req.Name)
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading the advertisement: %w", err)
	}
	services, nodes, known := r.Tracker.Covered(req.Name)
	switch {
	case !known:
		return ctrl.Result{RequeueAfter: settleTime}, nil
	case int(adv.Status.Services) == services:
		return ctrl.Result{}, nil
	}
	if early := r.tooEarly(req.Name, nodes); early > 0 {
		return ctrl.Result{RequeueAfter: early}, nil
	}
	patch := fmt.Appendf(nil, `{"status":{"services":%d}}`, min(services, math.MaxInt32))
	if err := r.Client.Status().Patch(ctx, adv, client.RawPatch(types.MergePatchType, patch)); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("writing how many services the advertisement covers: %w", err)
	}
	return ctrl.Result{}, nil
}

// tooEarly returns how long to wait before the number may be written; 0 if it is written now. All speakers watch
// BGPAdvertisements.
func (r *AdvertisementReconciler) tooEarly(name string, nodes int) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.Clock.Now()
	if next := r.next[name]; next.After(now) {
		return next.Sub(now)
	}
	if r.next == nil {
		r.next = map[string]time.Time{}
	}
	r.next[name] = now.Add(max(numberTime, time.Duration(nodes)*2*time.Millisecond))
	return 0
}

// forget is for an advertisement that is gone.
func (r *AdvertisementReconciler) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.next, name)
}
