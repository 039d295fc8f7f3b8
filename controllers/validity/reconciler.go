// SPDX-License-Identifier: Apache-2.0

package validity

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/controllers/configuration"
	"metallb.io/metallb/internal/process"
)

const actionValidate = "Validate"

// retryAfter is how long to wait for the newer version of an object that could not be written. It may differ in what makes
// no difference here, so that nothing but time tells of it.
const retryAfter = 200 * time.Millisecond

// +kubebuilder:rbac:groups=metallb.io,resources=bgppeers/status;bgpadvertisements/status;communities/status,verbs=patch,namespace=metallb-system
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconciler keeps the status of all objects. It looks at them together: each may be wrong because of any other.
type Reconciler struct {
	Client   client.Client
	Recorder events.EventRecorder
	// Namespace of the objects.
	Namespace string

	invalid atomic.Bool
}

// SetupWithManager registers the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return configuration.Watch(ctrl.NewControllerManagedBy(mgr).Named("validity"), nil).
		WithLogConstructor(process.ReconcilerLog(mgr, "validity", "")).
		Complete(r)
}

// Invalid reports whether any object is.
func (r *Reconciler) Invalid() bool { return r.invalid.Load() }

// Reconcile judges all objects and writes the status of those where it has changed.
func (r *Reconciler) Reconcile(ctx context.Context, _ ctrl.Request) (ctrl.Result, error) {
	objects, err := configuration.Read(ctx, r.Client, r.Namespace)
	if err != nil {
		return ctrl.Result{}, err
	}
	nodes, err := configuration.Nodes(ctx, r.Client)
	if err != nil {
		return ctrl.Result{}, err
	}
	var result ctrl.Result
	var failures []error
	invalid := false
	for _, v := range judge(objects, nodes) {
		invalid = invalid || v.is.Status == metav1.ConditionFalse
		if written, err := r.write(ctx, v); err != nil {
			failures = append(failures, err)
		} else if !written {
			result.RequeueAfter = retryAfter
		}
	}
	r.invalid.Store(invalid)
	err = errors.Join(failures...)
	if err != nil && result.RequeueAfter > 0 {
		// The error would have those wait ever longer of which nothing but a newer version is lacking.
		log.FromContext(ctx).Error(err, "writing the status of some objects, trying again")
		return result, nil
	}
	return result, err
}

// write makes the object tell the verdict, and reports whether it does: if not, and without an error, there is a newer
// version of it than the one that was judged.
func (r *Reconciler) write(ctx context.Context, v verdict) (bool, error) {
	if equality.Semantic.DeepEqual(v.current, v.desired) {
		return true, nil
	}
	patch := client.MergeFromWithOptions(v.current, client.MergeFromWithOptimisticLock{})
	switch err := r.Client.Status().Patch(ctx, v.desired, patch); {
	case apierrors.IsNotFound(err):
		return true, nil // Nobody is left to be told.
	case apierrors.IsConflict(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("writing the status of %T %q: %w", v.current, v.current.GetName(), err)
	}
	if v.told() {
		return true, nil
	}
	r.Recorder.Eventf(v.desired, nil, corev1.EventTypeWarning, v.is.Reason, actionValidate, "%s", v.is.Message)
	return true, nil
}

// told reports whether the object is valid, or an event has said already what is wrong with it.
func (v *verdict) told() bool {
	return v.is.Status == metav1.ConditionTrue || v.was != nil && v.was.Message == v.is.Message
}
