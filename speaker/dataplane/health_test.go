// SPDX-License-Identifier: Apache-2.0

package dataplane_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"go.uber.org/goleak"

	"metallb.io/metallb/internal/drain"
)

const (
	ok          = http.StatusOK
	unavailable = http.StatusServiceUnavailable
	// nobody answers.
	nobody = 0
	// leavingLate is kube-proxy that falls behind on a node that is about to be deleted.
	leavingLate = `{"nodeEligible":false,"healthy":false,"status":{"IPv4":{"healthy":false}}}`
)

// says has the proxy asked for its health, so long after the start.
type says struct {
	after  time.Duration
	code   int
	answer string
	want   drain.Kind
}

func TestAProxyThatIsNotHealthyForAWhileIsASignal(t *testing.T) {
	t.Parallel()
	const none, failing, going = drain.None, drain.ProxyFailing, drain.ProxyLeaving
	for name, steps := range map[string][]says{
		"it stops answering, and is back": {
			{0, ok, both, none}, {5 * time.Second, nobody, "", none}, {64 * time.Second, nobody, "", none}, {65 * time.Second, nobody, "", failing},
			{time.Hour, nobody, "", failing}, {time.Hour + time.Second, ok, both, none},
		},
		"it says that it is not healthy": {{0, ok, both, none}, {time.Second, unavailable, late, none}, {61 * time.Second, unavailable, late, failing}},
		"it answers as something else":   {{0, ok, both, none}, {time.Second, http.StatusNotFound, "", none}, {61 * time.Second, http.StatusNotFound, "", failing}},
		"it fails for moments only": {
			{0, ok, both, none}, {5 * time.Second, nobody, "", none}, {10 * time.Second, ok, both, none}, {15 * time.Second, nobody, "", none},
			{74 * time.Second, unavailable, late, none}, {75 * time.Second, ok, both, none},
		},
		"it has never been healthy":     {{0, unavailable, "", none}, {time.Minute, unavailable, "", failing}},
		"it has never answered":         {{0, nobody, "", none}, {time.Hour, nobody, "", none}},
		"there is something else":       {{0, http.StatusNotFound, "", none}, {time.Hour, http.StatusNotFound, "", none}},
		"it has programmed nothing":     {{0, ok, unsynced, none}, {time.Hour, ok, unsynced, none}},
		"a machine that stood still":    {{0, ok, both, none}, {time.Hour, nobody, "", none}},
		"the node is about to go":       {{0, ok, both, none}, {time.Second, unavailable, leaving, going}, {time.Hour, unavailable, leaving, going}},
		"the node is to stay after all": {{0, unavailable, oldLeaving, going}, {time.Second, ok, both, none}},
		"the node is about to go, and the proxy ends before": {
			{0, unavailable, leaving, going}, {time.Second, nobody, "", going}, {time.Hour, nobody, "", going}, {2 * time.Hour, unavailable, late, failing},
		},
		"the node is about to go, and the proxy falls behind": {{0, unavailable, leavingLate, going}, {time.Minute, unavailable, late, failing}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, time.Hour)
			before, changes := none, int32(0)
			for _, s := range steps {
				m.set(s.after, s.code, s.answer)
				m.probe.Ask(t.Context())
				if s.want != before {
					changes++
				}
				before = s.want
				if got := m.probe.Signal(); got != (drain.Signal{Kind: s.want}) || m.changes.Load() != changes {
					t.Errorf("after %s, with %d %s: signal %s after %d changes; want %s after %d", s.after, s.code, s.answer, got.Kind, m.changes.Load(), s.want, changes)
				}
			}
		})
	}
}

func TestTheFirstAnswerSaysAlreadyThatTheNodeIsAboutToGo(t *testing.T) {
	t.Parallel()
	m := newMachine(t, time.Hour)
	m.expect(0, unavailable, leaving, none)
	if got := m.probe.Signal().Kind; got != drain.ProxyLeaving {
		t.Errorf("signal %s", got)
	}
}

// It does not run beside other tests, whose goroutines would be taken for its own.
func TestTheProxyIsAskedEveryFewSeconds(t *testing.T) {
	g := NewWithT(t)
	m := newMachine(t, time.Hour)
	m.set(0, ok, both)
	leaks := goleak.IgnoreCurrent()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.probe.Start(ctx) }()
	for asked := range 3 {
		g.Eventually(m.clock.HasWaiters).Should(BeTrue())
		g.Expect(m.questions()).To(Equal(asked))
		m.clock.Step(5 * time.Second)
		g.Eventually(m.questions).Should(Equal(asked + 1))
	}
	cancel()
	g.Expect(<-done).To(Succeed())
	goleak.VerifyNone(t, leaks, goleak.IgnoreAnyFunction("net/http.(*conn).serve"))
}

func TestAProxyThatIsAskedWhileTheSpeakerStopsDoesNotFail(t *testing.T) {
	t.Parallel()
	m := newMachine(t, time.Hour)
	m.set(0, ok, both)
	m.probe.Ask(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.probe.Ask(ctx)
	m.set(time.Hour, nobody, "")
	m.probe.Ask(t.Context())
	if got := m.probe.Signal(); got.Any() {
		t.Errorf("signal %s: it has not answered once", got)
	}
}
