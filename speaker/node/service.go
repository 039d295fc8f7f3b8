// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// +kubebuilder:rbac:groups="",resources=services,verbs=list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list;watch

// ServiceReconciler keeps what is announced of each service as the service and its endpoints say.
type ServiceReconciler struct {
	Speaker *Speaker
}

// Reconcile recomputes one service. Its cost depends on no other service.
func (r *ServiceReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	return ctrl.Result{}, r.Speaker.Update(ctx, req.NamespacedName)
}

// SetupWithManager makes the manager run the reconciler.
func (r *ServiceReconciler) SetupWithManager(mgr ctrl.Manager) error {
	seen := &r.Speaker.updateTimes
	return ctrl.NewControllerManagedBy(mgr).
		Named("service").
		WithLogConstructor(logConstructor(mgr, "service")).
		Watches(&corev1.Service{}, handler.EnqueueRequestsFromMapFunc(seen.noting(serviceToRequests)), builder.WithPredicates(changed())).
		Watches(&discoveryv1.EndpointSlice{}, handler.EnqueueRequestsFromMapFunc(seen.noting(endpointSliceToRequests)), builder.WithPredicates(changed())).
		Complete(r)
}

func serviceToRequests(_ context.Context, service client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(service)}}
}

// endpointSliceToRequests returns the slice's service. A slice that changes its label is an update of both services.
func endpointSliceToRequests(_ context.Context, slice client.Object) []reconcile.Request {
	service := slice.GetLabels()[discoveryv1.LabelServiceName]
	if service == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: slice.GetNamespace(), Name: service}}}
}
