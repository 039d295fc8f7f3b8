// SPDX-License-Identifier: Apache-2.0

package dataplane_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/dataplane"
)

// Answers of service proxies.
const (
	// These are kube-proxy's: before it has programmed anything, when IPv4 is done, when both are.
	unsynced = `{"lastUpdated":"2026-01-02T03:04:05Z","currentTime":"2026-01-02T03:04:05Z","nodeEligible":true,"healthy":true}`
	onlyIPv4 = `{"nodeEligible":true,"healthy":true,"status":{"IPv4":{"lastUpdated":"2026-01-02T03:04:05Z","healthy":true}}}`
	both     = `{"nodeEligible":true,"healthy":true,"status":{"IPv4":{"healthy":true},"IPv6":{"healthy":true}}}`
	// late is that of one that falls behind, and leaving on a node that is about to be deleted.
	late    = `{"nodeEligible":true,"healthy":false,"status":{"IPv4":{"healthy":true},"IPv6":{"healthy":false}}}`
	leaving = `{"nodeEligible":false,"healthy":true,"status":{"IPv4":{"healthy":true},"IPv6":{"healthy":true}}}`
	// A new one on a node that is about to be deleted.
	leavingUnsynced = `{"nodeEligible":false,"healthy":true}`
	// These are of proxies that do not tell of families.
	old        = `{"lastUpdated": "2026-01-02 03:04:05 +0000 UTC","currentTime": "2026-01-02 03:04:05 +0000 UTC", "nodeEligible": true}`
	oldLeaving = `{"lastUpdated": "2026-01-02 03:04:05 +0000 UTC","currentTime": "2026-01-02 03:04:05 +0000 UTC", "nodeEligible": false}`
	cilium     = `{"lastUpdated": "2026-01-02 03:04:05 +0000 UTC","currentTime": "2026-01-02 03:04:05 +0000 UTC"}`
)

var (
	none  = endpoint.FamilySet{}
	all   = endpoint.FamilySet{true, true}
	ipv6  = endpoint.FamilySet{endpoint.IPv6: true}
	began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

// machine has a service proxy that answers as it is told.
type machine struct {
	*testing.T
	probe  *dataplane.Probe
	clock  *clocktesting.FakeClock
	server *httptest.Server
	// booted is how long the machine had been up when the speaker started.
	booted time.Duration
	// changes is how often the signal has changed.
	changes atomic.Int32
	// mu is held by who uses what follows.
	mu     sync.Mutex
	code   int
	answer string
	asked  int
}

func newMachine(t *testing.T, booted time.Duration) *machine {
	t.Helper()
	m := &machine{T: t, clock: clocktesting.NewFakeClock(began), booted: booted, code: http.StatusOK}
	m.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.asked++
		switch {
		case m.code == 0: // Nothing answers.
			panic(http.ErrAbortHandler)
		case r.URL.Path != "/healthz":
			w.WriteHeader(http.StatusNotFound)
		case m.code == http.StatusFound:
			http.Redirect(w, r, "/elsewhere", m.code)
		default:
			w.WriteHeader(m.code)
			fmt.Fprint(w, m.answer)
		}
	}))
	t.Cleanup(m.server.Close)
	m.probe = dataplane.NewProbe(dataplane.Options{
		URL: m.server.URL + "/healthz", Clock: m.clock,
		Uptime: func() time.Duration { return m.booted + m.clock.Since(began) }, Timeout: time.Minute,
		Changed: func() { m.changes.Add(1) },
	})
	return m
}

// questions returns how often the proxy was asked.
func (m *machine) questions() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

// set has the proxy answer so from then on, so long after the start.
func (m *machine) set(after time.Duration, code int, answer string) {
	m.mu.Lock()
	m.code, m.answer = code, answer
	m.mu.Unlock()
	m.clock.SetTime(began.Add(after))
}

// expect has the proxy asked, so long after the start.
func (m *machine) expect(after time.Duration, code int, answer string, want endpoint.FamilySet) {
	m.Helper()
	m.set(after, code, answer)
	if got := m.probe.Pending(m.Context()); got != want {
		m.Errorf("after %s, with %d %s: pending %v, want %v", after, code, answer, got, want)
	}
}

func TestAFamilyIsPendingUntilTheProxyForwardsIt(t *testing.T) {
	t.Parallel()
	const ok, unavailable = http.StatusOK, http.StatusServiceUnavailable
	for name, tc := range map[string]struct {
		code   int
		answer string
		want   endpoint.FamilySet
	}{
		"kube-proxy that has programmed nothing":                     {ok, unsynced, all},
		"kube-proxy that has programmed one family":                  {ok, onlyIPv4, ipv6},
		"kube-proxy that has programmed both":                        {ok, both, none},
		"kube-proxy that is late, of which the kernel has the rules": {unavailable, late, none},
		"kube-proxy on a node that is about to go":                   {unavailable, leaving, none},
		"kube-proxy that has programmed nothing on such a node":      {unavailable, leavingUnsynced, all},
		"an older kube-proxy":                                        {ok, old, none},
		"an older kube-proxy that is not healthy":                    {unavailable, old, all},
		"an older kube-proxy on a node that is about to go":          {unavailable, oldLeaving, none},
		"Cilium":                   {ok, cilium, none},
		"Cilium that is not ready": {unavailable, cilium, all},
		"a proxy that is healthy and says no more":        {ok, "ok\n", none},
		"a proxy that is not healthy and says no more":    {unavailable, "", all},
		"what is no health endpoint":                      {http.StatusNotFound, both, none},
		"what leads elsewhere":                            {http.StatusFound, both, none},
		"what asks for a password":                        {http.StatusUnauthorized, "", none},
		"nothing, on a machine that has been up for long": {0, "", none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newMachine(t, time.Hour).expect(0, tc.code, tc.answer, tc.want)
		})
	}
}

func TestAProxyThatForwardsIsNeverAskedAgain(t *testing.T) {
	t.Parallel()
	m := newMachine(t, 0)
	m.expect(0, http.StatusOK, unsynced, all)
	m.expect(time.Second, http.StatusServiceUnavailable, "", all)
	m.expect(2*time.Second, http.StatusOK, onlyIPv4, ipv6)
	m.expect(3*time.Second, http.StatusOK, unsynced, ipv6) // It has restarted, and the kernel forwards on.
	m.expect(4*time.Second, http.StatusOK, both, none)
	asked := m.questions()
	m.expect(time.Hour, http.StatusServiceUnavailable, unsynced, none)
	if more := m.questions() - asked; more != 0 || asked != 5 {
		t.Errorf("asked %d times, and %d times when it forwards; want 5 and 0", asked, more)
	}
}

func TestAProxyThatIsThereIsWaitedForHoweverLongItTakes(t *testing.T) {
	t.Parallel()
	m := newMachine(t, time.Hour)
	m.expect(0, http.StatusServiceUnavailable, "", all)
	m.expect(time.Hour, http.StatusServiceUnavailable, "", all)
	m.expect(2*time.Hour, 0, "", all) // It crashes.
	m.expect(3*time.Hour, http.StatusOK, cilium, none)
}

func TestAfterABootAProxyMayStartLaterThanTheSpeaker(t *testing.T) {
	t.Parallel()
	t.Run("and is waited for", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, 40*time.Second)
		m.expect(0, 0, "", all)
		m.expect(14*time.Second, 0, "", all)
		m.expect(15*time.Second, http.StatusOK, unsynced, all)
		m.expect(16*time.Second, http.StatusOK, both, none)
	})
	t.Run("or there is none", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, 40*time.Second)
		m.expect(0, 0, "", all)
		m.expect(15*time.Second, 0, "", none)
	})
	t.Run("or there is none, and the boot was a while ago", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, 5*time.Minute-2*time.Second)
		m.expect(0, 0, "", all)
		m.expect(2*time.Second, 0, "", none)
	})
}

func TestAProxyThatIsHealthyIsNotWaitedForWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer string
		want   endpoint.FamilySet
	}{"it has one family": {onlyIPv4, ipv6}, "it tells of no family": {unsynced, all}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, 0)
			m.expect(0, http.StatusOK, tc.answer, tc.want)
			m.expect(59*time.Second, http.StatusOK, tc.answer, tc.want)
			m.expect(time.Minute, http.StatusOK, tc.answer, none)
		})
	}
}

func TestAQuestionEndsWithTheSpeaker(t *testing.T) {
	t.Parallel()
	m := newMachine(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := m.probe.Pending(ctx); got != all || m.questions() > 0 {
		t.Errorf("pending %v after %d questions", got, m.questions())
	}
}

func TestTheMachineHasBeenUpForAWhile(t *testing.T) {
	t.Parallel()
	if first, second := dataplane.Uptime(), dataplane.Uptime(); first <= 0 || second < first {
		t.Errorf("up for %s, then %s", first, second)
	}
}
