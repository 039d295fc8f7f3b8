// SPDX-License-Identifier: Apache-2.0

package configuration

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/listing"
	"metallb.io/metallb/internal/active"
)

// Assignments are the addresses that services hold.
type Assignments interface {
	config.Holdings
	// DoneChecker is done when they are all known.
	toolscache.DoneChecker
}

// notes are the numbers of notes of objects.
type notes map[active.Key]int

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
	// allowed are objects of which a change was noted that an operator allows to disrupt services, until it has gone into a
	// snapshot, with the number of the note: one that comes while a snapshot is made is for the next.
	allowed notes
	noted   int
	// allocated has the pools that the allocator has; nil if it has none yet.
	allocated *config.Snapshot
	// asked is set by the first attempt to make a snapshot.
	asked bool
}

// NewTracker returns a Tracker of the configuration in the namespace. The live reader reads from the API server itself: a cache
// that is behind would undo what a former leader did. The cached one reads Nodes and Namespaces.
func NewTracker(live, cached client.Reader, namespace string, assigned Assignments, a *allocator.Allocator, p *config.Parser) *Tracker {
	return &Tracker{live: live, cached: cached, namespace: namespace, assignments: assigned, allocator: a, parser: p, allowed: notes{}}
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

// next makes the snapshot that follows from what the API server has now. It returns the permissions that went into it as well.
func (t *Tracker) next(ctx context.Context) (*config.Snapshot, notes, error) {
	allowed := t.start()
	// Before all holdings are known, a change that takes a route away could not be told from one that does not.
	if !toolscache.WaitFor(ctx, "", t.assignments) {
		return nil, nil, fmt.Errorf("waiting for the services: %w", ctx.Err())
	}
	written, err := listing.Configuration(ctx, t.live, t.namespace)
	if err != nil {
		return nil, nil, err
	}
	inUse, err := listing.Active(ctx, t.live, t.namespace)
	if err != nil {
		return nil, nil, err
	}
	nodes, err := listing.Nodes(ctx, t.cached)
	if err != nil {
		return nil, nil, err
	}
	next := config.Next(config.Inputs{
		Written: written, Active: inUse, Allowed: allowed.keys(),
		State: config.ClusterState{Holdings: t.assignments, NamespaceLabels: listing.NamespaceLabels(ctx, t.cached), Nodes: nodes},
	}, t.parser)
	return next, allowed, nil
}

func (n notes) keys() map[active.Key]bool {
	keys := make(map[active.Key]bool, len(n))
	for key := range n {
		keys[key] = true
	}
	return keys
}

func (t *Tracker) start() notes {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = true
	return maps.Clone(t.allowed)
}

// allocate gives the allocator the pools of the snapshot, unless it has them. It returns the services that are concerned.
func (t *Tracker) allocate(ctx context.Context, s *config.Snapshot) []types.NamespacedName {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.allocated != nil && s.AllocatesAs(t.allocated) {
		return nil
	}
	t.allocated = s
	pools := make([]string, 0, len(s.Pools))
	for i := range s.Pools {
		pools = append(pools, s.Pools[i].Name)
	}
	log.FromContext(ctx).Info("using pools", "pools", slices.Sorted(slices.Values(pools)))
	return t.allocator.SetPools(s.Pools, s.Abandoned...)
}

// publish makes the snapshot the current one, which the notes have gone into, and returns how it differs from the one before.
func (t *Tracker) publish(s *config.Snapshot, used notes) config.Difference {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, number := range used {
		if t.allowed[key] == number {
			delete(t.allowed, key)
		}
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
	t.noted++
	t.allowed[active.KeyOf(before)] = t.noted
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

// State tells how the configuration is. A replica that is not the leader has not asked for it.
func (t *Tracker) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := State{Asked: t.asked, Loaded: t.allocated != nil}
	if t.current != nil {
		s.Deviating, s.Held = t.current.Deviating, t.current.Held
	}
	return s
}

// State is whether the configuration was asked for, whether it was loaded at least once, which objects are not in use as written
// and why, and how many are in use in another version.
type State struct {
	Asked, Loaded bool
	Deviating     map[active.Key]string
	Held          int
}
