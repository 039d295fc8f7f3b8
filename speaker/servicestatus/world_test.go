// SPDX-License-Identifier: Apache-2.0

package servicestatus

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/speaker/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	thisNode = "node-1"
	nodeUID  = types.UID("uid-1")
)

// fakeStore keeps objects by name, and when they were written or deleted.
type fakeStore struct {
	clock   *clocktesting.FakeClock
	objects map[string]v1beta1.ServiceBGPStatus
	writes  []time.Time
	// fail makes every call fail.
	fail error
}

func (f *fakeStore) List(context.Context) ([]*v1beta1.ServiceBGPStatus, error) {
	found := make([]*v1beta1.ServiceBGPStatus, 0, len(f.objects))
	for _, o := range f.objects {
		found = append(found, &o)
	}
	return found, f.fail
}

func (f *fakeStore) Create(_ context.Context, node types.UID, candidates ...*v1beta1.ServiceBGPStatus) (string, error) {
	if f.fail != nil {
		return "", f.fail
	}
	made := candidates[0]
	made.OwnerReferences = []metav1.OwnerReference{{UID: node}}
	f.objects[made.Name] = *made
	return made.Name, nil
}

func (f *fakeStore) Write(_ context.Context, name string, s any) error {
	if f.fail != nil {
		return f.fail
	}
	o, found := f.objects[name]
	if !found {
		return apierrors.NewNotFound(schema.GroupResource{}, name)
	}
	f.writes = append(f.writes, f.clock.Now())
	o.Status = *s.(*v1beta1.ServiceBGPStatusStatus).DeepCopy()
	f.objects[name] = o
	return nil
}

func (f *fakeStore) Delete(_ context.Context, name string) error {
	if f.fail != nil {
		return f.fail
	}
	f.writes = append(f.writes, f.clock.Now())
	delete(f.objects, name)
	return nil
}

func (f *fakeStore) DeleteAll(context.Context) error {
	clear(f.objects)
	return f.fail
}

// put makes an object be there that says that the peers have been told of the service.
func (f *fakeStore) put(node types.UID, service string, peers ...string) {
	name := named(service)
	o := Object(thisNode, name)
	o.OwnerReferences = []metav1.OwnerReference{{UID: node}}
	o.Status = v1beta1.ServiceBGPStatusStatus{Node: thisNode, ServiceName: name.Name, ServiceNamespace: name.Namespace, Peers: peers}
	f.objects[o.Name] = *o
}

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
	w := &world{t: t, clock: clocktesting.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), sessions: map[string]session.State{}}
	w.store = &fakeStore{clock: w.clock, objects: map[string]v1beta1.ServiceBGPStatus{}}
	random := rand.New(rand.NewPCG(1, 2))
	w.Reporter = NewReporter(Options{
		Node: thisNode, Store: w.store, Clock: w.clock, Random: random.Float64,
		Sessions: func() []session.State {
			w.read++
			return slices.Collect(maps.Values(w.sessions))
		},
	})
	return w
}

// started is a world whose reporter knows its node, with sessions to peers "rack" and "spine" that are up.
func started(t *testing.T, announced map[types.NamespacedName]map[string]bgp.Families) *world {
	t.Helper()
	w := newWorld(t)
	w.up("rack", "spine")
	w.Situate(status.Situation{Node: nodeUID, Ready: true})
	w.Announce(announced)
	return w
}

func named(service string) types.NamespacedName {
	return types.NamespacedName{Namespace: "default", Name: service}
}

func of(service string, peers ...string) map[types.NamespacedName]map[string]bgp.Families {
	told := map[string]bgp.Families{}
	for _, peer := range peers {
		told[peer] = bgp.Families{IPv4: true}
	}
	return map[types.NamespacedName]map[string]bgp.Families{named(service): told}
}

// change makes the session what is given, and says so.
func (w *world) change(s session.State) {
	w.sessions[s.Peer] = s
	w.Observe(s)
}

func (w *world) up(peers ...string) {
	for _, p := range peers {
		w.change(session.State{Peer: p, Address: netip.MustParseAddr("192.0.2.1"), FSM: session.Established, Carried: bgp.Families{IPv4: true}})
	}
}

func (w *world) down(peers ...string) {
	for _, p := range peers {
		w.change(session.State{Peer: p, Address: netip.MustParseAddr("192.0.2.1"), FSM: session.Idle, LastError: "connection lost"})
	}
}

// pass lets time pass and makes the steps that are due.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	end := w.clock.Now().Add(d)
	w.next = w.publisher.Step(w.t.Context())
	for !w.next.IsZero() && !w.next.After(end) {
		if !w.next.After(w.clock.Now()) {
			w.t.Fatalf("the next step is not later: %s", w.next)
		}
		w.clock.SetTime(w.next)
		w.next = w.publisher.Step(w.t.Context())
	}
	w.clock.SetTime(end)
}

// told returns what the objects say, as "service: peers", sorted.
func (w *world) told() []string {
	found := make([]string, 0, len(w.store.objects))
	for name, o := range w.store.objects {
		s := o.Status
		if want := Object(thisNode, named(s.ServiceName)).Name; name != want || s.Node != thisNode || s.ServiceNamespace != "default" {
			w.t.Errorf("object %s says %+v", name, s)
		}
		found = append(found, s.ServiceName+": "+strings.Join(s.Peers, " "))
	}
	slices.Sort(found)
	return found
}

func (w *world) mustTell(want ...string) {
	w.t.Helper()
	if got := w.told(); !slices.Equal(got, want) {
		w.t.Errorf("objects say %q, want %q", got, want)
	}
}

// mustHaveWritten checks how often objects were written or deleted since the last call.
func (w *world) mustHaveWritten(want int) {
	w.t.Helper()
	if got := len(w.store.writes); got != want {
		w.t.Errorf("%d writes, want %d: %v", got, want, w.store.writes)
	}
	w.store.writes = nil
}
