// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/session"
	bgptest "metallb.io/metallb/test/bgp"
)

func TestMain(m *testing.M) {
	bgptest.Isolate()
	// What GoBGP leaves behind now and then: see package gobgp.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/eapache/channels.(*InfiniteChannel).infiniteBuffer"))
}

func TestASessionThatComesUpAtOnceIsWrittenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(session.Idle, "", 0)
	w.pass(time.Minute)
	if w.store.lists != 0 || len(w.objects()) != 0 {
		t.Error("something is asked or written before the situation is known")
	}
	w.Situate(Situation{Node: nodeUID, Ready: true})
	w.set(session.Active, "", 0)
	w.pass(2 * time.Second)
	w.up()
	w.pass(2 * time.Second)
	w.mustStore("Established ")
	w.mustHaveWritten(1)
	w.pass(5 * time.Minute)
	w.mustHaveWritten(0)
	got := w.store.objects["node-1-router"].Status
	if got.AdvertisedIPv4 != 1 || got.AdvertisedIPv6 != 0 || got.HoldTime.Duration != 90*time.Second || got.PeerRouterID != "192.0.2.1" ||
		got.LocalRouterID != "198.51.100.1" || len(got.Families) != 1 || got.Node != "node-1" || got.Peer != "router" || got.Address != "192.0.2.1" ||
		got.BFDStatus != v1beta1.BFDUp {
		t.Errorf("status is %+v", got)
	}
}

func TestASessionThatCannotComeUpIsToldOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Situate(Situation{Node: nodeUID, Ready: true})
	w.set(session.Active, "", 0)
	w.pass(time.Second)
	w.set(session.Active, "connection refused", 0)
	w.pass(2 * time.Second)
	w.mustStore("Active connection refused")
	w.mustHaveWritten(1)
}

// established is a world whose session has been up for a while.
func established(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.Situate(Situation{Node: nodeUID, Ready: true})
	w.up()
	w.pass(time.Minute)
	w.mustStore("Established ")
	w.mustHaveWritten(1)
	return w
}

// Nobody is to take an error that is over for one that lasts.
func TestAnErrorIsToldWithItsTimeForAsLongAsItLasts(t *testing.T) {
	t.Parallel()
	w := established(t)
	mustSay := func(want string, at time.Time) {
		t.Helper()
		s := w.store.objects["node-1-router"].Status
		if s.LastError != want || (s.LastErrorTime == nil) != at.IsZero() || s.LastErrorTime != nil && !s.LastErrorTime.Time.Equal(at) {
			t.Errorf("the last error is %q of %s, want %q of %s", s.LastError, s.LastErrorTime, want, at)
		}
	}
	lost := w.clock.Now()
	w.down()
	w.pass(time.Minute)
	mustSay("connection lost", lost)
	w.mustHaveWritten(1)
	for range 60 {
		w.down() // The next attempt fails in the same way.
		w.pass(time.Minute)
	}
	mustSay("connection lost", lost)
	w.mustHaveWritten(0)

	w.set(session.Established, "connection lost", 1) // The session remembers it.
	w.pass(time.Minute)
	mustSay("", time.Time{})
	useless := w.sessions["router"]
	useless.Carried, useless.LastError, useless.LastErrorTime = bgp.Families{}, "peer does not take IPv4 routes", w.clock.Now()
	w.change(useless)
	w.pass(time.Minute)
	mustSay(useless.LastError, useless.LastErrorTime)

	w.Situate(Situation{Node: nodeUID, Ready: true, Refused: []Refusal{{"refused", "192.0.2.2", "secret a/b not found"}}})
	w.pass(time.Minute)
	if s := w.store.objects["node-1-refused"].Status; s.LastErrorTime == nil || !s.LastErrorTime.Equal(s.Since) {
		t.Errorf("of the peer that is refused it says %+v", s)
	}
	w.Shutdown(t.Context(), Stopped)
	mustSay(Stopped, w.clock.Now())
}

func TestATransitionIsWrittenSoonAndTheNextNotTooSoon(t *testing.T) {
	t.Parallel()
	w := established(t)
	w.down()
	w.pass(2 * time.Second)
	w.mustStore("Idle connection lost")
	w.set(session.Active, "connection refused", 0)
	w.pass(5 * time.Second)
	w.mustStore("Idle connection lost")
	w.pass(6 * time.Second)
	w.mustStore("Active connection refused")
	w.mustHaveWritten(2)
	w.up()
	w.pass(12 * time.Second)
	w.mustStore("Established ")
	w.mustHaveWritten(1)
}

func TestWhatIsOverBeforeItsWriteIsNotWritten(t *testing.T) {
	t.Parallel()
	w := established(t)
	before := w.sessions["router"]
	w.down()
	w.change(before)
	w.look()
	w.pass(time.Minute)
	w.mustHaveWritten(0)
}

func TestASessionThatStaysDownIsWrittenMoreAndMoreSeldom(t *testing.T) {
	t.Parallel()
	w := established(t)
	for i := range 3600 {
		w.set(session.Active, []string{"connection refused", "connect timed out"}[i%2], 0)
		w.pass(time.Second)
	}
	// After 10, 20, 40, 80 and 160 s, and then every 320 s.
	if n := len(w.store.writes); n < 10 || n > 18 {
		t.Errorf("%d writes in an hour", n)
	}
	w.store.writes = nil
	w.up()
	w.pass(12 * time.Second)
	w.mustStore("Established ")
	w.mustHaveWritten(1)
	for i := range 100 {
		w.set([]session.FSM{session.Idle, session.Active}[i%2], "connection refused", 0)
		w.look()
	}
	w.pass(12 * time.Second)
	w.mustHaveWritten(1)
}

func TestNumbersOfPrefixesRideAlongOrAreWrittenSeldom(t *testing.T) {
	t.Parallel()
	w := established(t)
	for i := range 120 {
		w.set(session.Established, "", 2+i)
		w.pass(time.Second)
	}
	if n := len(w.store.writes); n < 3 || n > 5 {
		t.Errorf("%d writes in two minutes: %v", n, w.store.writes)
	}
	w.pass(time.Minute)
	if got := w.store.objects["node-1-router"].Status.AdvertisedIPv4; got != 121 {
		t.Errorf("%d prefixes are told", got)
	}
}

func TestTheStatesOfPeersThatAreGoneAreDeleted(t *testing.T) {
	t.Parallel()
	w := established(t)
	w.store.put("node-1-stale", nodeUID, "stale", v1beta1.BGPSessionStateStatus{Peer: "stale"})
	w.store.put("node-1-router-twice", nodeUID, "router", v1beta1.BGPSessionStateStatus{Peer: "router"})
	delete(w.sessions, "router")
	w.setPeer("other", session.Established, "", 1)
	w.pass(time.Hour)
	if diff := cmp.Diff([]string{"node-1-other"}, w.objects()); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestAnObjectThatNobodyWantsIsDeletedOnceThatWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.put("node-1-stale", nodeUID, "stale", v1beta1.BGPSessionStateStatus{Peer: "stale"})
	w.store.failDelete = errors.New("the API server is away")
	w.Situate(Situation{Node: nodeUID, Ready: true})
	w.pass(5 * time.Minute)
	if n := w.store.lists; n < 10 || n > 25 {
		t.Errorf("%d attempts in five minutes", n)
	}
	w.store.failDelete = nil
	w.pass(31 * time.Second)
	if diff := cmp.Diff([]string{}, w.objects()); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestAStartedSpeakerTakesOverWhatIsThere(t *testing.T) {
	t.Parallel()
	w := established(t)
	next := newWorld(t)
	next.store.objects = w.store.objects
	next.store.put("node-1-stale", nodeUID, "stale", v1beta1.BGPSessionStateStatus{})
	next.store.put("node-1-orphan", "uid-of-an-earlier-node", "orphan", v1beta1.BGPSessionStateStatus{})
	next.clock.SetTime(w.clock.Now())
	next.sessions["router"], next.sessions["orphan"] = w.sessions["router"], w.sessions["router"]
	orphan := next.sessions["orphan"]
	orphan.Peer = "orphan"
	next.sessions["orphan"] = orphan
	next.Situate(Situation{Node: nodeUID, Ready: true})
	next.pass(time.Minute)
	next.mustHaveWritten(1) // Of the orphan.
	if diff := cmp.Diff([]string{"node-1-orphan", "node-1-router"}, next.objects()); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// What one session does costs what it is: the others are not looked at, how many there may be.
func TestOnlyTheSessionThatHasChangedIsLookedAt(t *testing.T) {
	t.Parallel()
	w := established(t)
	w.setPeer("other", session.Established, "", 1)
	w.Situate(Situation{Node: nodeUID, Ready: true}) // There is another session.
	w.pass(time.Minute)
	w.mustHaveWritten(1)
	read := w.read
	unseen := w.sessions["other"]
	unseen.PeerRouterID = netip.MustParseAddr("192.0.2.9") // Nobody has told of it.
	w.sessions["other"] = unseen
	for range 5 {
		w.down()
		w.pass(20 * time.Second)
		w.up()
		w.pass(20 * time.Second)
	}
	w.mustHaveWritten(10)
	if w.read != read {
		t.Errorf("all sessions were looked at %d times", w.read-read)
	}
	w.pass(time.Hour) // All is read again, in case.
	w.mustHaveWritten(1)
}

// What is said of a session that has ended may come after it was said that it has.
func TestASessionThatHasEndedStaysEnded(t *testing.T) {
	t.Parallel()
	w := established(t)
	last := w.sessions["router"]
	delete(w.sessions, "router")
	w.Situate(Situation{Node: nodeUID, Ready: true})
	w.look()
	w.Observe(last)
	w.pass(3 * time.Second)
	w.Observe(last)
	w.pass(time.Minute)
	w.mustHaveWritten(0)
	if diff := cmp.Diff([]string{}, w.objects()); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestThePeerThatIsRefusedIsToldWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refused := Situation{Node: nodeUID, Ready: true, Refused: []Refusal{{"router", "192.0.2.1", "secret a/b not found"}}}
	w.Situate(refused)
	w.pass(2 * time.Second)
	w.mustStore("Idle secret a/b not found")
	w.Situate(refused)
	w.pass(time.Minute)
	w.mustHaveWritten(1)
	w.Situate(Situation{Node: nodeUID, Ready: true})
	w.up()
	w.pass(2 * time.Second)
	w.mustStore("Established ")
}

func TestASpeakerIsSilentWhileItsNodeIsNotReadyAndThenCorrectsWhatOthersWrote(t *testing.T) {
	t.Parallel()
	w := established(t)
	w.Situate(Situation{Node: nodeUID, Ready: false})
	unknown := w.store.objects["node-1-router"]
	unknown.Status = v1beta1.BGPSessionStateStatus{State: v1beta1.SessionUnknown, LastError: "node is not ready"}
	w.store.objects[unknown.Name] = unknown
	w.down()
	w.up()
	w.pass(time.Hour)
	w.mustHaveWritten(0)
	w.Situate(Situation{Node: nodeUID, Ready: true})
	w.pass(5 * time.Second)
	w.mustStore("Established ")
	w.store.objects[unknown.Name] = unknown // The controller has not noticed in time.
	w.pass(15 * time.Second)
	w.mustStore("Established ")

	w.Situate(Situation{Node: "uid-2", Ready: true})
	w.pass(time.Minute)
	if o := w.store.objects[unknown.Name]; len(o.OwnerReferences) != 1 || o.OwnerReferences[0].UID != "uid-2" || len(w.objects()) != 1 {
		t.Errorf("of another node of the same name there is %v", w.store.objects)
	}
}

func TestWhatFailsIsTriedAgainAndLessOften(t *testing.T) {
	t.Parallel()
	w := established(t)
	w.store.fail = errors.New("the API server is away")
	w.down()
	w.pass(5 * time.Minute)
	w.mustHaveWritten(0)
	w.store.fail = nil
	w.pass(31 * time.Second)
	w.mustStore("Idle connection lost")

	delete(w.store.objects, "node-1-router")
	w.up()
	w.pass(20 * time.Second)
	w.mustStore("Established ")

	away := newWorld(t)
	away.store.fail = w.store.fail
	away.store.fail = errors.New("the API server is away")
	away.Situate(Situation{Node: nodeUID, Ready: true})
	away.up()
	away.pass(5 * time.Minute)
	if n := away.store.lists; n < 10 || n > 25 {
		t.Errorf("%d attempts in five minutes", n)
	}
	away.store.fail = nil
	away.pass(33 * time.Second)
	away.mustStore("Established ")
}

func TestAShutdownSaysOnceThatSessionsAreIdle(t *testing.T) {
	t.Parallel()
	w := established(t)
	w.setPeer("idle", session.Idle, "connection refused", 0)
	w.pass(time.Minute)
	w.store.writes = nil
	w.Shutdown(t.Context(), Stopped)
	w.mustHaveWritten(1)
	w.mustStore("Idle " + Stopped)
	if s := w.store.objects["node-1-router"].Status; s.AdvertisedIPv4 != 0 || s.HoldTime != nil || !s.Since.Time.Equal(w.clock.Now()) {
		t.Errorf("status is %+v", s)
	}
	newWorld(t).Shutdown(t.Context(), Stopped) // Of a reporter that never came to anything.
}

// Nobody but the pod that is named stands behind what is said.
func TestWhatIsSaidNamesThePod(t *testing.T) {
	t.Parallel()
	pods := func(w *world) []string {
		return []string{w.store.objects["node-1-router"].Status.Pod, w.store.objects["node-1-idle"].Status.Pod, w.store.objects["node-1-refused"].Status.Pod}
	}
	w := newWorld(t)
	start := func(pod string) {
		w.options.Pod = pod
		w.Situate(Situation{Node: nodeUID, Ready: true, Refused: []Refusal{{Peer: "refused", Reason: "secret not found"}}})
	}
	start("speaker-1")
	w.up()
	w.setPeer("idle", session.Idle, "connection refused", 0)
	w.pass(time.Minute)
	if diff := cmp.Diff([]string{"speaker-1", "speaker-1", "speaker-1"}, pods(w)); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}

	// It is killed, and another takes over what it has said.
	objects, sessions := w.store.objects, w.sessions
	w = newWorldOf(t, thisNode, w.clock, rand.New(rand.NewPCG(3, 4)))
	w.store.objects = objects
	maps.Copy(w.sessions, sessions)
	start("speaker-2")
	w.pass(4 * time.Second)
	if diff := cmp.Diff([]string{"speaker-2", "speaker-2", "speaker-2"}, pods(w)); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}

	w.Shutdown(t.Context(), Stopped)
	if diff := cmp.Diff([]string{"", "", ""}, pods(w)); diff != "" {
		t.Errorf("pods of a speaker that has stopped in good order (-want +got):\n%s", diff)
	}
}

func TestTheReporterRunsUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sessions["router"] = session.State{Peer: "router", FSM: session.Established}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Start(ctx) }()
	w.Situate(Situation{Node: nodeUID, Ready: true})
	for !w.clock.HasWaiters() {
		w.Observe(w.sessions["router"])
	}
	w.clock.Step(5 * time.Second)
	for !w.clock.HasWaiters() {
		w.Observe(w.sessions["router"])
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	w.mustHaveWritten(1)
}
