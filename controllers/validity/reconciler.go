// SPDX-License-Identifier: Apache-2.0

package validity

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/notice"
	"metallb.io/metallb/api/v1beta1"
)

const actionValidate = "Validate"

// +kubebuilder:rbac:groups=metallb.io,resources=bgppeers;bgpadvertisements;communities,verbs=get;list;watch,namespace=metallb-system
// +kubebuilder:rbac:groups=metallb.io,resources=bgppeers/status;bgpadvertisements/status;communities/status,verbs=patch,namespace=metallb-system
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Setup registers a reconciler for every kind.
func Setup(mgr ctrl.Manager, recorder events.EventRecorder) error {
	for _, k := range kinds() {
		r := &reconciler{client: mgr.GetClient(), recorder: recorder, kind: k}
		if err := ctrl.NewControllerManagedBy(mgr).Named(k.name + "-validity").For(k.empty()).Complete(r); err != nil {
			return fmt.Errorf("registering a reconciler of kind %s: %w", k.name, err)
		}
	}
	return nil
}

// reconciler keeps the condition Valid of one kind of objects.
type reconciler struct {
	client   client.Client
	recorder events.EventRecorder
	kind     kind
}

// Reconcile parses the object and writes the condition if it has changed.
func (r *reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	object := r.kind.empty()
	if err := r.client.Get(ctx, req.NamespacedName, object); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	desired, ok := object.DeepCopyObject().(client.Object)
	if !ok {
		return ctrl.Result{}, fmt.Errorf("%T is not an object of the API", object)
	}
	valid := condition(object.GetGeneration(), r.kind.parse(object))
	conditions, generation := r.kind.status(desired)
	changed := meta.SetStatusCondition(conditions, valid)
	if !changed && *generation == valid.ObservedGeneration {
		return ctrl.Result{}, nil
	}
	*generation = valid.ObservedGeneration
	before, _ := r.kind.status(object)
	was := meta.FindStatusCondition(*before, v1beta1.ConditionValid)
	patch := client.MergeFromWithOptions(object, client.MergeFromWithOptimisticLock{})
	if err := r.client.Status().Patch(ctx, desired, patch); err != nil {
		// A conflict or a missing object means that a newer version is on its way here.
		if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, fmt.Errorf("writing the status: %w", err)
	}
	if valid.Status == metav1.ConditionFalse && (was == nil || was.Message != valid.Message) {
		r.recorder.Eventf(desired, nil, corev1.EventTypeWarning, valid.Reason, actionValidate, "%s", valid.Message)
	}
	return ctrl.Result{}, nil
}

// condition returns the condition Valid.
func condition(generation int64, errs field.ErrorList) metav1.Condition {
	c := metav1.Condition{
		Type: v1beta1.ConditionValid, Status: metav1.ConditionTrue, Reason: v1beta1.ReasonAccepted,
		Message: "valid as written", ObservedGeneration: generation,
	}
	if len(errs) > 0 {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1beta1.ReasonInvalidConfig, notice.Bound(errs.ToAggregate().Error())
	}
	return c
}
