// SPDX-License-Identifier: Apache-2.0

package configuration

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/trigger"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/process"
)

// retryAfter is how long to wait for the newer version of an object that could not be written. It may differ in what makes
// no difference here, so that no event may come.
const retryAfter = 200 * time.Millisecond

var errNewerVersion = errors.New("another version of an ActiveConfiguration is there")

// Gate holds reconcilers back.
type Gate interface {
	// Wait returns when the allocator knows what all Services hold, or with the context's error.
	Wait(ctx context.Context) error
}

// +kubebuilder:rbac:groups=metallb.io,resources=ipaddresspools;bgppeers;bgpadvertisements;communities;bfdprofiles,verbs=list;watch,namespace=metallb-system
// +kubebuilder:rbac:groups=metallb.io,resources=activeconfigurations,verbs=list;watch;create;update;delete,namespace=metallb-system
// +kubebuilder:rbac:groups=metallb.io,resources=bgppeers/status;bgpadvertisements/status;communities/status;bfdprofiles/status,verbs=patch,namespace=metallb-system
// +kubebuilder:rbac:groups="",resources=nodes;namespaces,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconciler keeps the configuration in use. It looks at all objects together: each may be wrong because of any other.
type Reconciler struct {
	Client   client.Client
	Tracker  *Tracker
	Gate     Gate
	Recorder events.EventRecorder
	// Namespace of the configuration.
	Namespace string
	// Assignments report when a service holds something else than before.
	Assignments interface {
		Subscribe(f func(service types.NamespacedName, before, after []config.Holding)) (stop func())
	}
	// Services and Pools are the queues of those who depend on the configuration.
	Services, Pools *trigger.Queue
	// Configured is called when addresses may be announced differently.
	Configured func()
}

// SetupWithManager registers the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return r.watch(ctrl.NewControllerManagedBy(mgr).Named("configuration")).
		WithLogConstructor(process.ReconcilerLog(mgr, "configuration", "")).
		Complete(r)
}

// Load gives the allocator the pools in use, and returns them. As in Reconcile, their ActiveConfigurations are written before: what a
// service is given of a pool must not depend on which objects appear before the first snapshot is published.
func (r *Reconciler) Load(ctx context.Context) (ipam.Pools, error) {
	next, _, err := r.Tracker.next(ctx)
	if err != nil {
		return nil, err
	}
	done, failure := r.activate(ctx, next.Changes, nil)
	if failure != nil {
		log.FromContext(ctx).Error(failure, "writing ActiveConfigurations, going on with the others")
	} else if !done {
		return nil, errNewerVersion
	}
	r.Tracker.allocate(ctx, next)
	return next.Pools, nil
}

// Reconcile makes the next snapshot: it writes the ActiveConfigurations that follow from it, notifies those who depend on it, and
// writes the status of the objects.
func (r *Reconciler) Reconcile(ctx context.Context, _ ctrl.Request) (ctrl.Result, error) {
	if err := r.Gate.Wait(ctx); err != nil {
		return ctrl.Result{}, err
	}
	next, allowed, err := r.Tracker.next(ctx)
	if err != nil {
		return ctrl.Result{}, err
	}
	done, failure := r.activate(ctx, next.Changes, allowed)
	if failure == nil && !done {
		return ctrl.Result{RequeueAfter: retryAfter}, nil
	}
	// One that cannot be written keeps services from nothing that the others give them.
	r.Services.Add(r.Tracker.allocate(ctx, next)...)
	difference := r.Tracker.publish(next, allowed)
	if difference.Routes && r.Configured != nil {
		r.Configured()
	}
	for _, name := range difference.Pools {
		r.Pools.Add(types.NamespacedName{Namespace: r.Namespace, Name: name})
	}
	result, err := r.writeStatus(ctx, next)
	return result, errors.Join(failure, err)
}

// activate writes ActiveConfigurations, and reports whether it could: if not, and without an error, another version is there. It takes from
// the permissions those for changes that it could not write: they are needed once more.
func (r *Reconciler) activate(ctx context.Context, changes []config.ActiveChange, allowed notes) (done bool, err error) {
	done = true
	var failures []error
	for _, c := range changes {
		switch err := r.write(ctx, c); {
		case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err):
			done = false
			delete(allowed, keyOf(c))
		case apierrors.HasStatusCause(err, "NamespaceTerminating"):
			// Everything here is on its way out.
		case err != nil:
			failures = append(failures, err)
			delete(allowed, keyOf(c))
		}
	}
	return done, errors.Join(failures...)
}

// keyOf returns the key of the object whose ActiveConfiguration changes.
func keyOf(c config.ActiveChange) active.Key {
	if c.New != nil {
		return active.KeyOfActive(c.New)
	}
	return active.KeyOfActive(c.Old)
}

func (r *Reconciler) write(ctx context.Context, c config.ActiveChange) error {
	logger := log.FromContext(ctx)
	switch {
	case c.New == nil:
		logger.Info("no longer using a configuration object", "kind", c.Old.Spec.Kind, "name", c.Old.Spec.Name)
		// Another leader may have found another version of the object worth using, in this moment.
		uid, version := c.Old.UID, c.Old.ResourceVersion
		return client.IgnoreNotFound(r.Client.Delete(ctx, c.Old, client.Preconditions{UID: &uid, ResourceVersion: &version}))
	case c.Old == nil:
		logger.Info("using a configuration object", "kind", c.New.Spec.Kind, "name", c.New.Spec.Name, "generation", c.New.Spec.Generation)
		return r.Client.Create(ctx, c.New)
	}
	if held := c.New.Status; held.Held && held != c.Old.Status {
		logger.Info("holding a configuration object back", "kind", c.New.Spec.Kind, "name", c.New.Spec.Name, "reason", held.Reason, "message", held.Message)
	} else {
		logger.Info("using a configuration object", "kind", c.New.Spec.Kind, "name", c.New.Spec.Name, "generation", c.New.Spec.Generation)
	}
	if err := r.Client.Update(ctx, c.New); err != nil {
		return fmt.Errorf("updating ActiveConfiguration %q: %w", c.New.Name, err)
	}
	return nil
}
