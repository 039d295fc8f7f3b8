// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/status"
)

// StateObserver gets what must be known of the node to report how its sessions fare.
type StateObserver interface {
	// Situate must not block.
	Situate(nodeState status.Situation)
}

// nodeState puts together what two reconcilers know of the node.
type nodeState struct {
	// observer may be nil.
	observer StateObserver

	mu         sync.Mutex
	current    status.Situation
	configured bool
}

// configure takes note of what the policy withholds: peers, and families.
func (s *nodeState) configure(p *policy.Policy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.configured, s.current.Refused, s.current.Withheld = true, refusals(p), p.ProxyPending
	if p.Drained {
		s.current.Withheld = endpoint.FamilySet{true, true}
	}
	s.report()
}

// drain takes note of how far the node is that drains.
func (s *nodeState) drain(d status.Drain) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.Drain = d
	s.report()
}

// observe takes note of the node.
func (s *nodeState) observe(n *corev1.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.Node, s.current.Ready = n.UID, ready(n)
	s.report()
}

// report passes the state on to the observer once all is known.
func (s *nodeState) report() {
	if s.observer != nil && s.configured && s.current.Node != "" {
		s.observer.Situate(s.current)
	}
}

// ready reports whether nobody says that the node is not. Of a node that has just been made nobody says anything.
func ready(n *corev1.Node) bool {
	return !slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue
	})
}

// refusals are what is told of peers that the node does not connect to.
func refusals(p *policy.Policy) []status.Refusal {
	told := make([]status.Refusal, 0, len(p.Refused))
	for _, r := range p.Refused {
		refusal := status.Refusal{Peer: r.Peer, Reason: r.Reason}
		if r.Address.IsValid() {
			refusal.Address = r.Address.String()
		}
		told = append(told, refusal)
	}
	return told
}

// StateReconciler keeps the state as the node is.
type StateReconciler struct {
	Client  client.Reader
	Speaker *Speaker
}

// Reconcile looks at the node. That it is gone is no news: what is reported of its sessions goes with it.
func (r *StateReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var node corev1.Node
	if err := r.Client.Get(ctx, req.NamespacedName, &node); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("reading node %s: %w", req.Name, err)
	} else if err == nil {
		r.Speaker.nodeState.observe(&node)
	}
	return ctrl.Result{}, nil
}

// SetupWithManager makes the manager run the reconciler.
func (r *StateReconciler) SetupWithManager(mgr ctrl.Manager) error {
	readiness := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, after, ok := nodes(e)
		return !ok || before.UID != after.UID || ready(before) != ready(after)
	}}
	return ctrl.NewControllerManagedBy(mgr).
		Named("nodestate").
		WithLogConstructor(logConstructor(mgr, "nodestate")).
		Watches(&corev1.Node{}, &handler.EnqueueRequestForObject{}, builder.WithPredicates(readiness)).
		Complete(r)
}

// nodeChanged lets updates of the node pass that change what announcing depends on: whether it is ready is not of that.
func nodeChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, after, ok := nodes(e)
		if !ok {
			return true
		}
		before, after = before.DeepCopy(), after.DeepCopy()
		before.ResourceVersion = after.ResourceVersion
		for _, n := range []*corev1.Node{before, after} {
			n.Status.Conditions = slices.DeleteFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == corev1.NodeReady })
		}
		return !equality.Semantic.DeepEqual(before, after)
	}}
}

func nodes(e event.UpdateEvent) (before, after *corev1.Node, ok bool) {
	before, was := e.ObjectOld.(*corev1.Node)
	after, is := e.ObjectNew.(*corev1.Node)
	return before, after, was && is
}
