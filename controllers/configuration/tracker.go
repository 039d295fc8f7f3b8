// SPDX-License-Identifier: Apache-2.0

package configuration

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/active"
)

// Assignments are the addresses that services hold.
type Assignments interface {
	config.Holdings
	// Synced reports whether they are all known.
	Synced() bool
}

// Tracker has the snapshot of the configuration in use. It is safe for concurrent use.
type Tracker struct {
	live, cached client.Reader
	namespace    string
	assignments  Assignments
	allocator    *allocator.Allocator
	parser       *config.Parser

	mu sync.Mutex
	// current is nil until the first snapshot is published.
	current *config.Snapshot
	// allowed are objects of which the last version that was seen allows disruption, until the next snapshot.
	allowed map[active.Key]bool
	// pools and abandoned are what the allocator has.
	pools     ipam.Pools
	abandoned []string
	// asked is set by the first attempt to make a snapshot, loaded by the first success.
	asked, loaded bool
}

// NewTracker returns a Tracker of the configuration in the namespace. The live reader reads from the API server itself: a cache
// that is behind would undo what a former leader did. The cached one reads Nodes and Namespaces.
func NewTracker(live, cached client.Reader, namespace string, assigned Assignments, a *allocator.Allocator, p *config.Parser) *Tracker {
	return &Tracker{live: live, cached: cached, namespace: namespace, assignments: assigned, allocator: a, parser: p, allowed: map[active.Key]bool{}}
}

// Snapshot returns the current snapshot; nil before the first.
func (t *Tracker) Snapshot() *config.Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current
}

// Routes returns the routes of the configuration in use; nil before the first snapshot.
func (t *Tracker) Routes() *config.Routes {
	if s := t.Snapshot(); s != nil {
		return s.Routes
	}
	return nil
}

// Load gives the allocator the pools in use, and returns them.
func (t *Tracker) Load(ctx context.Context) (ipam.Pools, error) {
	next, _, err := t.next(ctx)
	if err != nil {
		return nil, err
	}
	t.allocate(ctx, next)
	return next.Pools, nil
}

// next makes the snapshot that follows from what the API server has now. It returns the permissions that went into it as well.
func (t *Tracker) next(ctx context.Context) (*config.Snapshot, map[active.Key]bool, error) {
	allowed := t.start()
	// Before all holdings are known, a change that takes a route away could not be distinguished from one that does not.
	err := wait.PollUntilContextCancel(ctx, 10*time.Millisecond, true, func(context.Context) (bool, error) { return t.assignments.Synced(), nil })
	if err != nil {
		return nil, nil, fmt.Errorf("waiting for the services: %w", err)
	}
	written, err := Read(ctx, t.live, t.namespace)
	if err != nil {
		return nil, nil, err
	}
	var inUse v1beta1.ActiveConfigurationList
	if err := t.live.List(ctx, &inUse, client.InNamespace(t.namespace)); err != nil {
		return nil, nil, fmt.Errorf("listing the configuration in use: %w", err)
	}
	nodes, err := Nodes(ctx, t.cached)
	if err != nil {
		return nil, nil, err
	}
	next := config.Next(config.Inputs{
		Written: written, Active: inUse.Items, Allowed: allowed,
		State: config.ClusterState{Holdings: t.assignments, NamespaceLabels: namespaceLabels(ctx, t.cached), Nodes: nodes},
	}, t.parser)
	return next, allowed, nil
}

func (t *Tracker) start() map[active.Key]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = true
	return maps.Clone(t.allowed)
}

// allocate gives the allocator the pools of the snapshot, unless it has them. It returns the services that are concerned.
func (t *Tracker) allocate(ctx context.Context, s *config.Snapshot) []types.NamespacedName {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.loaded && reflect.DeepEqual(s.Pools, t.pools) && slices.Equal(s.Abandoned, t.abandoned) {
		return nil
	}
	t.pools, t.abandoned, t.loaded = s.Pools, s.Abandoned, true
	pools := make([]string, 0, len(s.Pools))
	for i := range s.Pools {
		pools = append(pools, s.Pools[i].Name)
	}
	log.FromContext(ctx).Info("using pools", "pools", slices.Sorted(slices.Values(pools)))
	return t.allocator.SetPools(s.Pools, s.Abandoned...)
}

// publish makes the snapshot the current one, and returns how it differs from the one before.
func (t *Tracker) publish(s *config.Snapshot, used map[active.Key]bool) config.Difference {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range used {
		delete(t.allowed, key)
	}
	d := s.Since(t.current)
	t.current = s
	return d
}

// Note takes note of a change of an object, or of its deletion if nothing comes after. That an operator allowed disruption is to
// be seen in no list if the object is gone, or has changed again.
func (t *Tracker) Note(before, after client.Object) {
	if !permits(before, after) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.allowed[active.KeyOf(before)] = true
}

// permits reports whether the change, or the deletion if nothing comes after, is made by an operator who allows disruption: in
// the version before or after. To take the permission back is no change to allow it for.
func permits(before, after client.Object) bool {
	allowed := v1beta1.AllowsDisruption(before)
	if after == nil {
		return allowed
	}
	allows := v1beta1.AllowsDisruption(after)
	same := before.GetUID() == after.GetUID() && before.GetGeneration() == after.GetGeneration() && maps.Equal(before.GetLabels(), after.GetLabels())
	return allows && !allowed || allowed && !same
}

// State returns how the configuration is. A replica that is not the leader has not asked for it.
func (t *Tracker) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := State{Asked: t.asked, Loaded: t.loaded}
	if t.current != nil {
		s.Stale, s.Held = t.current.Invalid(), t.current.Held
	}
	return s
}

// State is whether the configuration was asked for, whether it was loaded at least once, whether an object is not in use as
// written, and how many are in use in another version.
type State struct {
	Asked, Loaded, Stale bool
	Held                 int
}

// namespaceLabels returns a function that reads each namespace once.
func namespaceLabels(ctx context.Context, reader client.Reader) func(string) labels.Set {
	known := map[string]labels.Set{}
	return func(name string) labels.Set {
		found, ok := known[name]
		if ok {
			return found
		}
		namespace := &corev1.Namespace{}
		// One that is younger than its services, or gone before them, is not in the cache.
		if err := reader.Get(ctx, types.NamespacedName{Name: name}, namespace); err == nil {
			found = namespace.Labels
		}
		known[name] = found
		return found
	}
}
