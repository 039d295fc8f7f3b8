// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/trigger"
	"metallb.io/metallb/internal/process"
)

// +kubebuilder:rbac:groups="",resources=services,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=services/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconciler gives Services their addresses.
type Reconciler struct {
	Client client.Client
	// Live reads from the API server itself.
	Live      client.Reader
	Allocator *allocator.Allocator
	Hydration *Hydration
	Recorder  events.EventRecorder
	Metrics   *Metrics
	// Class is the loadBalancerClass of the Services to serve; empty serves those without one.
	Class string
	// Services is this reconciler's own queue, Pools the one for the status of pools.
	Services, Pools *trigger.Queue
	// PoolNamespace is where the pools are.
	PoolNamespace string
	// Concurrency is how many Services are looked at side by side.
	Concurrency int

	ownWrites versions
	// awaited are the names of Services of which a newer version is on its way into the cache, whatever is new about it.
	awaited sync.Map
	// told are the conditions Allocated of Services that hold no address, by name, see tell.
	told sync.Map
}

// SetupWithManager registers the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("service").
		For(&corev1.Service{}, builder.WithPredicates(predicate.Funcs{UpdateFunc: r.matters})).
		Watches(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.namespaceToRequests),
			builder.WithPredicates(predicate.LabelChangedPredicate{})).
		WatchesRawSource(r.Services.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: r.Concurrency, NewQueue: r.Hydration.newQueue}).
		WithLogConstructor(process.ReconcilerLog(mgr, "service", "service")).
		Complete(r)
}

// namespaceToRequests returns the Services in the namespace: pools may select them by its labels.
func (r *Reconciler) namespaceToRequests(ctx context.Context, namespace client.Object) []ctrl.Request {
	list := &corev1.ServiceList{}
	if err := r.Client.List(ctx, list, client.InNamespace(namespace.GetName()), client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "listing the services of a namespace", "namespace", namespace.GetName())
		return nil
	}
	requests := make([]ctrl.Request, 0, len(list.Items))
	for i := range list.Items {
		requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}

// Reconcile brings the Service's addresses in line with what it requests.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	if err := r.Hydration.Wait(ctx); err != nil {
		return ctrl.Result{}, err
	}
	defer r.wakePools()
	r.awaited.Delete(req.NamespacedName)
	svc := &corev1.Service{} // It shares its parts with the cache, so nothing in it is written to.
	if err := r.Client.Get(ctx, req.NamespacedName, svc, client.UnsafeDisableDeepCopy); apierrors.IsNotFound(err) {
		return r.releaseDeleted(ctx, req.NamespacedName)
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading the service: %w", err)
	}
	if r.Hydration.replayed.areAhead(svc) || r.ownWrites.areAhead(svc) {
		return ctrl.Result{}, r.awaitNewer(ctx, svc)
	}
	if !assignment.Served(svc, r.Class) {
		return ctrl.Result{}, r.releaseForeign(ctx, svc)
	}
	namespaceLabels, known, err := r.namespaceLabels(ctx, svc.Namespace)
	if err != nil || !known {
		return ctrl.Result{}, err // A namespace that appears has its services looked at.
	}
	r.Services.Add(r.Allocator.Settle(req.NamespacedName, reportedBy(svc))...)
	began := time.Now()
	o := r.decide(svc, namespaceLabels)
	r.Services.Add(o.result.Woken...)
	if svc.DeletionTimestamp != nil {
		r.Services.Add(r.Allocator.Settle(req.NamespacedName, reportedBy(svc))...)
		return ctrl.Result{}, nil
	}
	if written, err := r.write(ctx, svc, &o); err != nil {
		return ctrl.Result{}, err
	} else if !written {
		return ctrl.Result{}, r.awaitNewer(ctx, svc)
	}
	if o.assignsNew(svc) {
		r.Metrics.allocated(time.Since(began))
	}
	r.Services.Add(r.Allocator.Settle(req.NamespacedName, o.result.Addresses())...)
	return ctrl.Result{}, nil
}

// awaitNewer has the version of the Service looked at that follows this one, which may have come into the cache by now.
func (r *Reconciler) awaitNewer(ctx context.Context, svc *corev1.Service) error {
	name := client.ObjectKeyFromObject(svc)
	r.awaited.Store(name, nil)
	is := &corev1.Service{}
	if err := r.Client.Get(ctx, name, is, client.UnsafeDisableDeepCopy); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading the service: %w", err)
	}
	if is.ResourceVersion != svc.ResourceVersion {
		r.Services.Add(name)
	}
	return nil
}

// namespaceLabels returns the labels of the namespace, and whether there is such a namespace. The cache may not have it yet,
// while it has its services.
func (r *Reconciler) namespaceLabels(ctx context.Context, name string) (found labels.Set, known bool, err error) {
	namespace := &corev1.Namespace{}
	if err := r.Client.Get(ctx, types.NamespacedName{Name: name}, namespace); err == nil {
		return namespace.Labels, true, nil
	} else if !apierrors.IsNotFound(err) {
		return nil, false, fmt.Errorf("reading namespace %q: %w", name, err)
	}
	// A list, since that is what the controller may do for its cache anyway.
	list := &corev1.NamespaceList{}
	if err := r.Live.List(ctx, list, client.MatchingFields{"metadata.name": name}); err != nil {
		return nil, false, fmt.Errorf("asking whether there is a namespace %q: %w", name, err)
	}
	if len(list.Items) == 0 {
		return nil, false, nil
	}
	return list.Items[0].Labels, true, nil
}

// decide asks the allocator. A Service that contradicts itself keeps what it has, as does one that is about to go.
func (r *Reconciler) decide(svc *corev1.Service, namespaceLabels labels.Set) outcome {
	o := outcome{service: client.ObjectKeyFromObject(svc)}
	request, err := assignment.RequestOf(svc, namespaceLabels)
	if err != nil {
		o.failure = err.Error()
	}
	if err != nil || svc.DeletionTimestamp != nil {
		o.result = r.Allocator.Keep(request)
		return o
	}
	var refusal *allocator.Refusal
	if o.result, refusal = r.Allocator.Allocate(request); refusal != nil {
		o.failure = refusal.String()
	}
	return o
}

// write puts the outcome into the Service, and reports whether it is there. If not, and without an error, there is a newer version of
// the Service.
func (r *Reconciler) write(ctx context.Context, svc *corev1.Service, o *outcome) (bool, error) {
	if !o.changes(svc) {
		r.tell(svc, o.result.Assignments)
		return true, nil
	}
	desired := svc.DeepCopy()
	o.apply(desired)
	logChange(log.FromContext(ctx), svc, desired, o)
	if written, err := r.patch(ctx, desired, svc); err != nil || !written {
		return false, err
	}
	r.ownWrites.add(desired)
	r.tell(desired, o.result.Assignments)
	record(r.Recorder, desired, transition(svc, desired, o)...)
	return true, nil
}

// logChange says what is about to be done to the Service.
func logChange(logger logr.Logger, svc, desired *corev1.Service, o *outcome) {
	values := []any{"addresses", o.result.Addresses(), "pool", desired.Annotations[v1beta1.AnnotationIPAllocatedFromPool]}
	if c := o.condition(); c.Reason != v1beta1.ReasonIPAllocated {
		values = append(values, "reason", c.Message)
	}
	if message := doing(svc, desired, o); message != "" {
		logger.Info(message, values...)
	} else {
		logger.V(1).Info("updating the condition's message", values...)
	}
}

// WriteTimeout bounds how long a write of a Service may take. It is less than a controller that stops has until it gives its
// lease away, and less than passes between the end of a lease that was not renewed and the next leader: so that nothing that
// this controller wrote takes effect when another gives addresses.
const WriteTimeout = 4 * time.Second

// patch writes status and annotation at once: a patch of a Service's status applies to its metadata too. A controller that is
// stopped begins no patch, but waits for the answer to one that is under way.
func (r *Reconciler) patch(ctx context.Context, desired, svc *corev1.Service) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	patch, err := patchOf(svc, desired)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), WriteTimeout)
	defer cancel()
	r.Metrics.updates.Inc()
	switch err := r.Client.Status().Patch(ctx, desired, patch); {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		log.FromContext(ctx).V(1).Info("waiting for the newer version of the service")
		return false, nil
	case err != nil:
		r.Metrics.updateErrors.Inc()
		return false, fmt.Errorf("writing the service's status: %w", err)
	}
	return true, nil
}

// wakePools has the status of pools looked at that the Service has changed.
func (r *Reconciler) wakePools() {
	for _, pool := range r.Allocator.Changed() {
		r.Pools.Add(types.NamespacedName{Namespace: r.PoolNamespace, Name: pool})
	}
}
