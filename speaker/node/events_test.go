// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/speaker/announce"
	"metallb.io/metallb/speaker/policy"
)

func TestALongReasonOfARejectionFitsIntoAnEvent(t *testing.T) {
	t.Parallel()
	recorder := events.NewFakeRecorder(1)
	w := newEventWriter(recorder, "node-1", func() {})
	w.rejected(&v1beta1.IPAddressPool{}, policy.Rejection{Reason: strings.Repeat("100% wrong; ", message.MaxLength)})
	const head = "Warning InvalidConfig "
	note, found := strings.CutPrefix(<-recorder.Events, head)
	if !found || !strings.HasPrefix(note, `not in use on node "node-1": 100% wrong; `) || !strings.HasSuffix(note, "…") || len(note) > message.MaxLength {
		t.Errorf("%d bytes: %.80s", len(note), note)
	}
}

func aService() *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "1", ResourceVersion: "1"}}
}

func TestAnEventNamesThePeers(t *testing.T) {
	t.Parallel()
	many := make([]string, 0, maxPeers+2)
	for i := range maxPeers + 2 {
		many = append(many, fmt.Sprint(i))
	}
	for name, tc := range map[string]struct {
		told, waiting []string
		want          string
	}{
		"one":                     {told: []string{"a"}, want: ` to "a"`},
		"several":                 {told: []string{"a", "b"}, want: ` to "a", "b"`},
		"one that has no session": {told: []string{"a"}, waiting: []string{"b"}, want: ` to "a", once the session is established, to "b"`},
		"none that has":           {waiting: []string{"a", "b"}, want: `, once the session is established, to "a", "b"`},
		"too many":                {told: many, want: ` to "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" and 2 more`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := events.NewFakeRecorder(1)
			newEventWriter(recorder, "node-1", func() {}).assigned(aService(), tc.told, tc.waiting)
			if got, want := <-recorder.Events, `Normal nodeAssigned announcing from node "node-1" with protocol "bgp"`+tc.want; got != want {
				t.Errorf("the event is\n%s, want\n%s", got, want)
			}
		})
	}
}

func TestEventsAreBoundedAndWarningsApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		recorder, dropped := events.NewFakeRecorder(10*eventBurst), 0
		w := newEventWriter(recorder, "node-1", func() { dropped++ })
		for range 2 * eventBurst {
			w.assigned(aService(), []string{"a"}, nil)
		}
		if got := len(told(recorder)); got != eventBurst || dropped != eventBurst {
			t.Errorf("%d events and %d dropped", got, dropped)
		}
		w.unassigned(aService(), announce.NoEndpoints)
		if got := told(recorder); len(got) != 1 || !strings.HasPrefix(got[0], "Warning nodeUnassigned") {
			t.Errorf("of a warning the events are %q", got)
		}
		time.Sleep(10 * time.Second) //nolint:forbidigo // The clock is the test's.
		for range eventBurst {
			w.assigned(aService(), []string{"a"}, nil)
		}
		if got := len(told(recorder)); got != 10*eventsPerSecond {
			t.Errorf("%d events after ten seconds", got)
		}
	})
}

func told(recorder *events.FakeRecorder) []string {
	var all []string
	for len(recorder.Events) > 0 {
		all = append(all, <-recorder.Events)
	}
	return all
}

// sink takes what is written of events.
type sink struct {
	written chan string
}

func (s *sink) Create(_ context.Context, e *eventsv1.Event) (*eventsv1.Event, error) {
	s.written <- "new: " + e.Note
	return e, nil
}

func (s *sink) Update(_ context.Context, e *eventsv1.Event) (*eventsv1.Event, error) { return e, nil }

func (s *sink) Patch(_ context.Context, e *eventsv1.Event, _ []byte) (*eventsv1.Event, error) {
	s.written <- fmt.Sprintf("%d times: %s", e.Series.Count, e.Note)
	return e, nil
}

// What client-go makes of events: it writes one for all that differ in the note alone.
func TestEveryReasonForAnEndIsWrittenAndWhatIsRepeatedIsNot(t *testing.T) {
	t.Parallel()
	s := &sink{written: make(chan string, 10)}
	broadcaster := events.NewBroadcaster(s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		t.Fatal(err)
	}
	defer broadcaster.Shutdown()
	w := newEventWriter(broadcaster.NewRecorder(scheme.Scheme, "metallb-speaker"), "node-1", func() {})
	end := func(reason announce.Reason) string {
		return fmt.Sprintf("no longer announcing from node %q with protocol %q: %s (%s)", "node-1", "bgp", reason.Describe(), reason)
	}
	reasons := []announce.Reason{announce.NoLocalEndpoints, announce.NodeExcluded, announce.NoLocalEndpoints}
	got := make([]string, 0, len(reasons)+1)
	for _, reason := range reasons {
		w.unassigned(aService(), reason)
		got = append(got, <-s.written)
	}
	for range 100 {
		w.unassigned(aService(), announce.NoLocalEndpoints)
	}
	w.unassigned(aService(), announce.NoEndpoints)
	got = append(got, <-s.written)
	want := []string{
		"new: " + end(announce.NoLocalEndpoints), "new: " + end(announce.NodeExcluded), "2 times: " + end(announce.NoLocalEndpoints),
		"new: " + end(announce.NoEndpoints),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}
