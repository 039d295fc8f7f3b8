// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/listing"
	"metallb.io/metallb/controllers/trigger"
)

// PoolLoader gives the allocator its pools.
type PoolLoader interface {
	// Load gives the present pools to the allocator and returns them.
	Load(ctx context.Context) (ipam.Pools, error)
}

// Hydration replays to the allocator, once, when this process has become the leader, what all Services hold. Reconcilers
// wait for it.
type Hydration struct {
	// Takeover makes writes of a former leader fail before this one gives any address; nil if there was none.
	Takeover *Takeover

	reader    client.Reader
	allocator *allocator.Allocator
	pools     PoolLoader
	class     string
	services  *trigger.Queue
	done      chan struct{}
	replayed  versions
	// backlog are the names of the Services that had their addresses when this controller became the active one. Each is looked at once
	// for that, and nothing is likely to come of it: those that are new wait for none of them.
	backlog sync.Map
}

// NewHydration returns a Hydration that is to be started by a manager.
//
// The reader reads from the API server itself: what a former leader wrote a moment ago must not be missed. The class is
// that of the Reconciler, and the queue is its own: what was replayed is added to it, since one of the Services may go
// before the cache has seen it.
func NewHydration(reader client.Reader, a *allocator.Allocator, pools PoolLoader, class string, services *trigger.Queue) *Hydration {
	return &Hydration{
		reader: reader, allocator: a, pools: pools, class: class, services: services,
		done: make(chan struct{}),
	}
}

// Wait returns when the allocator knows what all Services hold, or with the context's error.
func (h *Hydration) Wait(ctx context.Context) error {
	select {
	case <-h.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Done reports whether the allocator knows what all Services hold.
func (h *Hydration) Done() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

// NeedLeaderElection makes the manager start the Hydration on the leader only.
func (h *Hydration) NeedLeaderElection() bool { return true }

// Start replays, trying again until it works out.
func (h *Hydration) Start(ctx context.Context) error {
	logger := log.FromContext(ctx).WithName("hydration")
	backoff := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Steps: 8, Cap: 10 * time.Second}
	for {
		err := h.replay(ctx)
		if err == nil {
			close(h.done)
			h.services.Add(h.allocator.Services()...)
			if err := h.seekTraces(ctx); err != nil && ctx.Err() == nil {
				logger.Error(err, "looking for services that ceased to be of type LoadBalancer while no controller was active")
			}
			return nil
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // stopped before it was done, which is no failure
		}
		logger.Error(err, "replaying the addresses that services hold, trying again")
		select {
		case <-ctx.Done():
		case <-time.After(backoff.Step()):
		}
	}
}

func (h *Hydration) replay(ctx context.Context) error {
	pools, err := h.pools.Load(ctx)
	if err != nil {
		return fmt.Errorf("loading pools: %w", err)
	}
	services, err := h.listServices(ctx)
	if err != nil {
		return err
	}
	// Each of them has its namespace among these, unless that is gone.
	namespaces, err := h.namespaceLabels(ctx)
	if err != nil {
		return err
	}
	for i := range services {
		h.replayed.add(&services[i])
		if len(services[i].Status.LoadBalancer.Ingress) > 0 {
			h.backlog.Store(client.ObjectKeyFromObject(&services[i]), nil)
		}
	}
	requests, held := assignment.Replay(h.allocator, services, namespaces, pools)
	// What services get, or have to move to, depends on their age, and not on who is looked at first.
	for _, request := range requests {
		h.allocator.Allocate(request)
	}
	if err := h.takeOver(ctx, services, namespaces); err != nil {
		return err
	}
	log.FromContext(ctx).Info("replayed the addresses that services hold", "services", held, "pending", len(services)-held)
	return nil
}

// listServices returns the Services of the class.
func (h *Hydration) listServices(ctx context.Context) ([]corev1.Service, error) {
	var found []corev1.Service
	err := listing.Pages(ctx, h.reader, "services", &corev1.ServiceList{}, func(list *corev1.ServiceList) {
		for i := range list.Items {
			switch svc := &list.Items[i]; {
			case assignment.Served(svc, h.class):
				svc.ManagedFields = nil
				found = append(found, *svc)
			case hasTraces(svc):
				// They are another load balancer's, or left of a time before it had this class: seekTraces does not see those, nor
				// may the cache before the type changes.
				h.services.Add(client.ObjectKeyFromObject(svc))
			}
		}
	}, client.MatchingFields{"spec.type": string(corev1.ServiceTypeLoadBalancer)})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// seekTraces has the Services looked at that ceased to be of type LoadBalancer while no controller was active: the cache does not
// have them, and what was written to them would stay there for good.
func (h *Hydration) seekTraces(ctx context.Context) error {
	others := fields.OneTermNotEqualSelector("spec.type", string(corev1.ServiceTypeLoadBalancer))
	return listing.Pages(ctx, h.reader, "services of other types", &corev1.ServiceList{}, func(list *corev1.ServiceList) {
		for i := range list.Items {
			if hasTraces(&list.Items[i]) {
				h.services.Add(client.ObjectKeyFromObject(&list.Items[i]))
			}
		}
	}, client.MatchingFieldsSelector{Selector: others})
}

func (h *Hydration) namespaceLabels(ctx context.Context) (map[string]labels.Set, error) {
	list := &corev1.NamespaceList{}
	if err := h.reader.List(ctx, list); err != nil {
		return nil, fmt.Errorf("listing namespaces: %w", err)
	}
	found := make(map[string]labels.Set, len(list.Items))
	for i := range list.Items {
		found[list.Items[i].Name] = list.Items[i].Labels
	}
	return found, nil
}
