// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"context"
	"fmt"
	"math"
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

	// pace keeps writes apart, since all speakers watch BGPAdvertisements.
	pace trigger.Pace
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
		r.pace.Forget(req.NamespacedName)
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
	now := r.Clock.Now()
	if early := r.pace.TooEarly(req.NamespacedName, now); early > 0 {
		return ctrl.Result{RequeueAfter: early}, nil
	}
	r.pace.Until(req.NamespacedName, now.Add(max(numberTime, time.Duration(nodes)*2*time.Millisecond)))
	patch := fmt.Appendf(nil, `{"status":{"services":%d}}`, min(services, math.MaxInt32))
	if err := r.Client.Status().Patch(ctx, adv, client.RawPatch(types.MergePatchType, patch)); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("writing how many services the advertisement covers: %w", err)
	}
	return ctrl.Result{}, nil
}
