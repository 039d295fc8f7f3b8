// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/configuration"
	"metallb.io/metallb/controllers/trigger"
	"metallb.io/metallb/internal/process"
)

// +kubebuilder:rbac:groups="",resources=services,verbs=list;watch

// Reconciler keeps a Coverage up to date. It does one thing at a time: a service that is looked at after the configuration is
// in no older version than then.
type Reconciler struct {
	Client   client.Client
	Coverage *Coverage
	// Namespace of the configuration.
	Namespace string
	// Class is the loadBalancerClass of the services that are served; empty serves those without one.
	Class string
	// Pools is the queue for the status of pools.
	Pools *trigger.Queue
	// Configured is told whenever the configuration has changed, after Coverage has taken it; nil tells nobody.
	Configured func()

	waivers Waivers
}

// SetupWithManager registers the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return configuration.Watch(ctrl.NewControllerManagedBy(mgr).Named("coverage"), r.waivers.Note).
		WithLogConstructor(process.ReconcilerLog(mgr, "coverage", "")).
		Watches(&corev1.Service{}, &handler.EnqueueRequestForObject{}).
		Complete(r)
}

// Reconcile looks at one service, or at all if the configuration has changed.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	if req == configuration.Request() {
		// The cache had each change before it was noted: what is taken before it is read is in what is read.
		waived := r.waivers.Take()
		err := r.configure(ctx, waived)
		if err != nil {
			r.waivers.add(waived)
		}
		return ctrl.Result{}, err
	}
	svc := &corev1.Service{}
	if err := r.Client.Get(ctx, req.NamespacedName, svc); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("reading the service: %w", err)
	}
	r.wake(r.Coverage.Observe(req.NamespacedName, assignment.HoldingsOf(svc, r.Class)))
	return ctrl.Result{}, nil
}

func (r *Reconciler) configure(ctx context.Context, waived Waived) error {
	objects, err := configuration.Read(ctx, r.Client, r.Namespace)
	if err != nil {
		return err
	}
	nodes, err := configuration.Nodes(ctx, r.Client)
	if err != nil {
		return err
	}
	list := &corev1.ServiceList{}
	if err := r.Client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing services: %w", err)
	}
	var holdings []config.Holding
	for i := range list.Items {
		holdings = append(holdings, assignment.HoldingsOf(&list.Items[i], r.Class)...)
	}
	r.wake(r.Coverage.Configure(objects, nodes, holdings, waived))
	if r.Configured != nil {
		r.Configured()
	}
	return nil
}

// wake has the status of the pools looked at.
func (r *Reconciler) wake(pools []string) {
	for _, name := range pools {
		r.Pools.Add(types.NamespacedName{Namespace: r.Namespace, Name: name})
	}
}
