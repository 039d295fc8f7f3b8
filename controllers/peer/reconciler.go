// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/trigger"
)

const (
	// settleTime is how long after a change the peer is looked at: what changes together is written together.
	settleTime = time.Second
	// writeTime is the least time between two writes of a peer's status for each session that there should be. All speakers
	// watch BGPPeers, so that with many nodes a write costs more, and there is more to write.
	writeTime = 2 * time.Millisecond
	// retryAfter is how long to wait for the newer version of an object that could not be written. It may differ in what makes
	// no difference here, so that no event may come.
	retryAfter = 200 * time.Millisecond
)

// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups="",resources=nodes,verbs=list;watch
// +kubebuilder:rbac:groups=metallb.io,resources=bgppeers;bgpsessionstates,verbs=list;watch,namespace=metallb-system
// +kubebuilder:rbac:groups=metallb.io,resources=bgppeers/status,verbs=patch,namespace=metallb-system

// Reconciler keeps the condition Ready of BGPPeers, and the numbers that go with it. The condition Valid is somebody else's.
type Reconciler struct {
	Client   client.Client
	Recorder events.EventRecorder
	// Namespace of the objects.
	Namespace string
	Clock     clock.PassiveClock
	// Registerer takes the metrics.
	Registerer prometheus.Registerer

	feed *feed

	pace trigger.Pace
	// outages by peer. One goroutine reconciles.
	outages map[string]*outage
}

// SetupWithManager registers the reconciler and that of sessions, and what feeds them.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.feed = &feed{index: newIndex(r.Clock), caches: mgr.GetCache(), namespace: r.Namespace}
	if err := errors.Join(mgr.Add(r.feed), r.Registerer.Register(newCollector(r.feed))); err != nil {
		return err
	}
	if err := (&sessionReconciler{client: r.Client, clock: r.Clock, feed: r.feed}).setupWithManager(mgr); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("peer").
		WatchesRawSource(r.feed.peers.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: 1}).
		Complete(r)
}

// Reconcile writes the status of one peer if it has changed, and sends the events that are due.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	p := &v1beta2.BGPPeer{}
	if err := r.Client.Get(ctx, req.NamespacedName, p); apierrors.IsNotFound(err) {
		r.pace.Forget(req.NamespacedName)
		delete(r.outages, req.Name)
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading the peer: %w", err)
	}
	s, known := r.feed.summary(req.Name)
	if !known {
		return ctrl.Result{RequeueAfter: settleTime}, nil
	}
	desired := p.DeepCopy()
	s.put(&desired.Status)
	meta.SetStatusCondition(&desired.Status.Conditions, s.condition())
	wait := r.report(p, s)
	if !equality.Semantic.DeepEqual(p.Status, desired.Status) {
		again, err := r.write(ctx, p, desired, s.desired)
		if err != nil {
			return ctrl.Result{}, err
		}
		if again > 0 && (wait == 0 || again < wait) {
			wait = again
		}
	}
	return ctrl.Result{RequeueAfter: wait}, nil
}

// report sends the event that is due, and returns how long until there may be another; 0 if that depends on others.
func (r *Reconciler) report(p *v1beta2.BGPPeer, s summary) time.Duration {
	now := r.Clock.Now()
	o := r.outage(p, now)
	kind, wait := o.observe(s, now)
	if kind != "" {
		c := s.condition()
		r.Recorder.Eventf(p, nil, kind, c.Reason, actionConnect, "%s", c.Message)
	}
	return wait
}

// outage returns what is remembered of the peer.
func (r *Reconciler) outage(p *v1beta2.BGPPeer, now time.Time) *outage {
	o := r.outages[p.Name]
	if o == nil || o.uid != p.UID { // Another one of that name may be made before it is seen that the first is gone.
		if r.outages == nil {
			r.outages = map[string]*outage{}
		}
		o = newOutage(p, now)
		r.outages[p.Name] = o
	}
	return o
}

// write writes the status, and returns how long until that is to be tried again; 0 if it is done.
func (r *Reconciler) write(ctx context.Context, p, desired *v1beta2.BGPPeer, sessions int) (again time.Duration, err error) {
	name := client.ObjectKeyFromObject(p)
	if early := r.tooEarly(name, sessions); early > 0 {
		return early, nil
	}
	// Conditions are written as a list, which must not take back what others wrote meanwhile.
	switch err := r.Client.Status().Patch(ctx, desired, client.MergeFromWithOptions(p, client.MergeFromWithOptimisticLock{})); {
	case apierrors.IsNotFound(err):
		return 0, nil
	case apierrors.IsConflict(err):
		r.pace.Forget(name)
		return retryAfter, nil
	case err != nil:
		return 0, fmt.Errorf("writing the peer's status: %w", err)
	}
	return 0, nil
}

// tooEarly returns how long to wait before the status of the peer may be written; 0 if it is written now.
func (r *Reconciler) tooEarly(name types.NamespacedName, sessions int) time.Duration {
	now := r.Clock.Now()
	early := r.pace.TooEarly(name, now)
	if early > 0 {
		return early
	}
	r.pace.Until(name, now.Add(max(settleTime, time.Duration(sessions)*writeTime)))
	return 0
}
