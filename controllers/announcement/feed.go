// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/informer"
	"metallb.io/metallb/controllers/trigger"
)

// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list;watch

// Feed sets on a Tracker what there is, and has looked at in time what is due. It is to be started by a manager, on the leader.
type Feed struct {
	Tracker *Tracker
	// Assignments are the services.
	Assignments *assignment.Feed
	// Cache has the others.
	Cache cache.Informers
	Clock clock.WithTicker
	// Namespace of the advertisements.
	Namespace string
	// Services and Advertisements are the queues of what is due.
	Services, Advertisements *trigger.Queue
}

// NeedLeaderElection makes the manager start the Feed on the leader only: others need not even watch EndpointSlices.
func (f *Feed) NeedLeaderElection() bool { return true }

// Start feeds the Tracker until the context ends.
func (f *Feed) Start(ctx context.Context) error {
	synced := []toolscache.DoneChecker{f.Assignments}
	for _, kind := range []struct {
		object      client.Object
		set, remove func(any)
	}{
		{&corev1.Node{}, f.setNode, f.removeNode},
		{&v1beta1.BGPSessionState{}, f.setSession, f.removeSession},
		{&discoveryv1.EndpointSlice{}, f.setSlice, f.removeSlice},
	} {
		followed, err := informer.Get(ctx, f.Cache, kind.object)
		if err != nil {
			return nil // It was stopped before the API server was there, which is no failure.
		}
		registration, err := followed.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc: kind.set,
			UpdateFunc: func(before, object any) {
				if another(before, object) {
					kind.remove(before)
				}
				kind.set(object)
			},
			DeleteFunc: kind.remove,
		})
		if err != nil {
			return fmt.Errorf("watching %T: %w", kind.object, err)
		}
		synced = append(synced, registration.HasSyncedChecker())
	}
	defer f.Assignments.Index.Follow(f.Tracker.SetService)()
	if !toolscache.WaitFor(ctx, "", synced...) {
		return nil
	}
	f.Tracker.Complete()
	f.run(ctx)
	return nil
}

// run has looked at what is due, until the context ends.
func (f *Feed) run(ctx context.Context) {
	ticker := f.Clock.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
		services, advertisements := f.Tracker.Turn(f.Clock.Now())
		f.Services.Add(services...)
		for _, name := range advertisements {
			f.Advertisements.Add(types.NamespacedName{Namespace: f.Namespace, Name: name})
		}
	}
}

func (f *Feed) setSlice(object any) {
	if slice, ok := object.(*discoveryv1.EndpointSlice); ok {
		f.Tracker.SetEndpointSlice(slice)
	}
}

func (f *Feed) removeSlice(object any) {
	if tombstone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		object = tombstone.Obj
	}
	if slice, ok := object.(*discoveryv1.EndpointSlice); ok {
		f.Tracker.DeleteEndpointSlice(slice)
	}
}

// another reports whether the slice is of another service than before.
func another(before, object any) bool {
	was, ok := before.(*discoveryv1.EndpointSlice)
	is, alike := object.(*discoveryv1.EndpointSlice)
	return ok && alike && serviceOf(was) != serviceOf(is)
}

func (f *Feed) setSession(object any) {
	if s, ok := object.(*v1beta1.BGPSessionState); ok {
		f.Tracker.SetSession(s.Name, &s.Status)
	}
}

func (f *Feed) removeSession(object any) {
	if name, err := toolscache.DeletionHandlingObjectToName(object); err == nil {
		f.Tracker.SetSession(name.Name, nil)
	}
}

func (f *Feed) setNode(object any) {
	if n, ok := object.(*corev1.Node); ok {
		f.Tracker.SetNode(n.Name, slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeNetworkUnavailable && c.Status == corev1.ConditionTrue
		}))
	}
}

func (f *Feed) removeNode(object any) {
	if name, err := toolscache.DeletionHandlingObjectToName(object); err == nil {
		f.Tracker.SetNode(name.Name, false)
	}
}
