// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"metallb.io/metallb/api/v1beta1"
)

// +kubebuilder:rbac:groups=metallb.io,resources=bgpsessionstates/status,verbs=patch,namespace=metallb-system

// abandoned says Unknown of sessions whose node is not ready or is gone: its speaker may not be able to say anything. The
// speaker is silent meanwhile, and puts it right when the node is ready again.
type abandoned struct {
	client    client.Client
	namespace string
	clock     clock.PassiveClock
}

func (r *abandoned) setupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("session").
		Watches(&v1beta1.BGPSessionState{}, settled(func(_ context.Context, o client.Object) []ctrl.Request {
			return []ctrl.Request{{NamespacedName: client.ObjectKeyFromObject(o)}}
		})).
		Watches(&corev1.Node{}, settled(r.ofNode), builder.WithPredicates(predicate.Funcs{UpdateFunc: nodeChanged})).
		Complete(r)
}

func (r *abandoned) ofNode(ctx context.Context, n client.Object) []ctrl.Request {
	states, err := statesOf(ctx, r.client, r.namespace, func(s *v1beta1.BGPSessionStateStatus) bool { return s.Node == n.GetName() })
	if err != nil {
		return nil // A cache that is there does not fail; each state has been looked at if it was not.
	}
	requests := make([]ctrl.Request, 0, len(states))
	for i := range states {
		requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&states[i])})
	}
	return requests
}

// Reconcile looks at one session.
func (r *abandoned) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	s := &v1beta1.BGPSessionState{}
	if err := r.client.Get(ctx, req.NamespacedName, s); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if s.Status.Node == "" || s.Status.State == v1beta1.SessionUnknown {
		return ctrl.Result{}, nil
	}
	n := &corev1.Node{}
	err := r.client.Get(ctx, types.NamespacedName{Name: s.Status.Node}, n)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("reading the session's node: %w", err)
	}
	why := notReady
	switch {
	case err != nil:
		why = noSuchNode
	case ready(n):
		return ctrl.Result{}, nil
	}
	unknown := s.DeepCopy()
	since := metav1.NewTime(r.clock.Now())
	unknown.Status = v1beta1.BGPSessionStateStatus{
		Node: s.Status.Node, Peer: s.Status.Peer, Address: s.Status.Address, State: v1beta1.SessionUnknown, Since: &since,
		LastError: why, LocalRouterID: s.Status.LocalRouterID,
	}
	err = r.client.Status().Patch(ctx, unknown, client.MergeFromWithOptions(s, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return ctrl.Result{}, nil // A newer version is on its way here.
	}
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("writing the session's state: %w", err)
	}
	return ctrl.Result{}, nil
}
