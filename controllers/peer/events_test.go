// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

// moment is what a peer is like at a time, and the event that is wanted then.
type moment struct {
	at    time.Duration
	is    func(*index)
	event string
}

// lacking makes the nodes that select the peer, of three, lack their session, and no others.
func lacking(names ...string) func(*index) {
	return func(x *index) {
		for _, name := range []string{"node-1", "node-2", "node-3"} {
			x.setNode(nodeOf(name, "1", false))
			s := state(name, v1beta1.SessionEstablished, "")
			if slices.Contains(names, name) {
				s = state(name, v1beta1.SessionActive, "connection refused")
			}
			x.setSession(name, &s)
		}
		x.setPeer(builder.MakePeer("router", "192.0.2.1").Obj())
	}
}

// nobody makes the peer select no node.
func nobody(x *index) {
	x.setPeer(builder.MakePeer("router", "192.0.2.1").NodesWithLabel("rack", "9").Obj())
}

// invalid makes the peer invalid.
func invalid(x *index) {
	x.setPeer(builder.MakePeer("router", "nonsense").Obj())
	for _, name := range []string{"node-1", "node-2", "node-3"} {
		x.setSession(name, nil)
	}
}

func TestAnEventTellsOnceOfWhatLasts(t *testing.T) {
	t.Parallel()
	const warning, normal = corev1.EventTypeWarning, corev1.EventTypeNormal
	for name, moments := range map[string][]moment{
		"a peer that comes up in time": {{0, lacking("node-1"), ""}, {9 * time.Second, lacking(), ""}, {time.Hour, lacking(), ""}},
		"a peer that does not, and then does": {
			{0, lacking("node-1"), ""}, {9 * time.Second, lacking("node-1"), ""}, {10 * time.Second, lacking("node-1"), warning},
			{11 * time.Second, lacking("node-1", "node-2"), ""}, {time.Hour, lacking("node-2"), ""}, {2 * time.Hour, lacking(), normal},
			{3 * time.Hour, lacking(), ""}, {3*time.Hour + time.Second, lacking("node-1"), ""}, {4 * time.Hour, lacking("node-1"), warning},
		},
		"a rolling update, in which at no time all sessions are seen to be established": {
			{0, lacking(), ""}, {1 * time.Second, lacking("node-1"), ""}, {6 * time.Second, lacking("node-1", "node-2"), ""},
			{8 * time.Second, lacking("node-2"), ""}, {13 * time.Second, lacking("node-3"), ""}, {22 * time.Second, lacking("node-3"), ""},
			{22500 * time.Millisecond, lacking(), ""},
		},
		"a node of a rolling update that does not come back": {
			{0, lacking("node-1"), ""}, {8 * time.Second, lacking("node-2"), ""}, {17 * time.Second, lacking("node-2"), ""},
			{18 * time.Second, lacking("node-2", "node-3"), warning},
		},
		"no node is selected, and then one": {
			{0, nobody, ""}, {10 * time.Second, nobody, warning}, {11 * time.Second, lacking("node-1"), ""},
			{12 * time.Second, lacking(), normal},
		},
		"a peer that is not valid, of which another event tells": {
			{0, invalid, ""}, {time.Hour, invalid, ""}, {2 * time.Hour, lacking(), ""},
		},
		"a peer that becomes invalid while it lacks sessions": {
			{0, lacking("node-1"), ""}, {time.Minute, lacking("node-1"), warning}, {time.Hour, invalid, ""}, {2 * time.Hour, lacking(), normal},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Unix(1000, 0)
			clock := clocktesting.NewFakePassiveClock(start)
			x := newIndex(clock)
			o := newOutage(builder.MakePeer("router", "192.0.2.1").Obj(), start)
			for _, m := range moments {
				clock.SetTime(start.Add(m.at))
				m.is(x)
				s, _ := x.summary("router")
				event, wait := o.observe(s, clock.Now())
				if event != m.event {
					t.Errorf("after %s the event is %q, want %q", m.at, event, m.event)
				}
				if wait < 0 || wait > holdTime || wait > 0 && event != "" {
					t.Errorf("after %s and event %q it is looked at again after %s", m.at, event, wait)
				}
			}
		})
	}
}

// A controller that takes over goes on where the one before it has ended, of which it knows what is written only.
func TestAnEventIsNotSentAgainByAnotherController(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	for name, tt := range map[string]struct {
		status metav1.ConditionStatus
		since  time.Duration
		is     func(*index)
		event  string
	}{
		"not ready for long":             {"False", time.Minute, lacking("node-1"), ""},
		"not ready for long, but is now": {"False", time.Minute, lacking(), corev1.EventTypeNormal},
		"not ready for a moment":         {"False", time.Second, lacking(), ""},
		"ready":                          {"True", time.Minute, lacking(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := builder.MakePeer("router", "192.0.2.1").Obj()
			p.Status.Conditions = []metav1.Condition{{
				Type: v1beta1.ConditionReady, Status: tt.status, LastTransitionTime: metav1.NewTime(now.Add(-tt.since)),
			}}
			x := newIndex(clocktesting.NewFakePassiveClock(now))
			tt.is(x)
			is, _ := x.summary("router")
			o := newOutage(p, now)
			if event, _ := o.observe(is, now); event != tt.event {
				t.Errorf("the event is %q, want %q", event, tt.event)
			}
			if event, _ := o.observe(is, now.Add(time.Hour)); tt.status == "False" && tt.since > holdTime && event != "" {
				t.Errorf("an hour later the event is %q", event)
			}
		})
	}
}

func TestAPodRunsWhileItsProgramsDo(t *testing.T) {
	t.Parallel()
	running := corev1.ContainerStatus{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	waiting := corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}}
	for name, tt := range map[string]struct {
		status corev1.PodStatus
		want   bool
	}{
		"running":               {corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{running}}, true},
		"one of two crashes":    {corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{running, waiting}}, false},
		"nothing is told of it": {corev1.PodStatus{Phase: corev1.PodPending}, false},
		"failed":                {corev1.PodStatus{Phase: corev1.PodFailed}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stripped, err := StripPod(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "speaker", Labels: map[string]string{"a": "b"}}, Status: tt.status})
			if err != nil {
				t.Fatal(err)
			}
			p, ok := stripped.(*corev1.Pod)
			if !ok || p.Name != "speaker" || p.Labels != nil {
				t.Fatalf("stripped to %v", stripped)
			}
			if got := runs(p); got != tt.want {
				t.Errorf("runs: %t, want %t", got, tt.want)
			}
		})
	}
	if other, err := StripPod("something else"); err != nil || other != "something else" {
		t.Errorf("what is no pod is changed to %v, %v", other, err)
	}
}
