// SPDX-License-Identifier: Apache-2.0

package node

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/status"
)

// drive is a drainer whose policy is put to use when the test says so.
type drive struct {
	*testing.T
	*drainer
	began time.Time
	// isBehind is whether a session is, compiled how often the policy was to be compiled again.
	isBehind atomic.Bool
	compiled atomic.Int32
	told     []transition
}

func drove(t *testing.T, test func(*drive)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &drive{T: t, began: time.Now()}
		d.drainer = newDrainer(10*time.Second, d.isBehind.Load, func() { d.compiled.Add(1) }, func(tr transition) { d.told = append(d.told, tr) })
		test(d)
		d.stop()
	})
}

// give has the signal looked at, and what follows put to use.
func (d *drive) give(signal drain.Signal, starts bool, want policy.Drain) {
	d.Helper()
	got := d.decide(d.Context(), &corev1.Node{}, signal, starts)
	if got != want {
		d.Errorf("after %s: the policy %+v, want %+v", time.Since(d.began), got, want)
	}
	d.applied(got)
}

// expect lets the time pass, and says how far the node is then, and how often the policy was to be compiled again in all.
func (d *drive) expect(after time.Duration, want phase, compiled int32) {
	d.Helper()
	<-time.After(after)
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.phase != want || d.compiled.Load() != compiled {
		d.Errorf("after %s: phase %d, compiled %d times; want %d and %d", time.Since(d.began), d.phase, d.compiled.Load(), want, compiled)
	}
}

// since are what was told, each with the seconds from the begin.
func (d *drive) since() (all []string) {
	for _, t := range d.told {
		switch {
		case !t.now.Signal.Any():
			all = append(all, "serving")
		default:
			what := map[bool]string{true: "drained", false: "draining"}[t.now.Drained]
			all = append(all, what+" since "+t.now.Since.Sub(d.began).String()+" "+t.now.Signal.Kind.String())
		}
	}
	return all
}

var (
	label    = drain.Signal{Kind: drain.Label, Key: "metallb.io/drain"}
	taint    = drain.Signal{Kind: drain.Taint, Key: "t"}
	failing  = drain.Signal{Kind: drain.ProxyFailing}
	draining = policy.Drain{Leaving: label, Draining: true}
	gone     = policy.Drain{Leaving: label, Draining: true, Drained: true}
)

func TestTheDelayBeginsWhenEverySessionHasBeenTold(t *testing.T) {
	t.Parallel()
	drove(t, func(d *drive) {
		d.give(drain.Signal{}, true, policy.Drain{})
		d.isBehind.Store(true)
		d.give(label, false, draining)
		d.expect(time.Second, telling, 0)
		d.isBehind.Store(false)
		d.advance() // The session has taken it up.
		d.expect(10*time.Second-1, waiting, 0)
		d.isBehind.Store(true)
		d.expect(1, withdrawing, 1)
		d.expect(time.Hour, withdrawing, 1) // The policy is not in use yet.
		d.give(label, false, gone)
		d.expect(time.Hour, withdrawing, 1) // The session hangs, and is up.
		d.isBehind.Store(false)
		d.advance()
		d.expect(time.Hour, drained, 1)
		want := []string{"draining since 0s Label", "drained since 2h0m11s Label"}
		if diff := cmp.Diff(want, d.since()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

func TestASessionThatHangsDelaysADrainALittle(t *testing.T) {
	t.Parallel()
	drove(t, func(d *drive) {
		d.give(drain.Signal{}, true, policy.Drain{})
		d.isBehind.Store(true)
		d.give(label, false, draining)
		d.expect(2*time.Second-1, telling, 0)
		d.expect(1, waiting, 0)
		d.expect(10*time.Second, withdrawing, 1)
		d.give(label, false, gone)
		d.isBehind.Store(false) // It goes down, of which nobody tells.
		d.expect(2*time.Second, drained, 1)
	})
}

func TestASignalThatEndsEndsTheDrainAtOnce(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"while routers get time": 5 * time.Second, "when all is withdrawn": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drove(t, func(d *drive) {
				d.give(drain.Signal{}, true, policy.Drain{})
				d.give(label, false, draining)
				<-time.After(after)
				synctest.Wait()
				if after > d.delay {
					d.give(label, false, gone)
				}
				before := d.compiled.Load()
				d.give(drain.Signal{}, false, policy.Drain{})
				d.expect(time.Hour, serving, before)
				if got := d.since(); got[len(got)-1] != "serving" {
					t.Errorf("told %v", got)
				}
				d.give(label, false, draining)
				d.expect(10*time.Second-1, waiting, before)
			})
		})
	}
}

func TestASpeakerThatStartsOnANodeThatLeavesIsDrainedAtOnce(t *testing.T) {
	t.Parallel()
	drove(t, func(d *drive) {
		d.give(label, true, gone)
		d.expect(0, drained, 0)
		for _, transition := range d.told {
			if !transition.found {
				t.Errorf("told %+v as if it had just happened", transition)
			}
		}
		d.give(drain.Signal{}, false, policy.Drain{})
		d.give(label, false, draining)
		if last := d.told[len(d.told)-1]; last.found {
			t.Error("what happens later is told as if the speaker had found it")
		}
	})
}

func TestNothingIsWithdrawnForAProxyThatFails(t *testing.T) {
	t.Parallel()
	drove(t, func(d *drive) {
		d.give(drain.Signal{}, true, policy.Drain{})
		d.give(failing, false, policy.Drain{Draining: true})
		d.expect(time.Hour, waiting, 0)
		d.give(drain.Signal{}, false, policy.Drain{})
		d.give(failing, false, policy.Drain{Draining: true})
		d.expect(11*time.Second, waiting, 0)
		d.give(label, false, gone) // The routers have had time already.
		d.expect(0, drained, 0)
		d.give(failing, false, policy.Drain{Draining: true})
		d.expect(time.Hour, waiting, 0)
		want := []string{
			"draining since 0s ProxyFailing", "serving", "draining since 1h0m0s ProxyFailing", "draining since 1h0m0s Label", "drained since 1h0m11s Label",
			"draining since 1h0m11s ProxyFailing",
		}
		if diff := cmp.Diff(want, d.since()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

func TestAnotherSignalDoesNotBeginADrainAnew(t *testing.T) {
	t.Parallel()
	drove(t, func(d *drive) {
		d.give(drain.Signal{}, true, policy.Drain{})
		d.give(label, false, draining)
		<-time.After(9 * time.Second)
		d.give(taint, false, policy.Drain{Leaving: taint, Draining: true})
		d.expect(time.Second, withdrawing, 1)
		if d.told[1].before != (status.Drain{Signal: label, Since: d.began}) {
			t.Errorf("told %+v", d.told)
		}
	})
}

func TestASpeakerThatStopsGoesNoFurther(t *testing.T) {
	t.Parallel()
	drove(t, func(d *drive) {
		d.give(drain.Signal{}, true, policy.Drain{})
		d.give(label, false, draining)
		d.stop()
		d.expect(time.Hour, waiting, 0)
	})
}

func TestAPolicyThatWithdrawsNothingDrainsNoNode(t *testing.T) {
	t.Parallel()
	drove(t, func(d *drive) {
		d.give(drain.Signal{}, true, policy.Drain{})
		d.give(label, false, draining)
		d.expect(10*time.Second-1, waiting, 0)
		decided := d.decide(d.Context(), &corev1.Node{}, label, false) // Something else has changed, for which the policy is compiled.
		d.expect(1, withdrawing, 1)
		d.applied(decided) // It is of before the delay had passed.
		d.expect(time.Hour, withdrawing, 1)
		d.isBehind.Store(true)
		d.give(label, false, gone)
		d.expect(time.Hour, withdrawing, 1)
		d.isBehind.Store(false)
		d.advance()
		d.expect(0, drained, 1)
	})
}
