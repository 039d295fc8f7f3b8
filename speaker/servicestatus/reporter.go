// SPDX-License-Identifier: Apache-2.0

package servicestatus

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/pace"
	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/speaker/status"
)

const (
	// writesPerSecond is how many objects are written, or deleted, in a second at most.
	writesPerSecond = 20
	// gatherTime is waited for more before what has changed is looked at.
	gatherTime = 100 * time.Millisecond
	// resyncTime is between readings of what the API server has, give or take the fraction pace.Deviation.
	resyncTime = 30 * time.Minute
)

// Store is where ServiceBGPStatuses are kept.
type Store interface {
	// List returns the node's objects.
	List(ctx context.Context) ([]v1beta1.ServiceBGPStatus, error)
	// Create makes an object without status for the service, named Name. It goes with the Node of that UID.
	Create(ctx context.Context, node types.UID, service types.NamespacedName) error
	// Write replaces the object's status.
	Write(ctx context.Context, name string, status *v1beta1.ServiceBGPStatusStatus) error
	// Delete deletes the object.
	Delete(ctx context.Context, name string) error
	// DeleteAll deletes all objects of the node, in one request.
	DeleteAll(ctx context.Context) error
}

// Options of a Reporter.
type Options struct {
	// Node is the name of the node.
	Node string
	// Sessions returns how the node's sessions fare.
	Sessions func() []session.State
	Store    Store
	Clock    clock.Clock
	// Random returns numbers from 0 to 1.
	Random func() float64
}

// Reporter writes the node's ServiceBGPStatuses. It is to be started once, and then to be shut down.
type Reporter struct {
	options Options
	// wake holds a token if there is something to look at.
	wake chan struct{}

	mu    sync.Mutex
	inbox inbox

	// running is held by who uses what follows: Start, then Shutdown.
	running sync.Mutex

	// node is the UID of the node's object, once it is known.
	node types.UID
	// complete is whether every service that is announced is in announced: the peers to be told, by service.
	complete  bool
	announced map[types.NamespacedName][]string
	sessions  map[string]condition
	// readDue is when the API server is to be asked next, readFailures how often it was so in vain. What it has is known once
	// it was.
	readDue      time.Time
	readFailures int
	known        bool
	records      map[types.NamespacedName]*record
	// dirty are the records that are to be written, and strays the names of objects that should not be there.
	dirty  map[types.NamespacedName]bool
	strays []string
	budget budget
}

// inbox is what has been told to the Reporter and not been looked at.
type inbox struct {
	node types.UID
	// situated is whether sessions may have come or gone, and changed are those that have changed.
	situated  bool
	changed   map[string]session.State
	announced map[types.NamespacedName][]string
	complete  bool
}

// condition is how a session fares. One that is untried has not been up, and has not failed.
type condition struct{ carries, untried bool }

// NewReporter returns a Reporter that waits for the node and its services.
func NewReporter(o Options) *Reporter {
	return &Reporter{
		options: o, wake: make(chan struct{}, 1), announced: map[types.NamespacedName][]string{},
		records: map[types.NamespacedName]*record{}, dirty: map[types.NamespacedName]bool{},
	}
}

// Observe tells how a session fares that has changed. It may be called from any goroutine, in order for the same session, and never
// blocks. A session that was not there when the node was last told of is left until it is.
func (r *Reporter) Observe(s session.State) {
	r.mu.Lock()
	if r.inbox.changed == nil {
		r.inbox.changed = map[string]session.State{}
	}
	r.inbox.changed[s.Peer] = s
	r.mu.Unlock()
	r.rouse()
}

// rouse has the inbox looked at.
func (r *Reporter) rouse() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Situate tells of the node, after its sessions are what they are to be. It may be called from any goroutine and never blocks.
func (r *Reporter) Situate(s status.Situation) {
	r.mu.Lock()
	r.inbox.node, r.inbox.situated = s.Node, true
	r.mu.Unlock()
	r.rouse()
}

// Announce tells which peers have been told of services; none if a service is not announced any more. The first call has
// all that are announced. It may be called from any goroutine and never blocks. The slices must not be changed afterwards.
func (r *Reporter) Announce(peers map[types.NamespacedName][]string) {
	r.mu.Lock()
	if r.inbox.announced == nil {
		r.inbox.announced = make(map[types.NamespacedName][]string, len(peers))
	}
	maps.Copy(r.inbox.announced, peers)
	r.inbox.complete = true
	r.mu.Unlock()
	r.rouse()
}

// Start writes until the context ends.
func (r *Reporter) Start(ctx context.Context) error {
	r.running.Lock()
	defer r.running.Unlock()
	for {
		next := r.step(ctx)
		if r.await(ctx, next) {
			// Many services may change at once, and what is to be written is looked through each time.
			next = r.options.Clock.Now().Add(gatherTime)
			r.sleep(ctx, next)
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// await waits until then, without end if that is zero, and reports whether somebody woke it.
func (r *Reporter) await(ctx context.Context, then time.Time) (woken bool) {
	var timer <-chan time.Time
	if !then.IsZero() {
		t := r.options.Clock.NewTimer(max(0, then.Sub(r.options.Clock.Now())))
		defer t.Stop()
		timer = t.C()
	}
	select {
	case <-ctx.Done():
	case <-timer:
	case <-r.wake:
		return true
	}
	return false
}

// sleep waits until then.
func (r *Reporter) sleep(ctx context.Context, then time.Time) {
	t := r.options.Clock.NewTimer(max(0, then.Sub(r.options.Clock.Now())))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C():
	}
}

// step does what is due and returns when something is next; zero if that depends on others.
func (r *Reporter) step(ctx context.Context) time.Time {
	now := r.options.Clock.Now()
	changed := r.empty(now)
	if r.node == "" || !r.complete {
		return time.Time{}
	}
	if !r.readDue.After(now) && r.read(ctx, now) {
		changed = r.everything()
	}
	if !r.known {
		return r.readDue
	}
	for service := range changed {
		r.look(now, service)
	}
	return r.flush(ctx, now)
}

// empty takes what is in the inbox, and returns the services in it.
func (r *Reporter) empty(now time.Time) map[types.NamespacedName]bool {
	r.mu.Lock()
	in := r.inbox
	r.inbox.announced, r.inbox.changed, r.inbox.situated = nil, nil, false
	r.mu.Unlock()
	if r.node != in.node {
		r.node, r.known, r.readDue = in.node, false, now
	}
	r.complete = in.complete
	changed := make(map[types.NamespacedName]bool, len(in.announced))
	for service, peers := range in.announced {
		changed[service] = true
		if r.announced[service] = peers; len(peers) == 0 {
			delete(r.announced, service)
		}
	}
	others := r.observeSessions(&in)
	if !r.known {
		return nil // All will be looked at when it is.
	}
	for service, peers := range r.announced {
		if slices.ContainsFunc(peers, func(peer string) bool { return others[peer] }) {
			changed[service] = true
		}
	}
	return changed
}

// observeSessions returns the peers whose sessions fare otherwise than before, as far as it matters here.
func (r *Reporter) observeSessions(in *inbox) map[string]bool {
	others := map[string]bool{}
	before := r.sessions
	if in.situated {
		r.sessions, in.changed = map[string]condition{}, map[string]session.State{}
		for _, s := range r.options.Sessions() {
			r.sessions[s.Peer], in.changed[s.Peer] = before[s.Peer], s
		}
		for peer := range before {
			if _, there := r.sessions[peer]; !there {
				others[peer] = true
			}
		}
	}
	for peer, s := range in.changed {
		now := condition{carries: s.Carries(), untried: !s.Up() && s.LastError == ""}
		if was, there := r.sessions[peer]; there && was != now {
			r.sessions[peer], others[peer] = now, true
		}
	}
	return others
}

// everything returns the services that are announced, or told of.
func (r *Reporter) everything() map[types.NamespacedName]bool {
	all := make(map[types.NamespacedName]bool, len(r.announced))
	for service := range r.announced {
		all[service] = true
	}
	for service := range r.records {
		all[service] = true
	}
	return all
}

// read makes the records what the API server has, and reports whether it has said.
func (r *Reporter) read(ctx context.Context, now time.Time) bool {
	objects, err := r.options.Store.List(ctx)
	if err != nil {
		if r.readFailures == 0 && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "statuses of services cannot be read, trying again")
		}
		r.readDue = now.Add(pace.Backoff(r.readFailures, r.options.Random))
		r.readFailures++
		return false
	}
	r.readFailures, r.known = 0, true
	r.readDue = now.Add(pace.Scaled(resyncTime, 1+pace.Deviation*(2*r.options.Random()-1)))
	for _, rec := range r.records {
		rec.object, rec.written = "", v1beta1.ServiceBGPStatusStatus{}
	}
	r.strays = nil
	for i := range objects {
		r.adopt(&objects[i])
	}
	return true
}

// adopt takes over an object of the API server. One that another product made, or that goes with an earlier Node of the name, is
// a stray.
func (r *Reporter) adopt(o *v1beta1.ServiceBGPStatus) {
	service := types.NamespacedName{Namespace: o.Labels[v1beta1.LabelServiceNamespace], Name: o.Labels[v1beta1.LabelServiceName]}
	if o.Name != Name(r.options.Node, service) || !goesWith(o, r.node) {
		r.strays = append(r.strays, o.Name)
		return
	}
	r.record(service).object, r.record(service).written = o.Name, o.Status
}

func (r *Reporter) record(service types.NamespacedName) *record {
	if r.records[service] == nil {
		r.records[service] = &record{}
	}
	return r.records[service]
}

// look compares what is with what is written of a service.
func (r *Reporter) look(now time.Time, service types.NamespacedName) {
	peers, announced := r.announced[service]
	if !announced && r.records[service] == nil {
		return
	}
	rec := r.record(service)
	rec.gone = !announced
	if rec.gone && rec.object == "" {
		delete(r.records, service)
		delete(r.dirty, service)
		return
	}
	rec.desired = v1beta1.ServiceBGPStatusStatus{
		Node: r.options.Node, ServiceName: service.Name, ServiceNamespace: service.Namespace,
		Peers: slices.DeleteFunc(slices.Clone(peers), func(peer string) bool { return !r.sessions[peer].carries }),
	}
	untried := slices.ContainsFunc(peers, func(peer string) bool { return r.sessions[peer].untried })
	rec.Changed(now, rec.difference(), untried, r.options.Random)
	if rec.Due().IsZero() {
		delete(r.dirty, service)
	} else {
		r.dirty[service] = true
	}
}

// Shutdown says that the node announces nothing any more. It is to be called after Start has returned, and tries once, until
// the context ends.
func (r *Reporter) Shutdown(ctx context.Context) {
	if !r.running.TryLock() { // The manager did not wait for Start.
		return
	}
	defer r.running.Unlock()
	if !r.known {
		return
	}
	if err := r.options.Store.DeleteAll(ctx); err != nil {
		log.FromContext(ctx).Error(err, "statuses of services cannot be deleted any more")
	}
}
