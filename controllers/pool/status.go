// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
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
	"metallb.io/metallb/controllers/configuration"
	"metallb.io/metallb/controllers/trigger"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/process"
)

// writeInterval is the shortest time from one write of a pool's status to another look at it: the counts of many changes go
// into one write, and what is said of many services is put together once.
const writeInterval = time.Second

// Configuration has the configuration in use.
type Configuration interface {
	// Snapshot returns it; nil before it is known. Whoever publishes one asks for another look at the pools that it concerns.
	Snapshot() *config.Snapshot
}

// Gate holds reconcilers back.
type Gate interface {
	// Wait returns when the allocator knows what all Services hold, or with the context's error.
	Wait(ctx context.Context) error
}

// +kubebuilder:rbac:groups=metallb.io,resources=ipaddresspools,verbs=list;watch,namespace=metallb-system
// +kubebuilder:rbac:groups=metallb.io,resources=ipaddresspools/status,verbs=patch,namespace=metallb-system
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// StatusReconciler writes the status of IPAddressPools.
type StatusReconciler struct {
	Client        client.Client
	Configuration Configuration
	Allocator     *allocator.Allocator
	Gate          Gate
	Recorder      events.EventRecorder
	Clock         clock.PassiveClock
	// Pools is this reconciler's own queue.
	Pools *trigger.Queue

	pace trigger.Pace
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
	if early := r.pace.TooEarly(req.NamespacedName, r.Clock.Now()); early > 0 {
		return ctrl.Result{RequeueAfter: early}, nil
	}
	p := &v1beta1.IPAddressPool{}
	if err := r.Client.Get(ctx, req.NamespacedName, p); apierrors.IsNotFound(err) {
		r.pace.Forget(req.NamespacedName)
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading the pool: %w", err)
	}
	finding, held, ok := r.finding(p)
	if !ok {
		return ctrl.Result{}, nil // The configuration reconciler is at it, and asks again when it is done.
	}
	desired := p.DeepCopy()
	r.setStatus(desired, finding, held)
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
	r.pace.Until(req.NamespacedName, r.Clock.Now().Add(writeInterval))
	r.record(p, desired)
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

// finding returns what was found of this version of the pool, and what is held back of changes that concern its addresses.
func (r *StatusReconciler) finding(p *v1beta1.IPAddressPool) (config.Finding, config.Impacts, bool) {
	s := r.Configuration.Snapshot()
	if s == nil {
		return config.Finding{}, nil, false
	}
	f, found := s.Findings[active.KeyOf(p)]
	if !found || f.Object.GetUID() != p.UID || f.Object.GetGeneration() != p.Generation {
		return config.Finding{}, nil, false
	}
	return f, s.PoolImpacts(p.Name), true
}

// setStatus puts counts and conditions into the pool.
func (r *StatusReconciler) setStatus(p *v1beta1.IPAddressPool, f config.Finding, held config.Impacts) {
	counts := r.Allocator.PoolCounts(p.Name)
	p.Status.AssignedIPv4, p.Status.AssignedIPv6 = counts.AssignedIPv4, counts.AssignedIPv6
	p.Status.AvailableIPv4, p.Status.AvailableIPv6 = counts.AvailableIPv4, counts.AvailableIPv6
	p.Status.Assigned, p.Status.Available = inWords(counts)
	p.Status.ObservedGeneration = p.Generation
	meta.SetStatusCondition(&p.Status.Conditions, valid(f, slices.Concat(incompatible(r.Allocator.Incompatible(p.Name)), held)))
}

// incompatible returns the addresses that services hold from a pool that does not contain them as what stands against the pool.
func incompatible(held []allocator.Held) config.Impacts {
	found := make(config.Impacts, 0, len(held))
	for _, h := range held {
		found = append(found, config.Impact{Service: h.Service, Address: h.Address})
	}
	return found
}

// valid returns the condition Valid of a pool of which that was found, and to which services hold addresses though the
// configuration as written would not give or announce them.
func valid(f config.Finding, impacts config.Impacts) metav1.Condition {
	if f.Reason != v1beta1.ReasonInvalidConfig && len(impacts)+len(f.Impacts) > 0 {
		f.Reason, f.Impacts = v1beta1.ReasonNotCompatibleWithAssignedIPs, together(slices.Concat(f.Impacts, impacts))
	}
	return configuration.ConditionOf(&f)
}

// together sorts the impacts and leaves out what is there twice. To announce an address that its service cannot own would be in
// vain, so of that no more is said.
func together(impacts config.Impacts) config.Impacts {
	owned := map[config.Impact]bool{}
	for _, i := range impacts {
		if i.Loss == config.Ownership {
			owned[i] = true
		}
	}
	all := slices.DeleteFunc(impacts, func(i config.Impact) bool {
		return i.Loss == config.Route && owned[config.Impact{Service: i.Service, Address: i.Address}]
	})
	all.Sort()
	return slices.Compact(all)
}

// record says in an event that a pool has become invalid.
func (r *StatusReconciler) record(before, after *v1beta1.IPAddressPool) {
	was := meta.FindStatusCondition(before.Status.Conditions, v1beta1.ConditionValid)
	is := meta.FindStatusCondition(after.Status.Conditions, v1beta1.ConditionValid)
	if configuration.IsNews(was, is) {
		r.Recorder.Eventf(after, nil, corev1.EventTypeWarning, v1beta1.ReasonInvalidConfig, "Validate", "%s", is.Message)
	}
}
