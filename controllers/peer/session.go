// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"metallb.io/metallb/api/v1beta1"
)

// +kubebuilder:rbac:groups=metallb.io,resources=bgpsessionstates/status,verbs=patch,namespace=metallb-system

// graceTime is how long the pod of a speaker may not run before its sessions are not believed any more: one that is restarted
// or replaced is back sooner, and then says itself what has become of them.
const graceTime = 10 * time.Second

// sessionReconciler sets sessions to Unknown whose node is not ready or is gone, or whose speaker does not run: nobody may be able
// to say anything. The speaker is silent while its node is not ready, and puts it right afterwards.
type sessionReconciler struct {
	client client.Client
	clock  clock.PassiveClock
	feed   *feed
	// silent is since when the pod of a session is known not to run. One goroutine reconciles.
	silent map[types.NamespacedName]silence
}

// silence of a pod.
type silence struct {
	pod   string
	since time.Time
}

func (r *sessionReconciler) setupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("session").
		WatchesRawSource(r.feed.sessions.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: 1}).
		Complete(r)
}

// Reconcile looks at one session.
func (r *sessionReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	s := &v1beta1.BGPSessionState{}
	if err := r.client.Get(ctx, req.NamespacedName, s); err != nil {
		delete(r.silent, req.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if s.Status.Node == "" || s.Status.State == v1beta1.SessionUnknown {
		delete(r.silent, req.NamespacedName)
		return ctrl.Result{}, nil
	}
	why, err := r.withoutNode(ctx, s)
	if err != nil {
		return ctrl.Result{}, err
	}
	if why == "" {
		var wait time.Duration
		if why, wait, err = r.withoutPod(ctx, s); err != nil || why == "" || wait > 0 {
			return ctrl.Result{RequeueAfter: wait}, err
		}
	}
	return ctrl.Result{}, r.doubt(ctx, s, why)
}

// withoutNode says why the session's node can not be believed; empty if it can.
func (r *sessionReconciler) withoutNode(ctx context.Context, s *v1beta1.BGPSessionState) (why string, err error) {
	n := &corev1.Node{}
	err = r.client.Get(ctx, types.NamespacedName{Name: s.Status.Node}, n)
	switch {
	case apierrors.IsNotFound(err):
		return noSuchNode, nil
	case err != nil:
		return "", fmt.Errorf("reading the session's node: %w", err)
	case !ready(n):
		return notReady, nil
	default:
		return "", nil
	}
}

// withoutPod says why the session's speaker can not be believed, and how long it still is; empty if it runs, or is in no pod.
func (r *sessionReconciler) withoutPod(ctx context.Context, s *v1beta1.BGPSessionState) (why string, wait time.Duration, err error) {
	key := client.ObjectKeyFromObject(s)
	if s.Status.Pod == "" {
		delete(r.silent, key)
		return "", 0, nil
	}
	p := &corev1.Pod{}
	err = r.client.Get(ctx, types.NamespacedName{Namespace: s.Namespace, Name: s.Status.Pod}, p)
	switch {
	case apierrors.IsNotFound(err):
		why = noSpeaker
	case err != nil:
		return "", 0, fmt.Errorf("reading the speaker's pod: %w", err)
	case runs(p):
		delete(r.silent, key)
		return "", 0, nil
	default:
		why = speakerDown
	}
	now := r.clock.Now()
	if r.silent[key].pod != s.Status.Pod {
		if r.silent == nil {
			r.silent = map[types.NamespacedName]silence{}
		}
		r.silent[key] = silence{pod: s.Status.Pod, since: now}
	}
	return why, max(0, r.silent[key].since.Add(graceTime).Sub(now)), nil
}

// doubt says that nothing is known of the session.
func (r *sessionReconciler) doubt(ctx context.Context, s *v1beta1.BGPSessionState, why string) error {
	unknown := s.DeepCopy()
	since := metav1.NewTime(r.clock.Now())
	unknown.Status = v1beta1.BGPSessionStateStatus{
		Node: s.Status.Node, Peer: s.Status.Peer, Address: s.Status.Address, State: v1beta1.SessionUnknown, Since: &since,
		LastError: why, LastErrorTime: &since, LocalRouterID: s.Status.LocalRouterID,
	}
	err := r.client.Status().Patch(ctx, unknown, client.MergeFromWithOptions(s, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil // A newer version is on its way here.
	}
	if err != nil {
		return fmt.Errorf("writing the session's state: %w", err)
	}
	return nil
}
