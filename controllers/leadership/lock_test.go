// SPDX-License-Identifier: Apache-2.0

package leadership

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	kubetesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// world is a Lease, a clock for each machine, and what was sent.
type world struct {
	tb    testing.TB
	api   *fake.Clientset
	reads atomic.Int64
	sent  atomic.Int64
	fails bool
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{tb: tb, api: fake.NewClientset()}
	w.api.PrependReactor("get", "leases", func(kubetesting.Action) (bool, runtime.Object, error) {
		w.reads.Add(1)
		return false, nil, nil
	})
	return w
}

// testClock is a machine's clock.
type testClock struct {
	mu  sync.Mutex
	now Instant
}

func (c *testClock) Now() Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) step(boot, wall time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = Instant{c.now.boot + boot, c.now.wall.Add(wall)}
}

func (w *world) candidate(name string) (*Lock, *testClock) {
	clock := &testClock{now: Instant{time.Hour, time.Unix(1000, 0)}}
	return newLock(w.api.CoordinationV1(), "metallb-system", "metallb-controller", name, clock), clock
}

// lead makes the candidate do what leader election does when the lease is free or has ended.
func (w *world) lead(l *Lock) {
	w.tb.Helper()
	record, _, err := l.Get(w.tb.Context())
	next := resourcelock.LeaderElectionRecord{HolderIdentity: l.Identity()}
	if err != nil {
		err = l.Create(w.tb.Context(), next)
	} else {
		next.LeaderTransitions = record.LeaderTransitions + 1
		err = l.Update(w.tb.Context(), next)
	}
	if err != nil {
		w.tb.Fatal(err)
	}
}

func (w *world) renew(l *Lock) error {
	return l.Update(w.tb.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: l.Identity(), LeaderTransitions: l.own.number})
}

func (w *world) release(l *Lock) error {
	record, _, err := l.Get(w.tb.Context())
	if err != nil {
		return err
	}
	return l.Update(w.tb.Context(), resourcelock.LeaderElectionRecord{LeaderTransitions: record.LeaderTransitions})
}

func (w *world) holder() string {
	w.tb.Helper()
	lease, err := w.api.CoordinationV1().Leases("metallb-system").Get(w.tb.Context(), "metallb-controller", metav1.GetOptions{})
	if err != nil {
		w.tb.Fatal(err)
	}
	return *lease.Spec.HolderIdentity
}

// RoundTrip is what lies behind the fence.
func (w *world) RoundTrip(*http.Request) (*http.Response, error) {
	if w.fails {
		return nil, errors.New("connection lost")
	}
	w.sent.Add(1)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func (w *world) send(l *Lock, method string) error {
	r, err := http.NewRequestWithContext(w.tb.Context(), method, "https://api/", strings.NewReader("{}"))
	if err != nil {
		w.tb.Fatal(err)
	}
	response, err := l.Transport(w).RoundTrip(r)
	if err == nil {
		return response.Body.Close()
	}
	return err
}

func TestALeaderWritesWhileItHoldsTheLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.candidate("a")
	w.lead(a)
	if err := w.send(a, http.MethodPatch); err != nil {
		t.Error(err)
	}
}

func TestOneThatNeverLedWritesWithoutAsking(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.candidate("a")
	if err := w.send(a, http.MethodPatch); err != nil || w.reads.Load() != 0 {
		t.Errorf("the write ended with %v after %d readings of the lease", err, w.reads.Load())
	}
}

func TestAFormerLeaderWritesNothingWhateverItsClockSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.candidate("a")
	b, _ := w.candidate("b")
	lost := 0
	a.OnLost(func() { lost++ })
	w.lead(a)
	w.lead(b)
	for range 2 {
		if err := w.send(a, http.MethodPatch); !errors.Is(err, ErrLost) {
			t.Errorf("the write ended with %v", err)
		}
	}
	if err := w.send(a, http.MethodGet); err != nil {
		t.Errorf("a read ended with %v", err)
	}
	if w.sent.Load() != 1 || lost != 1 {
		t.Errorf("%d requests were sent, and it was told %d times that it lost", w.sent.Load(), lost)
	}
}

func TestALeaderThatCouldNotRenewWritesNothingByEitherClock(t *testing.T) {
	t.Parallel()
	for name, step := range map[string][2]time.Duration{
		"the process was stopped or the machine suspended": {RenewDeadline + 1, RenewDeadline + 1},
		"the machine was paused and its wall clock set":    {0, RenewDeadline + 1},
		"the wall clock was set back meanwhile":            {RenewDeadline + 1, -time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a, clock := w.candidate("a")
			w.lead(a)
			clock.step(RenewDeadline, RenewDeadline)
			if err := w.send(a, http.MethodPatch); err != nil {
				t.Fatal(err)
			}
			if err := w.renew(a); err != nil {
				t.Fatal(err)
			}
			clock.step(step[0], step[1])
			if err := w.send(a, http.MethodPatch); !errors.Is(err, ErrLost) {
				t.Errorf("the write ended with %v", err)
			}
			if err := w.renew(a); err != nil {
				t.Fatal(err)
			}
			if err := w.send(a, http.MethodPatch); err != nil {
				t.Errorf("after a renewal the write ended with %v", err)
			}
		})
	}
}

func TestALeaseThatWasAnothersInBetweenIsNotTakenUpAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.candidate("a")
	b, _ := w.candidate("b")
	w.lead(a)
	w.lead(b)
	if err := w.release(b); err != nil {
		t.Fatal(err)
	}
	record, _, err := a.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = a.Update(t.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: "a", LeaderTransitions: record.LeaderTransitions + 1})
	if !errors.Is(err, ErrLost) || w.holder() != "" {
		t.Errorf("it ended with %v, and %q holds the lease", err, w.holder())
	}
}

func TestAFormerLeaderDoesNotGiveAwayTheLeaseOfAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.candidate("a")
	b, _ := w.candidate("b")
	w.lead(a)
	w.lead(b)
	if err := w.release(a); !errors.Is(err, ErrLost) || w.holder() != "b" {
		t.Errorf("it ended with %v, and %q holds the lease", err, w.holder())
	}
}

func TestALeaseThatWasGivenAwayHasNoPredecessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.candidate("a")
	b, _ := w.candidate("b")
	c, _ := w.candidate("c")
	if w.lead(a); !a.Predecessor() {
		t.Error("nobody knows who led before there was a lease, or before it was deleted")
	}
	if err := w.release(a); err != nil {
		t.Fatal(err)
	}
	if w.lead(b); b.Predecessor() {
		t.Error("the lease was given away")
	}
	if w.lead(c); !c.Predecessor() {
		t.Error("the lease was taken from one that may still write")
	}
}

func TestALeaseIsNotGivenAwayWhileAWriteMayBeOnItsWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, clock := w.candidate("a")
	w.lead(a)
	w.fails = true
	if err := w.send(a, http.MethodPatch); err == nil {
		t.Fatal("the write did not fail")
	}
	if err := w.release(a); err == nil || w.holder() != "a" {
		t.Errorf("it ended with %v, and %q holds the lease", err, w.holder())
	}
	clock.step(unansweredFor, unansweredFor)
	if err := w.release(a); err != nil || w.holder() != "" {
		t.Errorf("later it ended with %v, and %q holds the lease", err, w.holder())
	}
}

func TestADeletedLeaseProvesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.candidate("a")
	w.lead(a)
	if err := w.api.CoordinationV1().Leases("metallb-system").Delete(t.Context(), "metallb-controller", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := w.send(a, http.MethodPatch); !errors.Is(err, ErrLost) {
		t.Errorf("the write ended with %v", err)
	}
}

func TestWritesAtATimeShareAReadingThatBeganAfterAllOfThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.candidate("a")
	w.lead(a)
	begun, goOn := make(chan struct{}, 9), make(chan struct{})
	w.api.PrependReactor("get", "leases", func(kubetesting.Action) (bool, runtime.Object, error) {
		begun <- struct{}{}
		<-goOn
		return false, nil, nil
	})
	before := w.reads.Load()
	results := make(chan error, 9)
	check := func() { results <- a.Check(context.WithoutCancel(t.Context())) }
	go check()
	<-begun // This reading serves none of those that come now.
	for range 8 {
		go check()
	}
	a.waitForNext(t)
	close(goOn)
	for range 9 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if got := w.reads.Load() - before; got < 2 || got > 8 {
		t.Errorf("9 writes cost %d readings of the lease, want 2, or a few more if some came late", got)
	}
}

// waitForNext returns when somebody waits for a reading that has not begun.
func (l *Lock) waitForNext(tb testing.TB) {
	tb.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		l.mu.Lock()
		waits := l.proofs.next != nil
		l.mu.Unlock()
		if waits {
			return
		}
	}
	tb.Fatal("nobody waits")
}

var _ resourcelock.Interface = (*Lock)(nil)
