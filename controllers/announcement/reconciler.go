// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/trigger"
	"metallb.io/metallb/internal/process"
)

// concurrency is how many services are written side by side.
const concurrency = 4

// +kubebuilder:rbac:groups="",resources=services/status,verbs=patch

// Reconciler writes the condition Announced of Services that are due.
type Reconciler struct {
	Client  client.Client
	Tracker *Tracker
	// Class is that of the services that are served.
	Class string
	// Services is the queue of those that are due.
	Services *trigger.Queue

	// misled has the UID of each Service, by its name, that got the condition though it is another's. It is kept until that is taken
	// back: the Tracker does not know the Service any more.
	misled sync.Map
}

// SetupWithManager registers the reconciler. It watches nothing: the Tracker says when a Service is due.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("announcement").
		WatchesRawSource(r.Services.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency}).
		WithLogConstructor(process.ReconcilerLog(mgr, "announcement", "service")).
		Complete(r)
}

// Reconcile writes the condition of one Service if it is to have another one.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	uid, desired, wanted := r.Tracker.Wanted(req.NamespacedName)
	if !wanted {
		return ctrl.Result{}, r.takeBack(ctx, req.NamespacedName)
	}
	svc, err := r.patch(ctx, req.NamespacedName, uid, desired)
	if err != nil {
		return ctrl.Result{}, err
	}
	if svc != nil {
		r.wrote(ctx, svc, desired)
	}
	return ctrl.Result{}, r.takeBack(ctx, req.NamespacedName)
}

// wrote takes a Service as it is after its condition was written, or removed.
func (r *Reconciler) wrote(ctx context.Context, svc *corev1.Service, c *metav1.Condition) {
	if c != nil {
		log.FromContext(ctx).V(1).Info("wrote the condition", "status", c.Status, "reason", c.Reason, "message", c.Message)
	}
	if is := assignment.RecordOf(svc, r.Class); is != nil {
		r.misled.Delete(client.ObjectKeyFromObject(svc))
		r.Tracker.Wrote(is)
	} else if c != nil {
		// It has become another's meanwhile, whom this condition would mislead.
		r.misled.Store(client.ObjectKeyFromObject(svc), svc.UID)
	}
}

// takeBack removes the condition from a Service that got it though it is another's; nothing if there is none of the name.
func (r *Reconciler) takeBack(ctx context.Context, name types.NamespacedName) error {
	misled, _ := r.misled.Load(name)
	uid, found := misled.(types.UID)
	if !found {
		return nil
	}
	svc, err := r.patch(ctx, name, uid, nil)
	if err != nil {
		return err
	}
	r.misled.Delete(name)
	if svc != nil {
		r.wrote(ctx, svc, nil) // It may be served again.
	}
	return nil
}

// patch writes the condition of the one Service that is meant, or removes it. It leaves all else alone, whatever that is now, so
// that it is in nobody's way. It returns the Service as it is then, nil if it is gone.
func (r *Reconciler) patch(ctx context.Context, name types.NamespacedName, uid types.UID, c *metav1.Condition) (*corev1.Service, error) {
	patch, err := patchOf(uid, c)
	if err != nil {
		return nil, err
	}
	svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	switch err := r.Client.Status().Patch(ctx, svc, client.RawPatch(types.StrategicMergePatchType, patch)); {
	case apierrors.IsNotFound(err), isOther(err), apierrors.IsConflict(err) && c != nil:
		// It is gone, and another may be there of its name; or it has changed so often that the Tracker will hear of that. Of one that is
		// another's it does not, so a condition that is removed is tried again.
		log.FromContext(ctx).V(1).Info("not writing to a service that is gone or has changed", "error", err.Error())
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("writing the condition of the service: %w", err)
	}
	return svc, nil
}

// isOther reports whether the API server has another object of the name than the one whose UID was given.
func isOther(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	return slices.ContainsFunc(status.Status().Details.Causes, func(c metav1.StatusCause) bool { return c.Field == "metadata.uid" })
}

// patchOf returns the strategic merge patch of the one condition.
func patchOf(uid types.UID, c *metav1.Condition) ([]byte, error) {
	var one any = c
	if c == nil {
		one = map[string]any{"$patch": "delete", "type": v1beta1.ConditionAnnounced}
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": uid},
		"status":   map[string]any{"conditions": []any{one}},
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the condition: %w", err)
	}
	return patch, nil
}
