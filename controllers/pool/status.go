// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/wake"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/internal/process"
)

// writeInterval is the shortest time from one write of a pool's status to another look at it: the counts of many changes go
// into one write, and what is said of many services is put together once.
const writeInterval = time.Second

// Routes tells which addresses of a pool are not announced any more.
type Routes interface {
	// Claims returns those that have lost their last route; false if that is not known yet. Once it is, it asks for another
	// look at the pool.
	Claims(pool string) (config.Impacts, bool)
}

// +kubebuilder:rbac:groups=metallb.io,resources=ipaddresspools,verbs=list;watch,namespace=metallb-system
// +kubebuilder:rbac:groups=metallb.io,resources=ipaddresspools/status,verbs=patch,namespace=metallb-system
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// StatusReconciler writes the status of IPAddressPools.
type StatusReconciler struct {
	Client        client.Client
	Configuration *Configuration
	Allocator     *allocator.Allocator
	Routes        Routes
	Gate          Gate
	Recorder      events.EventRecorder
	Clock         clock.PassiveClock
	// Pools is this reconciler's own queue.
	Pools *wake.Queue

	mu      sync.Mutex
	written map[types.NamespacedName]time.Time
}

// SetupWithManager registers the reconciler.
func (r *StatusReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("pool-status").
		For(&v1beta1.IPAddressPool{}).
		WatchesRawSource(r.Pools.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: 2}).
		WithLogConstructor(process.ReconcilerLog(mgr, "pool-status", "pool")).
		Complete(r)
}

// Reconcile writes the pool's status if it has changed.
func (r *StatusReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	if err := r.Gate.Wait(ctx); err != nil {
		return ctrl.Result{}, err
	}
	p := &v1beta1.IPAddressPool{}
	if err := r.Client.Get(ctx, req.NamespacedName, p); apierrors.IsNotFound(err) {
		r.setWritten(req.NamespacedName, time.Time{})
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading the pool: %w", err)
	}
	if early := r.tooEarly(req.NamespacedName); early > 0 {
		return ctrl.Result{RequeueAfter: early}, nil
	}
	verdict, ok := r.Configuration.Verdict(p.Name)
	if !ok || verdict.UID != p.UID || verdict.Generation != p.Generation {
		return ctrl.Result{}, nil // The configuration reconciler is at it, and asks again when it is done.
	}
	lost, ok := r.Routes.Claims(p.Name)
	if !ok {
		return ctrl.Result{}, nil
	}
	desired := p.DeepCopy()
	r.setStatus(desired, verdict, lost)
	if equality.Semantic.DeepEqual(desired.Status, p.Status) {
		return ctrl.Result{}, nil
	}
	if err := r.patch(ctx, desired); err != nil {
		// A conflict or a missing object means that a newer version is on its way here.
		if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, fmt.Errorf("writing the pool's status: %w", err)
	}
	r.setWritten(req.NamespacedName, r.Clock.Now())
	record(r.Recorder, p, desired)
	return ctrl.Result{}, nil
}

// patch writes the whole status, so that a count of 0 is written too. It fails if the pool has changed since it was read.
func (r *StatusReconciler) patch(ctx context.Context, p *v1beta1.IPAddressPool) error {
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": p.ResourceVersion},
		"status":   p.Status,
	})
	if err != nil {
		return fmt.Errorf("encoding the status: %w", err)
	}
	return r.Client.Status().Patch(ctx, p, client.RawPatch(types.MergePatchType, body))
}

// setStatus puts counts and conditions into the pool.
func (r *StatusReconciler) setStatus(p *v1beta1.IPAddressPool, v Verdict, lost config.Impacts) {
	counts := r.Allocator.PoolCounts(p.Name)
	p.Status.AssignedIPv4, p.Status.AssignedIPv6 = counts.AssignedIPv4, counts.AssignedIPv6
	p.Status.AvailableIPv4, p.Status.AvailableIPv6 = counts.AvailableIPv4, counts.AvailableIPv6
	p.Status.Assigned, p.Status.Available = inWords(counts)
	p.Status.ObservedGeneration = p.Generation
	meta.SetStatusCondition(&p.Status.Conditions, valid(p.Generation, v, together(incompatible(r.Allocator.Incompatible(p.Name)), lost)))
}

// incompatible returns the addresses that services hold from a pool that does not contain them as what stands against the pool.
func incompatible(held []allocator.Held) config.Impacts {
	found := make(config.Impacts, 0, len(held))
	for _, h := range held {
		found = append(found, config.Impact{Service: h.Service, Address: h.Address})
	}
	return found
}

// together returns the claims of both sorts. To announce an address that its service cannot own would be in vain, so of that
// no more is said.
func together(incompatible, lost config.Impacts) config.Impacts {
	owned := make(map[config.Impact]bool, len(incompatible))
	for _, c := range incompatible {
		owned[config.Impact{Service: c.Service, Address: c.Address}] = true
	}
	all := incompatible
	for _, c := range lost {
		if !owned[config.Impact{Service: c.Service, Address: c.Address}] {
			all = append(all, c)
		}
	}
	all.Sort()
	return all
}

// valid returns the condition Valid of a pool.
func valid(generation int64, v Verdict, claims config.Impacts) metav1.Condition {
	c := metav1.Condition{Type: v1beta1.ConditionValid, Status: metav1.ConditionFalse, ObservedGeneration: generation}
	switch {
	case v.Rejection != "":
		c.Reason, c.Message = v1beta1.ReasonInvalidConfig, v.Rejection
	case len(claims) > 0:
		c.Reason, c.Message = v1beta1.ReasonNotCompatibleWithAssignedIPs, claims.String()
	default:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, v1beta1.ReasonAccepted, "in force as written"
	}
	c.Message = message.Bound(c.Message)
	return c
}

// tooEarly returns how long to wait before the status may be looked at again.
func (r *StatusReconciler) tooEarly(name types.NamespacedName) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, ok := r.written[name]
	if !ok {
		return 0
	}
	return last.Add(writeInterval).Sub(r.Clock.Now())
}

// setWritten remembers when the status was written; the zero time forgets the pool.
func (r *StatusReconciler) setWritten(name types.NamespacedName, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at.IsZero() {
		delete(r.written, name)
		return
	}
	if r.written == nil {
		r.written = map[types.NamespacedName]time.Time{}
	}
	r.written[name] = at
}
