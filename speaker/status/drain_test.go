// SPDX-License-Identifier: Apache-2.0

package status

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/publisher"
)

var (
	label   = drain.Signal{Kind: drain.Label, Key: "metallb.io/drain"}
	failing = drain.Signal{Kind: drain.ProxyFailing}
)

// mustBeDrained checks what the condition says of a session: status, reason and message; nothing if there is none.
func (w *world) mustBeDrained(object, want string) {
	w.t.Helper()
	var got string
	for _, c := range w.store.objects[object].Status.Conditions {
		got += string(c.Status) + " " + c.Reason + " " + c.Message
		if c.Type != v1beta1.ConditionDrained {
			w.t.Errorf("condition %s", c.Type)
		}
	}
	if got != want {
		w.t.Errorf("%s says %q, want %q", object, got, want)
	}
}

const (
	isDraining = "False Draining routers are asked to prefer other nodes before the routes are withdrawn: the node is labeled metallb.io/drain"
	isDrained  = "True Drained the node announces nothing and is safe to switch off: the node is labeled metallb.io/drain"
	isFailing  = "False ProxyFailing routers are asked to prefer other nodes, and nothing is withdrawn: the node's service proxy is not healthy"
	isStopped  = "True Drained the node announces nothing and is safe to switch off: its speaker was stopped while it drained"
)

func TestEverySessionTellsHowFarADrainIs(t *testing.T) {
	t.Parallel()
	w := established(t)
	refused := []Refusal{{"refused", "192.0.2.2", "secret a/b not found"}}
	w.Situate(Situation{Node: nodeUID, Ready: true, Refused: refused})
	w.pass(time.Minute)
	w.mustBeDrained("node-1-router", "")
	w.mustHaveWritten(1)

	began := w.clock.Now()
	w.Situate(Situation{Node: nodeUID, Ready: true, Refused: refused, Drain: Drain{Signal: label, Since: began}})
	w.pass(2 * time.Second)
	w.mustBeDrained("node-1-router", isDraining)
	w.mustBeDrained("node-1-refused", isDraining) // Though it is down, where all else waits for long.
	w.mustHaveWritten(2)
	w.pass(20 * time.Second)
	w.mustHaveWritten(0)

	over := w.clock.Now()
	w.Situate(Situation{Node: nodeUID, Ready: true, Refused: refused, Withheld: endpoint.FamilySet{true, true}, Drain: Drain{Signal: label, Drained: true, Since: over}})
	w.pass(2 * time.Second)
	w.mustBeDrained("node-1-router", isDrained)
	w.mustBeDrained("node-1-refused", isDrained)
	s := w.store.objects["node-1-router"].Status
	if diff := cmp.Diff([]corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}, s.WithheldFamilies); diff != "" || !s.Conditions[0].LastTransitionTime.Time.Equal(over) {
		t.Errorf("since %s; withheld families (-want +got):\n%s", s.Conditions[0].LastTransitionTime, diff)
	}

	w.Situate(Situation{Node: nodeUID, Ready: true, Refused: refused})
	w.pass(time.Minute)
	w.mustBeDrained("node-1-router", "")
	w.mustBeDrained("node-1-refused", "")
}

// Nobody is to switch off a node because of what was written of it a moment ago.
func TestEachPhaseOfADrainIsToldSoonHoweverShortTheLast(t *testing.T) {
	t.Parallel()
	w := established(t)
	for range 2 {
		for _, phase := range []struct {
			drain Drain
			want  string
		}{{Drain{Signal: label}, isDraining}, {Drain{Signal: label, Drained: true}, isDrained}, {Drain{}, ""}} {
			w.Situate(Situation{Node: nodeUID, Ready: true, Drain: phase.drain})
			w.pass(2 * time.Second)
			w.mustBeDrained("node-1-router", phase.want)
		}
	}
}

func TestAfterTheSpeakerANodeThatDrainedAnnouncesNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		drain Drain
		want  string
	}{
		"it serves":       {Drain{}, ""},
		"it drains":       {Drain{Signal: label}, isStopped},
		"it is drained":   {Drain{Signal: label, Drained: true}, isDrained},
		"its proxy fails": {Drain{Signal: failing}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := established(t)
			w.Situate(Situation{Node: nodeUID, Ready: true, Drain: tc.drain})
			w.pass(time.Minute)
			w.Shutdown(t.Context(), Stopped)
			w.mustBeDrained("node-1-router", tc.want)
		})
	}
}

func TestAProxyThatFailsIsNoReasonToSwitchTheNodeOff(t *testing.T) {
	t.Parallel()
	w := established(t)
	w.Situate(Situation{Node: nodeUID, Ready: true, Drain: Drain{Signal: failing}})
	w.pass(2 * time.Second)
	w.mustBeDrained("node-1-router", isFailing)
}

func TestWhenADrainIsWorthAWrite(t *testing.T) {
	t.Parallel()
	since := func(second int, d Drain) []metav1.Condition {
		d.Since = time.Date(2026, 1, 1, 0, 0, second, 0, time.UTC)
		return d.conditions()
	}
	draining, drained := Drain{Signal: label}, Drain{Signal: label, Drained: true}
	for name, tc := range map[string]struct {
		written, is []metav1.Condition
		want        publisher.Change
	}{
		"that it begins":             {nil, since(1, draining), publisher.Awaited},
		"that it is done":            {since(1, draining), since(2, drained), publisher.Awaited},
		"that it ends":               {since(1, drained), nil, publisher.Awaited},
		"another signal":             {since(1, draining), since(1, Drain{Signal: failing}), publisher.Awaited},
		"nothing":                    {since(1, drained), since(1, drained), publisher.None},
		"what another speaker found": {since(1, drained), since(2, drained), publisher.None},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, state := range []v1beta1.SessionState{v1beta1.SessionEstablished, v1beta1.SessionIdle} {
				written := v1beta1.BGPSessionStateStatus{State: state, Conditions: tc.written}
				is := v1beta1.BGPSessionStateStatus{State: state, Conditions: tc.is}
				if got := compare(&written, &is); got != tc.want {
					t.Errorf("%s: %d, want %d", state, got, tc.want)
				}
			}
		})
	}
}
