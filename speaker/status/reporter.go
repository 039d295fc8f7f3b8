// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/speaker/naming"
	"metallb.io/metallb/speaker/pace"
	"metallb.io/metallb/speaker/session"
)

const (
	// rereadTime is after which it is made sure, once more, that what the API server has after the node has become ready is
	// this node's word: the controller may not have noticed yet that it is.
	rereadTime = 10 * time.Second
	// resyncTime is between reads otherwise, give or take the fraction pace.Deviation.
	resyncTime = 30 * time.Minute
)

// Stopped is the last error of a session that ended because the speaker did.
const Stopped = "the node's speaker was stopped"

// Store is where BGPSessionStates are kept. Errors tell, by apierrors.IsNotFound, that an object is not there.
type Store interface {
	// List returns the node's objects.
	List(ctx context.Context) ([]v1beta1.BGPSessionState, error)
	// Create makes an object without status for the peer, and returns its name. It goes with the Node of that UID.
	Create(ctx context.Context, node types.UID, peer string) (string, error)
	// Write replaces the object's status.
	Write(ctx context.Context, name string, status *v1beta1.BGPSessionStateStatus) error
	// Delete deletes the object.
	Delete(ctx context.Context, name string) error
}

// Options of a Reporter.
type Options struct {
	// Node is the name of the node.
	Node string
	// Pod is the name of the speaker's Pod, by which the controller knows whether it still runs; empty outside of one.
	Pod string
	// Sessions returns how the node's sessions fare.
	Sessions func() []session.State
	Store    Store
	Clock    clock.Clock
	// Random returns numbers from 0 to 1.
	Random func() float64
}

// Situation is what must be known besides the sessions.
type Situation struct {
	// Node is the UID of the node's object, and Ready whether nobody says that it is not.
	Node  types.UID
	Ready bool
	// Refused are the peers that the node should have a session with, and does not try to.
	Refused []Refusal
}

// Refusal says why there is no session.
type Refusal struct{ Peer, Address, Reason string }

// Reporter writes the node's BGPSessionStates. It is to be started once, and then to be shut down.
type Reporter struct {
	options Options
	// wake holds a token if there is something to look at.
	wake chan struct{}

	mu    sync.Mutex
	inbox inbox

	// running is held by who uses what follows: Start, then Shutdown.
	running sync.Mutex

	situation *Situation
	// readDue is when the API server is to be asked next, readFailures how often it was so in vain. What it has is known once
	// it was.
	readDue      time.Time
	readFailures int
	known        bool
	// reread is whether the next read follows soon.
	reread  bool
	records map[string]*record
}

// inbox is what has been told to the Reporter and not been looked at.
type inbox struct {
	// situation is nil if it is the same.
	situation *Situation
	changed   map[string]session.State
}

// record is one session, by peer, or an object of none.
type record struct {
	pace.Pace
	// object is the name of the object; empty if there is none.
	object string
	// written is what it says, desired what it should.
	written, desired v1beta1.BGPSessionStateStatus
	// gone is whether it is to be deleted.
	gone bool
}

// NewReporter returns a Reporter that waits for the first situation.
func NewReporter(o Options) *Reporter {
	return &Reporter{options: o, wake: make(chan struct{}, 1), records: map[string]*record{}}
}

// Observe tells how a session fares that has changed. It may be called from any goroutine, in order for the same session, and never
// blocks. A session that was not there when the situation was last told of is left until it is.
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

// Situate tells of the situation, after the sessions are what it says. It may be called from any goroutine and never blocks.
func (r *Reporter) Situate(s Situation) {
	r.mu.Lock()
	r.inbox.situation = &s
	r.mu.Unlock()
	r.rouse()
}

// Start writes until the context ends.
func (r *Reporter) Start(ctx context.Context) error {
	r.running.Lock()
	defer r.running.Unlock()
	for {
		var timer <-chan time.Time
		stop := func() bool { return false }
		if next := r.step(ctx); !next.IsZero() {
			t := r.options.Clock.NewTimer(max(0, next.Sub(r.options.Clock.Now())))
			timer, stop = t.C(), t.Stop
		}
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-r.wake:
		case <-timer:
		}
		stop()
	}
}

// step does what is due and returns when something is next; zero if that depends on others.
func (r *Reporter) step(ctx context.Context) time.Time {
	now := r.options.Clock.Now()
	changed, all := r.empty(now)
	if r.situation == nil || !r.situation.Ready {
		return time.Time{}
	}
	if due := !r.readDue.After(now); due || all && r.known {
		desired := r.desired(now)
		if due {
			r.read(ctx, now, desired)
		}
		r.observe(now, desired)
	} else {
		r.observeChanged(now, changed)
	}
	if !r.known {
		return r.readDue
	}
	next := r.readDue
	for _, key := range slices.Sorted(maps.Keys(r.records)) {
		rec := r.records[key]
		if !rec.Due().IsZero() && !rec.Due().After(now) {
			r.write(ctx, key, rec)
		}
		if !rec.Due().IsZero() && rec.Due().Before(next) {
			next = rec.Due()
		}
	}
	return next
}

// empty takes what is in the inbox. It returns the sessions that have changed, and whether all may have.
func (r *Reporter) empty(now time.Time) (changed map[string]session.State, all bool) {
	r.mu.Lock()
	in := r.inbox
	r.inbox = inbox{}
	r.mu.Unlock()
	if in.situation != nil {
		r.takeSituation(now, in.situation)
	}
	return in.changed, in.situation != nil
}

// takeSituation looks at the situation, and has the API server asked if others may have written in the one before.
func (r *Reporter) takeSituation(now time.Time, s *Situation) {
	before := r.situation
	r.situation = s
	switch {
	case before == nil:
		r.readDue, r.reread = now, true
	case before.Node != s.Node || !before.Ready && s.Ready:
		r.known = false
		r.readDue, r.reread = now.Add(pace.Scaled(pace.SpreadTime, r.options.Random())), true
	}
}

// desired returns what is to be told, by peer.
func (r *Reporter) desired(now time.Time) map[string]v1beta1.BGPSessionStateStatus {
	desired := map[string]v1beta1.BGPSessionStateStatus{}
	for _, refusal := range r.situation.Refused {
		since := metav1.NewTime(now.UTC().Truncate(time.Second))
		desired[refusal.Peer] = v1beta1.BGPSessionStateStatus{
			Node: r.options.Node, Peer: refusal.Peer, Address: refusal.Address, State: v1beta1.SessionIdle, Since: &since,
			LastError: message.Bound(refusal.Reason),
		}
	}
	for peer, d := range desired {
		d.Pod = r.options.Pod
		desired[peer] = d
	}
	for _, s := range r.options.Sessions() {
		desired[s.Peer] = r.statusOf(s)
	}
	return desired
}

// read makes the records what the API server has.
func (r *Reporter) read(ctx context.Context, now time.Time, desired map[string]v1beta1.BGPSessionStateStatus) {
	objects, err := r.options.Store.List(ctx)
	if err != nil {
		if r.readFailures == 0 && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "states of sessions cannot be read, trying again")
		}
		r.readDue = now.Add(pace.Backoff(r.readFailures, r.options.Random))
		r.readFailures++
		return
	}
	r.readFailures = 0
	r.readDue = now.Add(pace.Scaled(resyncTime, 1+pace.Deviation*(2*r.options.Random()-1)))
	if r.reread {
		r.readDue, r.reread = now.Add(rereadTime), false
	}
	r.known = true

	byLabel := map[string]string{}
	for peer := range desired {
		byLabel[naming.Label(peer)] = peer
	}
	for _, rec := range r.records {
		rec.object, rec.written = "", v1beta1.BGPSessionStateStatus{}
	}
	for i := range objects {
		r.adopt(&objects[i], byLabel)
	}
}

// adopt takes over an object of the API server.
func (r *Reporter) adopt(o *v1beta1.BGPSessionState, byLabel map[string]string) {
	key, wanted := byLabel[o.Labels[v1beta1.LabelPeer]]
	owned := slices.ContainsFunc(o.OwnerReferences, func(ref metav1.OwnerReference) bool { return ref.UID == r.situation.Node })
	if wanted && !owned {
		return // It is of an earlier Node of the name. Create sees to it.
	}
	if rec := r.records[key]; !wanted || rec != nil && rec.object != "" {
		key = "/" + o.Name // No peer has such a name.
	}
	rec := r.records[key]
	if rec == nil {
		rec = &record{}
		r.records[key] = rec
	}
	rec.object, rec.written = o.Name, o.Status
}

// observeChanged compares what is with what is written of sessions that have changed.
func (r *Reporter) observeChanged(now time.Time, changed map[string]session.State) {
	for peer, s := range changed {
		if rec := r.records[peer]; r.known && rec != nil && !rec.gone {
			r.compare(now, rec, r.statusOf(s))
		}
	}
}

// observe compares what is with what is written of all.
func (r *Reporter) observe(now time.Time, desired map[string]v1beta1.BGPSessionStateStatus) {
	if !r.known {
		return
	}
	for peer := range desired {
		if r.records[peer] == nil {
			r.records[peer] = &record{}
		}
	}
	for key, rec := range r.records {
		d, wanted := desired[key]
		rec.gone = !wanted
		if rec.gone && rec.object == "" {
			delete(r.records, key)
			continue
		}
		r.compare(now, rec, d)
	}
}

// compare has the record be what is desired, if it is not to be deleted.
func (r *Reporter) compare(now time.Time, rec *record, desired v1beta1.BGPSessionStateStatus) {
	rec.desired = desired
	untried := !rec.gone && !up(&desired) && desired.LastError == ""
	rec.Changed(now, rec.difference(), untried, r.options.Random)
}

func (rec *record) difference() pace.Change {
	if rec.gone || rec.object == "" {
		return pace.Transition
	}
	return compare(&rec.written, &rec.desired)
}

// write makes the API server have what is desired.
func (r *Reporter) write(ctx context.Context, key string, rec *record) {
	if rec.gone {
		if err := r.options.Store.Delete(ctx, rec.object); err != nil {
			r.failed(ctx, rec, err)
			return
		}
		delete(r.records, key)
		rec.Settle()
		return
	}
	c := rec.difference()
	if rec.object == "" {
		name, err := r.options.Store.Create(ctx, r.situation.Node, rec.desired.Peer)
		if err != nil {
			r.failed(ctx, rec, err)
			return
		}
		rec.object = name
	}
	if err := r.options.Store.Write(ctx, rec.object, &rec.desired); err != nil {
		rec.object = "" // It may be gone; Create finds it if not.
		r.failed(ctx, rec, err)
		return
	}
	rec.Wrote(r.options.Clock.Now(), c, r.options.Random)
	rec.written = rec.desired
}

func (r *Reporter) failed(ctx context.Context, rec *record, err error) {
	if rec.Failures() == 0 && ctx.Err() == nil {
		log.FromContext(ctx).Error(err, "state of session cannot be written, trying again", "object", rec.object,
			"peer", rec.desired.Peer)
	}
	rec.Failed(r.options.Clock.Now(), r.options.Random)
}

// Shutdown says of all sessions that they are no more, which stays true without a speaker. It is to be called after Start has returned, and tries once, until the
// context ends.
func (r *Reporter) Shutdown(ctx context.Context) {
	const atOnce = 8
	if !r.running.TryLock() { // The manager did not wait for Start.
		return
	}
	defer r.running.Unlock()
	if r.situation == nil || !r.situation.Ready || !r.known {
		return
	}
	since := metav1.NewTime(r.options.Clock.Now().UTC().Truncate(time.Second))
	var writing sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for key, rec := range r.records {
		w := rec.written
		if strings.HasPrefix(key, "/") || rec.object == "" || w.State == v1beta1.SessionIdle && w.Pod == "" {
			continue
		}
		idle := v1beta1.BGPSessionStateStatus{
			Node: w.Node, Peer: w.Peer, Address: w.Address, State: v1beta1.SessionIdle, Since: &since, LastError: Stopped,
			LocalRouterID: w.LocalRouterID,
		}
		slots <- struct{}{}
		writing.Go(func() {
			defer func() { <-slots }()
			if err := r.options.Store.Write(ctx, rec.object, &idle); err != nil {
				log.FromContext(ctx).Error(err, "state of session cannot be written any more", "object", rec.object)
			}
		})
	}
	writing.Wait()
}
