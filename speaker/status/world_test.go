// SPDX-License-Identifier: Apache-2.0

package status

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/publisher"
	"metallb.io/metallb/speaker/session"
)

const (
	thisNode = "node-1"
	nodeUID  = types.UID("uid-1")
)

// fakeStore keeps objects by name, and when they were written.
type fakeStore struct {
	// mu is held by the store, whose methods may be called side by side.
	mu      sync.Mutex
	node    string
	clock   *clocktesting.FakeClock
	objects map[string]v1beta1.BGPSessionState
	writes  []time.Time
	// lists, creates and deletes count calls.
	lists, creates, deletes int
	// fail makes every call fail, and failDelete those of Delete.
	fail, failDelete error
}

func (f *fakeStore) List(context.Context) ([]*v1beta1.BGPSessionState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lists++
	found := make([]*v1beta1.BGPSessionState, 0, len(f.objects))
	for _, o := range f.objects {
		found = append(found, &o)
	}
	return found, f.fail
}

func (f *fakeStore) Create(_ context.Context, node types.UID, candidates ...*v1beta1.BGPSessionState) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return "", f.fail
	}
	f.creates++
	made := candidates[0]
	if o, there := f.objects[made.Name]; !there || o.OwnerReferences[0].UID != node {
		f.put(made.Name, node, made.Labels[v1beta1.LabelPeer], v1beta1.BGPSessionStateStatus{})
	}
	return made.Name, nil
}

func (f *fakeStore) put(name string, node types.UID, peer string, s v1beta1.BGPSessionStateStatus) {
	o := v1beta1.BGPSessionState{Status: s}
	o.Name, o.Labels = name, map[string]string{v1beta1.LabelNode: publisher.Label(f.node), v1beta1.LabelPeer: publisher.Label(peer)}
	o.OwnerReferences = []metav1.OwnerReference{{UID: node}}
	f.objects[name] = o
}

func (f *fakeStore) Write(_ context.Context, name string, s any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	o, found := f.objects[name]
	if !found {
		return apierrors.NewNotFound(schema.GroupResource{}, name)
	}
	f.writes = append(f.writes, f.clock.Now())
	o.Status = *s.(*v1beta1.BGPSessionStateStatus).DeepCopy()
	f.objects[name] = o
	return nil
}

func (f *fakeStore) Delete(_ context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := cmp.Or(f.fail, f.failDelete); err != nil {
		return err
	}
	f.deletes++
	delete(f.objects, name)
	return nil
}

func (f *fakeStore) DeleteAll(context.Context) error { panic("nobody needs it") }

// world is a node with a reporter whose steps are made by hand.
type world struct {
	*Reporter
	t        *testing.T
	clock    *clocktesting.FakeClock
	store    *fakeStore
	sessions map[string]session.State
	next     time.Time
	// read counts how often all sessions were looked at.
	read int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOf(t, thisNode, clocktesting.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), rand.New(rand.NewPCG(1, 2)))
}

func newWorldOf(t *testing.T, node string, clock *clocktesting.FakeClock, random *rand.Rand) *world {
	t.Helper()
	w := &world{t: t, clock: clock, sessions: map[string]session.State{}}
	w.store = &fakeStore{node: node, clock: clock, objects: map[string]v1beta1.BGPSessionState{}}
	w.Reporter = NewReporter(Options{
		Node: node, Store: w.store, Clock: clock, Random: random.Float64,
		Sessions: func() []session.State {
			w.read++
			states := make([]session.State, 0, len(w.sessions))
			for _, s := range w.sessions {
				states = append(states, s)
			}
			return states
		},
	})
	return w
}

// look makes a step now.
func (w *world) look() { w.next = w.publisher.Step(w.t.Context()) }

// pass lets time pass and makes the steps that are due.
func (w *world) pass(d time.Duration) {
	end := w.clock.Now().Add(d)
	w.look()
	for !w.next.IsZero() && !w.next.After(end) {
		w.clock.SetTime(w.next)
		w.look()
	}
	w.clock.SetTime(end)
}

// set makes the session of peer "router" what is given.
func (w *world) set(fsm session.FSM, lastError string, advertised int) {
	w.setPeer("router", fsm, lastError, advertised)
}

func (w *world) setPeer(peer string, fsm session.FSM, lastError string, advertised int) {
	old := w.sessions[peer]
	s := session.State{
		Peer: peer, Address: netip.MustParseAddr("192.0.2.1"), FSM: fsm, Since: old.Since, LastError: lastError,
		RouterID: netip.MustParseAddr("198.51.100.1"), Families: bgp.Families{IPv4: true},
	}
	if old.FSM != fsm {
		s.Since = w.clock.Now()
	}
	if lastError != "" {
		s.LastErrorTime = w.clock.Now()
	}
	if s.Up() {
		s.HoldTime, s.Carried, s.AdvertisedIPv4, s.PeerRouterID = 90*time.Second, s.Families, advertised, netip.MustParseAddr("192.0.2.1")
		s.BFD = "Up"
	}
	w.change(s)
	w.look()
}

// change makes the session what is given, and says so.
func (w *world) change(s session.State) {
	w.sessions[s.Peer] = s
	w.Observe(s)
}

func (w *world) up()   { w.set(session.Established, "", 1) }
func (w *world) down() { w.set(session.Idle, "connection lost", 0) }

// stored returns the state and the error that the API server has of peer "router".
func (w *world) stored() string {
	s := w.store.objects[thisNode+"-router"].Status
	return string(s.State) + " " + s.LastError
}

func (w *world) mustStore(want string) {
	w.t.Helper()
	if got := w.stored(); got != want {
		w.t.Errorf("%q is stored, want %q", got, want)
	}
}

// mustHaveWritten checks how often statuses were written since the last call.
func (w *world) mustHaveWritten(want int) {
	w.t.Helper()
	if got := len(w.store.writes); got != want {
		w.t.Errorf("%d writes, want %d: %v", got, want, w.store.writes)
	}
	w.store.writes = nil
}

func (w *world) objects() []string {
	found := make([]string, 0, len(w.store.objects))
	for name := range w.store.objects {
		found = append(found, name)
	}
	slices.Sort(found)
	return found
}
