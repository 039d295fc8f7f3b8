// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

const (
	// settleTime is how long after a change the peer is looked at: what changes together is written together.
	settleTime = time.Second
	// writeTime is the least time between two writes of a peer's status for each session that there should be. All speakers
	// watch BGPPeers, so that with many nodes a write costs more, and there is more to write.
	writeTime = 2 * time.Millisecond
	// retryAfter is how long to wait for the newer version of an object that could not be written. It may differ in what makes
	// no difference here, so that nothing but time tells of it.
	retryAfter = 200 * time.Millisecond
)

type queue = workqueue.TypedRateLimitingInterface[ctrl.Request]

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

	mu sync.Mutex
	// next is the earliest time of the next write, by peer.
	next map[string]time.Time
	// outages by peer.
	outages map[string]*outage
}

// SetupWithManager registers the reconciler, and that of abandoned sessions.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	if err := (&abandoned{client: r.Client, namespace: r.Namespace, clock: r.Clock}).setupWithManager(mgr); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("peer").
		Watches(&v1beta2.BGPPeer{}, settled(r.itself), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1beta1.BGPSessionState{}, settled(r.ofState)).
		Watches(&corev1.Node{}, settled(r.all), builder.WithPredicates(predicate.Funcs{UpdateFunc: nodeChanged})).
		Complete(r)
}

// settled has the requests of an object made some time after it has changed.
func settled(of func(context.Context, client.Object) []ctrl.Request) handler.EventHandler {
	add := func(ctx context.Context, o client.Object, q queue) {
		for _, req := range of(ctx, o) {
			q.AddAfter(req, settleTime)
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) { add(ctx, e.Object, q) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { add(ctx, e.Object, q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			add(ctx, e.ObjectOld, q)
			add(ctx, e.ObjectNew, q)
		},
	}
}

func (*Reconciler) itself(_ context.Context, o client.Object) []ctrl.Request {
	return []ctrl.Request{{NamespacedName: client.ObjectKeyFromObject(o)}}
}

func (*Reconciler) ofState(_ context.Context, o client.Object) []ctrl.Request {
	s, ok := o.(*v1beta1.BGPSessionState)
	if !ok || s.Status.Peer == "" {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: s.Namespace, Name: s.Status.Peer}}}
}

func (r *Reconciler) all(ctx context.Context, _ client.Object) []ctrl.Request {
	list := &v1beta2.BGPPeerList{}
	if err := r.Client.List(ctx, list, client.InNamespace(r.Namespace)); err != nil {
		return nil // A cache that is there does not fail; each peer has been looked at if it was not.
	}
	requests := make([]ctrl.Request, 0, len(list.Items))
	for i := range list.Items {
		requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}

// nodeChanged reports whether the node is another, is selected by other peers, or has become ready or ceased to be.
func nodeChanged(e event.UpdateEvent) bool {
	before, was := e.ObjectOld.(*corev1.Node)
	after, is := e.ObjectNew.(*corev1.Node)
	return was && is && (before.UID != after.UID || ready(before) != ready(after) || !maps.Equal(before.Labels, after.Labels))
}

// Reconcile writes the status of one peer if it has changed, and sends the events that are due.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	p := &v1beta2.BGPPeer{}
	if err := r.Client.Get(ctx, req.NamespacedName, p); apierrors.IsNotFound(err) {
		r.forget(req.Name)
		r.forgetOutage(req.Name)
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading the peer: %w", err)
	}
	s, err := r.summarize(ctx, p)
	if err != nil {
		return ctrl.Result{}, err
	}
	desired := p.DeepCopy()
	s.put(&desired.Status)
	meta.SetStatusCondition(&desired.Status.Conditions, s.condition(p.Generation))
	wait := r.tell(p, s)
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

// tell sends the event that is due, and returns how long until there may be another; 0 if that depends on others.
func (r *Reconciler) tell(p *v1beta2.BGPPeer, s summary) time.Duration {
	now := r.Clock.Now()
	o := r.outage(p, now)
	kind, wait := o.observe(s, now)
	if kind != "" {
		c := s.condition(p.Generation)
		r.Recorder.Eventf(p, nil, kind, c.Reason, actionConnect, "%s", c.Message)
	}
	return wait
}

// outage returns what is remembered of the peer. Requests of one peer are not worked on side by side.
func (r *Reconciler) outage(p *v1beta2.BGPPeer, now time.Time) *outage {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.outages[p.Name]
	if o == nil {
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
	if early := r.tooEarly(p.Name, sessions); early > 0 {
		return early, nil
	}
	// Conditions are written as a list, which must not take back what others wrote meanwhile.
	switch err := r.Client.Status().Patch(ctx, desired, client.MergeFromWithOptions(p, client.MergeFromWithOptimisticLock{})); {
	case apierrors.IsNotFound(err):
		return 0, nil
	case apierrors.IsConflict(err):
		r.forget(p.Name)
		return retryAfter, nil
	case err != nil:
		return 0, fmt.Errorf("writing the peer's status: %w", err)
	}
	return 0, nil
}

func (r *Reconciler) summarize(ctx context.Context, p *v1beta2.BGPPeer) (summary, error) {
	states, err := statesOf(ctx, r.Client, p.Namespace, func(s *v1beta1.BGPSessionStateStatus) bool { return s.Peer == p.Name })
	if err != nil {
		return summary{}, err
	}
	list := &corev1.NodeList{}
	if err := r.Client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return summary{}, fmt.Errorf("listing nodes: %w", err)
	}
	nodes := make([]node, 0, len(list.Items))
	for i := range list.Items {
		nodes = append(nodes, nodeOf(&list.Items[i]))
	}
	return summarize(p, nodes, states), nil
}

// statesOf returns the states that match. They belong to the cache, which has no index: one that is made before a manager starts
// keeps it from stopping until the cache is filled.
func statesOf(ctx context.Context, reader client.Reader, namespace string, match func(*v1beta1.BGPSessionStateStatus) bool) ([]v1beta1.BGPSessionState, error) {
	list := &v1beta1.BGPSessionStateList{}
	if err := reader.List(ctx, list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the states of sessions: %w", err)
	}
	return slices.DeleteFunc(list.Items, func(s v1beta1.BGPSessionState) bool { return !match(&s.Status) }), nil
}

// tooEarly returns how long to wait before the status of the peer may be written; 0 if it is written now.
func (r *Reconciler) tooEarly(name string, sessions int) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.Clock.Now()
	if next := r.next[name]; next.After(now) {
		return next.Sub(now)
	}
	if r.next == nil {
		r.next = map[string]time.Time{}
	}
	r.next[name] = now.Add(max(settleTime, time.Duration(sessions)*writeTime))
	return 0
}

// forget lets the status of the peer be written at once.
func (r *Reconciler) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.next, name)
}

// forgetOutage is for a peer that is gone.
func (r *Reconciler) forgetOutage(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.outages, name)
}
