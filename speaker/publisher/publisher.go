// SPDX-License-Identifier: Apache-2.0

package publisher

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// resyncTime is between lists of what the API server has, give or take the fraction Deviation.
const resyncTime = 30 * time.Minute

// Store is where the node's objects O are kept. Errors tell, by apierrors.IsNotFound, that an object is not there.
type Store[O client.Object] interface {
	// List returns them.
	List(ctx context.Context) ([]O, error)
	// Create makes one of the candidates, which have nothing but name and labels, and returns its name: the first one whose name is not
	// taken by somebody else's object, or the last. It goes with the Node of that UID. One that is there already is taken, if it does too.
	Create(ctx context.Context, node types.UID, candidates ...O) (string, error)
	// Write replaces the object's status as a whole, whoever wrote it before.
	Write(ctx context.Context, name string, status any) error
	// Delete deletes the object, if it is there.
	Delete(ctx context.Context, name string) error
	// DeleteAll deletes all of them, in one request.
	DeleteAll(ctx context.Context) error
}

// Options of a Publisher. Its functions are called by the goroutine that writes.
type Options[K comparable, O client.Object, S any] struct {
	// Kind of the objects, for logs.
	Kind  string
	Store Store[O]
	Clock clock.Clock
	// Refresh observes everything anew.
	Refresh func()
	// All returns what objects are to be about.
	All func() iter.Seq[K]
	// Desired returns what an object is to say and, as the second, whether it is about a session that has not been up yet, and has not
	// failed. It is only asked for what is in All or there.
	Desired func(about K) (status S, untried, wanted bool)
	// Differ returns in what an object that is there must be changed.
	Differ func(written, desired *S) Change
	// Make returns the object about something, and what it is if that name is another's: see Store.
	Make func(about K) []O
	// Read returns what an object is about, and says. If it is not one of these, it is deleted.
	Read func(o O) (about K, status S, ok bool)
	// Random returns numbers from 0 to 1.
	Random func() float64
	// WritesPerSecond is how many objects are written, or deleted, in a second at most; 0 sets no bound.
	WritesPerSecond int
	// GatherTime is waited for more before what has changed is looked at.
	GatherTime time.Duration
	// RereadTime is after which the objects are listed once more when the node has become ready; 0 for never.
	RereadTime time.Duration
}

// Publisher writes a node's objects. It is to be started once, and then to be closed.
type Publisher[K comparable, O client.Object, S any] struct {
	options Options[K, O, S]
	// wake holds a token if there is something to do.
	wake chan struct{}

	mu   sync.Mutex
	todo []func()

	// running is held by who uses what follows: Start, then Close.
	running sync.Mutex

	node   types.UID
	active bool
	// concerned is what is to be looked at.
	concerned map[K]bool
	// readDue is when the objects are to be listed next, readFailures how often it was so in vain. What they say is known once
	// they were. reread is whether the next list follows soon.
	readDue      time.Time
	readFailures int
	known        bool
	reread       bool

	records map[K]*record[S]
	// dirty are the records that are to be written, and strays the names of objects that should not be there.
	dirty  map[K]bool
	strays []string
	budget budget
}

// record is an object that is there, or is to be.
type record[S any] struct {
	pace
	// object is the name of the object; empty if there is none.
	object string
	// written is what it says, desired what it should.
	written, desired S
	// gone is whether it is to be deleted.
	gone bool
}

// New returns a Publisher that waits for SetNode.
func New[K comparable, O client.Object, S any](o Options[K, O, S]) *Publisher[K, O, S] {
	return &Publisher[K, O, S]{
		options: o, wake: make(chan struct{}, 1), concerned: map[K]bool{}, records: map[K]*record[S]{}, dirty: map[K]bool{},
		budget: budget{perSecond: o.WritesPerSecond},
	}
}

// Do has f called by the goroutine that writes, in order. It may be called from any goroutine and never blocks.
func (p *Publisher[K, O, S]) Do(f func()) {
	p.mu.Lock()
	p.todo = append(p.todo, f)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// SetNode says which Node objects go with, empty as long as that is not known, and whether anything may be written. Others may have
// written meanwhile, so that the objects are listed if that changes. It is to be called in Do.
func (p *Publisher[K, O, S]) SetNode(node types.UID, active bool) {
	active = active && node != ""
	if node != p.node || active && !p.active {
		p.known, p.readDue, p.reread = false, p.options.Clock.Now(), p.options.RereadTime > 0
		if p.node != "" {
			p.readDue = p.readDue.Add(scaled(spreadTime, p.options.Random()))
		}
	}
	p.node, p.active = node, active
}

// Changed says that what an object is to say may have changed. It is to be called in Do.
func (p *Publisher[K, O, S]) Changed(about K) { p.concerned[about] = true }

// ChangedAll says that what every object is to say may have changed, and which there are to be. It is to be called in Do.
func (p *Publisher[K, O, S]) ChangedAll() {
	for about := range p.options.All() {
		p.Changed(about)
	}
	for about := range p.records {
		p.Changed(about)
	}
}

// Start writes until the context ends.
func (p *Publisher[K, O, S]) Start(ctx context.Context) error {
	p.running.Lock()
	defer p.running.Unlock()
	for ctx.Err() == nil {
		// What changes together comes together, and what is to be written is looked through each time.
		if p.await(ctx, p.Step(ctx), p.wake) && p.options.GatherTime > 0 {
			p.await(ctx, p.options.Clock.Now().Add(p.options.GatherTime), nil)
		}
	}
	return nil
}

// await waits until then, without end if that is zero, and reports whether it was woken before.
func (p *Publisher[K, O, S]) await(ctx context.Context, then time.Time, wake <-chan struct{}) (woken bool) {
	var timer <-chan time.Time
	if !then.IsZero() {
		t := p.options.Clock.NewTimer(max(0, then.Sub(p.options.Clock.Now())))
		defer t.Stop()
		timer = t.C()
	}
	select {
	case <-ctx.Done():
	case <-timer:
	case <-wake:
		return true
	}
	return false
}

// Step does what is due and returns when something is next; zero if that depends on others. It is what Start repeats.
func (p *Publisher[K, O, S]) Step(ctx context.Context) time.Time {
	p.mu.Lock()
	todo := p.todo
	p.todo = nil
	p.mu.Unlock()
	for _, f := range todo {
		f()
	}
	if !p.active {
		return time.Time{}
	}
	now := p.options.Clock.Now()
	if !p.readDue.After(now) {
		p.read(ctx, now)
	}
	if !p.known {
		return p.readDue
	}
	for about := range p.concerned {
		p.look(now, about)
	}
	clear(p.concerned)
	return p.flush(ctx, now)
}

// read makes the records what the API server has, and has all looked at.
func (p *Publisher[K, O, S]) read(ctx context.Context, now time.Time) {
	objects, err := p.options.Store.List(ctx)
	if err != nil {
		if p.readFailures == 0 && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "objects cannot be listed, trying again", "kind", p.options.Kind)
		}
		p.readDue = now.Add(backoff(p.readFailures, p.options.Random))
		p.readFailures++
		return
	}
	p.readFailures, p.known = 0, true
	p.readDue = now.Add(scaled(resyncTime, 1+Deviation*(2*p.options.Random()-1)))
	if p.reread {
		p.readDue, p.reread = now.Add(p.options.RereadTime), false
	}
	p.options.Refresh()
	for _, rec := range p.records {
		rec.object, rec.written = "", *new(S)
	}
	p.strays = nil
	for _, o := range objects {
		p.adopt(o)
	}
	p.ChangedAll()
}

// adopt takes over an object of the API server. One of an earlier Node of the name is a stray.
func (p *Publisher[K, O, S]) adopt(o O) {
	about, status, ok := p.options.Read(o)
	if rec := p.records[about]; !ok || !goesWith(o, p.node) || rec != nil && rec.object != "" {
		p.strays = append(p.strays, o.GetName())
		return
	}
	rec := p.record(about)
	rec.object, rec.written = o.GetName(), status
}

func (p *Publisher[K, O, S]) record(about K) *record[S] {
	if p.records[about] == nil {
		p.records[about] = &record[S]{}
	}
	return p.records[about]
}

// look compares what is with what is written of one object.
func (p *Publisher[K, O, S]) look(now time.Time, about K) {
	desired, untried, wanted := p.options.Desired(about)
	if !wanted && (p.records[about] == nil || p.records[about].object == "") {
		p.forget(about)
		return
	}
	rec := p.record(about)
	rec.gone, rec.desired = !wanted, desired
	rec.changed(now, p.difference(rec), untried, p.options.Random)
	if rec.due.IsZero() {
		delete(p.dirty, about)
	} else {
		p.dirty[about] = true
	}
}

func (p *Publisher[K, O, S]) forget(about K) {
	delete(p.records, about)
	delete(p.dirty, about)
}

func (p *Publisher[K, O, S]) difference(rec *record[S]) Change {
	if rec.gone || rec.object == "" {
		return Transition
	}
	return p.options.Differ(&rec.written, &rec.desired)
}

// Close calls the function with what objects say, by name, unless Start has not returned yet or that is not known.
func (p *Publisher[K, O, S]) Close(f func(written map[string]S)) {
	if !p.running.TryLock() { // The manager did not wait for Start.
		return
	}
	defer p.running.Unlock()
	if !p.active || !p.known {
		return
	}
	written := make(map[string]S, len(p.records))
	for _, rec := range p.records {
		if rec.object != "" {
			written[rec.object] = rec.written
		}
	}
	f(written)
}

// failed takes note of a write that failed.
func (p *Publisher[K, O, S]) failed(ctx context.Context, about K, rec *record[S], err error) {
	if rec.failures == 0 && ctx.Err() == nil {
		log.FromContext(ctx).Error(err, "object cannot be written, trying again", "kind", p.options.Kind, "about", fmt.Sprint(about))
	}
	rec.failed(p.options.Clock.Now(), p.options.Random)
}
