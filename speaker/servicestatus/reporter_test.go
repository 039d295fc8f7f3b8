// SPDX-License-Identifier: Apache-2.0

package servicestatus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/speaker/status"
)

func TestThePeersAreToldOfWhoHaveASessionThatCarriesTheService(t *testing.T) {
	t.Parallel()
	w := started(t, of("web", "rack", "spine"))
	w.down("spine")
	w.sessions["deaf"] = session.State{Peer: "deaf", Address: w.sessions["rack"].Address, FSM: session.Established}
	w.Announce(of("api", "deaf"))
	w.pass(2 * time.Second)
	w.mustTell("api: ", "web: rack")
	w.mustHaveWritten(2)

	w.up("spine")
	w.pass(15 * time.Second)
	w.mustTell("api: ", "web: rack spine")
	w.mustHaveWritten(1)
	w.pass(5 * time.Minute)
	w.mustHaveWritten(0)
}

func TestAServiceThatIsNotAnnouncedAnyMoreIsNotToldOf(t *testing.T) {
	t.Parallel()
	w := started(t, of("web", "rack"))
	w.Announce(of("api", "rack"))
	w.pass(30 * time.Second)
	w.mustTell("api: rack", "web: rack")
	w.Announce(of("web"))
	w.pass(2 * time.Second)
	w.mustTell("api: rack")
	w.Announce(of("web", "spine"))
	w.pass(2 * time.Second)
	w.mustTell("api: rack", "web: spine")
	w.mustHaveWritten(4)
}

func TestWhatIsOverBeforeItsWriteIsNotWritten(t *testing.T) {
	t.Parallel()
	w := started(t, of("web", "rack"))
	w.pass(time.Minute)
	w.store.writes = nil
	w.Announce(of("web"))
	w.Announce(of("api", "rack"))
	w.down("rack")
	w.publisher.Step(t.Context())
	w.Announce(of("web", "rack"))
	w.Announce(of("api"))
	w.up("rack")
	w.pass(time.Minute)
	w.mustTell("web: rack")
	w.mustHaveWritten(0)
}

// What one session does costs the services that are announced to its peer, and no other is looked at.
func TestOnlyTheSessionThatHasChangedIsLookedAt(t *testing.T) {
	t.Parallel()
	w := started(t, of("web", "rack"))
	w.Announce(of("api", "spine"))
	w.pass(time.Minute)
	w.store.writes = nil
	read := w.read
	unseen := w.sessions["spine"]
	unseen.FSM = session.Idle // Nobody has told of it.
	w.sessions["spine"] = unseen
	for range 5 {
		w.down("rack")
		w.pass(20 * time.Second)
		w.up("rack")
		w.pass(20 * time.Second)
	}
	w.mustTell("api: spine", "web: rack")
	w.mustHaveWritten(10)
	if w.read != read {
		t.Errorf("all sessions were looked at %d times", w.read-read)
	}
}

func TestTheServicesOfASessionThatComesOrGoesAreToldOfAnew(t *testing.T) {
	t.Parallel()
	w := started(t, of("web", "rack", "late"))
	w.pass(time.Minute)
	w.mustTell("web: rack")
	w.up("late")
	w.pass(time.Minute)
	w.mustTell("web: rack") // It is not known to be a session of the configuration.
	delete(w.sessions, "rack")
	w.Situate(status.Situation{Node: nodeUID})
	w.pass(time.Minute)
	w.mustTell("web: late")
}

func TestAServiceThatFlapsIsWrittenSeldom(t *testing.T) {
	t.Parallel()
	w := started(t, of("web", "rack"))
	w.pass(time.Minute)
	w.store.writes = nil
	for i := range 600 {
		if i%2 == 0 {
			w.down("rack")
		} else {
			w.up("rack")
		}
		w.pass(time.Second)
	}
	// 10 s less a fifth is the shortest time between two.
	if n := len(w.store.writes); n < 5 || n > 75 {
		t.Errorf("%d writes in ten minutes", n)
	}
	w.pass(15 * time.Second)
	w.mustTell("web: rack")
}

func TestManyServicesAreWrittenAtABoundedRate(t *testing.T) {
	t.Parallel()
	const many = 1000
	all := map[types.NamespacedName]map[string]bgp.Families{}
	for i := range many {
		maps.Copy(all, of(fmt.Sprintf("web-%d", i), "rack"))
	}
	w := started(t, all)
	mostInASecond := func() int {
		most := 0
		for i, at := range w.store.writes {
			n := 0
			for ; i+n < len(w.store.writes) && w.store.writes[i+n].Sub(at) < time.Second; n++ {
			}
			most = max(most, n)
		}
		return most
	}
	steps := []struct {
		what   string
		change func()
		says   string
	}{
		{"services appear", func() {}, ": rack"},
		{"a session is lost", func() { w.down("rack") }, ": "},
		{"and comes back", func() { w.up("rack") }, ": rack"},
	}
	for _, s := range steps {
		s.change()
		w.store.writes = nil
		w.pass(many/writesPerSecond*time.Second + 15*time.Second)
		if n := len(w.store.writes); n != many {
			t.Errorf("%s: %d writes, want %d", s.what, n, many)
		}
		// A window of a second may have the end of one and the beginning of another in it.
		if most := mostInASecond(); most > 2*writesPerSecond {
			t.Errorf("%s: %d writes in a second", s.what, most)
		}
		for _, said := range w.told() {
			if said[len(said)-len(s.says):] != s.says {
				t.Fatalf("%s: an object says %q", s.what, said)
			}
		}
	}
}

func TestAStartedSpeakerTakesOverWhatIsTrueAndDeletesTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.put(nodeUID, "web", "rack")
	w.store.put(nodeUID, "stale", "rack")
	w.store.put("uid-0", "earlier", "rack")
	w.store.put("uid-0", "gone", "rack")
	foreign := w.store.objects[Object(thisNode, named("web")).Name]
	foreign.Name = "bgp-x7k2p"
	w.store.objects[foreign.Name] = foreign
	w.sessions["rack"] = session.State{Peer: "rack", FSM: session.Active}
	w.pass(time.Minute)
	w.Situate(status.Situation{Node: nodeUID})
	w.pass(time.Minute)
	w.mustHaveWritten(0) // Nobody has said which services are announced.

	w.Announce(of("web", "rack"))
	w.Announce(of("earlier", "rack"))
	w.pass(2 * time.Second)
	w.up("rack")
	w.pass(10 * time.Second)
	w.mustTell("earlier: rack", "web: rack")
	// Two of an earlier node, one of another name and the stale one are deleted, and one of these is made anew.
	w.mustHaveWritten(5)
	if o := w.store.objects[Object(thisNode, named("earlier")).Name]; o.OwnerReferences[0].UID != nodeUID {
		t.Errorf("it goes with %s", o.OwnerReferences[0].UID)
	}
}

func TestANodeThatIsMadeAnewIsToldOfAnew(t *testing.T) {
	t.Parallel()
	w := started(t, of("web", "rack"))
	w.pass(time.Minute)
	w.Situate(status.Situation{Node: "uid-2"})
	w.pass(15 * time.Second)
	w.mustTell("web: rack")
	if o := w.store.objects[Object(thisNode, named("web")).Name]; o.OwnerReferences[0].UID != "uid-2" {
		t.Errorf("it goes with %s", o.OwnerReferences[0].UID)
	}
}

func TestWhatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.fail = errors.New("unavailable")
	w.up("rack")
	w.Situate(status.Situation{Node: nodeUID})
	w.Announce(of("web", "rack"))
	w.pass(5 * time.Minute)
	w.store.fail = nil
	w.pass(40 * time.Second)
	w.mustTell("web: rack")

	w.store.fail = errors.New("unavailable")
	w.Announce(of("web", "rack", "spine"))
	w.Announce(of("api", "rack"))
	w.up("spine")
	w.Situate(status.Situation{Node: nodeUID}) // There is another session.
	w.pass(time.Minute)
	w.store.fail = nil
	w.pass(40 * time.Second)
	w.mustTell("api: rack", "web: rack spine")

	clear(w.store.objects)
	w.Announce(of("web", "spine"))
	w.pass(15 * time.Second)
	w.mustTell("web: spine") // It was found missing when it was written, the other is when all are read again.
	w.pass(40 * time.Minute)
	w.mustTell("api: rack", "web: spine")
}

func TestASpeakerThatStopsLeavesNothing(t *testing.T) {
	t.Parallel()
	w := started(t, of("web", "rack"))
	w.pass(time.Minute)
	w.mustTell("web: rack")
	w.Shutdown(t.Context())
	w.mustTell()

	idle := newWorld(t)
	idle.store.put(nodeUID, "web", "rack")
	idle.Shutdown(t.Context())
	idle.mustTell("web: rack") // It has not come to know what is there.
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := started(t, of("web", "rack"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Start(ctx) }()
	w.Announce(of("api", "rack"))
	w.Shutdown(ctx) // It runs: nothing happens.
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNamesTellServicesApart(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, s := range [][3]string{{"a", "b", "c-d"}, {"a", "b-c", "d"}, {"a-b", "c", "d"}} {
		names[Object(s[0], types.NamespacedName{Namespace: s[1], Name: s[2]}).Name] = true
	}
	if len(names) != 3 {
		t.Errorf("names are %v", slices.Collect(maps.Keys(names)))
	}
}
