// SPDX-License-Identifier: Apache-2.0

package announcement_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

// fill adds services with an address, of which each is served by one node in turn.
func (w *world) fill(services int, make func(*builder.Service) *builder.Service) {
	for i := range services {
		name := fmt.Sprintf("s%05d", i)
		svc := builder.MakeService(name).Holds("a", fmt.Sprintf("198.18.%d.%d", i/256, i%256))
		w.set(make(svc).Obj())
		w.serve(name, w.nodes[i%len(w.nodes)].Name)
	}
}

func asItIs(s *builder.Service) *builder.Service { return s }

// steady returns a world in which all is well and told.
func steady(tb testing.TB, nodes, services int, make func(*builder.Service) *builder.Service) *world {
	tb.Helper()
	w := newWorld(tb)
	w.node(nodes)
	for _, n := range w.nodes {
		w.up(n.Name)
	}
	w.fill(services, make)
	w.start()
	for w.pass(time.Minute); w.writes < services; {
		w.pass(time.Minute)
	}
	w.forget()
	return w
}

// forget counts writes anew.
func (w *world) forget() { w.writes, w.flips, w.perSecond = 0, 0, map[int64]int{} }

func TestAChangeOfStatusIsWrittenAfterSecondsAndAChangeOfNumbersAfterTen(t *testing.T) {
	t.Parallel()
	w := steady(t, 2, 1, asItIs)
	w.down("node-0001")
	w.pass(8 * time.Second)
	if w.writes != 0 {
		t.Fatalf("numbers are written after less than 8 s: %s", w.reported("s00000"))
	}
	w.pass(4 * time.Second) // one of them to gather what sessions tell
	if want := `True Announced: from 1 of 2 nodes to peers "tor-a", "tor-b"; not established: "tor-a" on 1 of 2 nodes, "tor-b" on 1 of 2 nodes`; w.reported("s00000") != want {
		t.Errorf("after 12 s it says %s", w.reported("s00000"))
	}
	w.down("node-0002")
	w.pass(5 * time.Second)
	if w.flips != 0 {
		t.Errorf("after 5 s it says %s", w.reported("s00000"))
	}
	w.pass(1100 * time.Millisecond)
	if w.flips != 1 {
		t.Errorf("after 6.1 s it says %s", w.reported("s00000"))
	}
	w.pass(time.Minute)
	w.up("node-0001")
	w.pass(2100 * time.Millisecond)
	if w.flips != 2 {
		t.Errorf("2.1 s after a session is there it says %s", w.reported("s00000"))
	}
}

func TestANewServiceIsToldSoonThatItIsAnnouncedThoughItWasNotAtFirst(t *testing.T) {
	t.Parallel()
	w := steady(t, 1, 1, asItIs)
	w.set(builder.MakeService("web").Holds("a", "198.18.0.200").Obj())
	w.pass(4900 * time.Millisecond)
	if w.reported("web") != "" {
		t.Errorf("while its pods may be starting it says %s", w.reported("web"))
	}
	w.pass(200 * time.Millisecond)
	if want := "False NoEndpoints: no endpoint is ready"; w.reported("web") != want {
		t.Errorf("it says %s", w.reported("web"))
	}
	w.serve("web", "node-0001")
	w.pass(1100 * time.Millisecond)
	if want := `True Announced: from 1 node to peers "tor-a", "tor-b"`; w.reported("web") != want {
		t.Errorf("it says %s", w.reported("web"))
	}
}

func TestANewServiceIsWrittenOnce(t *testing.T) {
	t.Parallel()
	web := func() *builder.Service { return builder.MakeService("web").Holds("a,six", "198.18.0.1", "2001:db8::1") }
	for name, happens := range map[string]func(*world){
		"that has its address after 50 ms and endpoints after 300 ms": func(w *world) {
			w.set(builder.MakeService("web").Obj())
			w.pass(50 * time.Millisecond)
			w.set(web().Obj())
			w.pass(250 * time.Millisecond)
			w.serve("web", "node-0001")
		},
		"that has endpoints first": func(w *world) {
			w.serve("web", "node-0001", "node-0002")
			w.pass(time.Minute)
			w.set(builder.MakeService("web").Obj())
			w.pass(50 * time.Millisecond)
			w.set(web().Obj())
		},
		"whose pods take 4 s to start": func(w *world) {
			w.set(web().Obj())
			w.pass(4 * time.Second)
			w.serve("web", "node-0001")
		},
		"whose first pod crashes": func(w *world) {
			w.set(web().Local().Obj())
			w.pass(2 * time.Second)
			w.serve("web", "node-0001")
			w.pass(500 * time.Millisecond)
			w.serve("web")
			w.pass(4 * time.Second)
			w.serve("web", "node-0001")
		},
		"that has endpoints of one family first": func(w *world) {
			w.set(web().Obj())
			w.pass(100 * time.Millisecond)
			w.serveIn(discoveryv1.AddressTypeIPv4, "web", "node-0001")
			w.pass(100 * time.Millisecond)
			w.serveIn(discoveryv1.AddressTypeIPv6, "web", "node-0001")
		},
		"made with its peers, whose sessions take 3 s": func(w *world) {
			w.down("node-0001")
			w.down("node-0002")
			w.set(web().Obj())
			w.serve("web", "node-0001")
			w.pass(3 * time.Second)
			w.up("node-0001")
			w.up("node-0002")
		},
		"made with its advertisement, which comes last": func(w *world) {
			w.advertise()
			w.configure()
			w.set(web().Obj())
			w.serve("web", "node-0001")
			w.pass(time.Second)
			w.advertise(builder.MakeAdvertisement("adv"))
			w.configure()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.step = 50 * time.Millisecond
			w.node(2)
			for _, n := range w.nodes {
				w.up(n.Name)
			}
			w.start()
			happens(w)
			w.pass(time.Minute)
			if w.writes != 1 || !strings.HasPrefix(w.reported("web"), "True Announced") {
				t.Errorf("%d writes, in the end it says %s", w.writes, w.reported("web"))
			}
		})
	}
}

func TestWhatHasPassedBeforeItIsWrittenIsNotWritten(t *testing.T) {
	t.Parallel()
	w := steady(t, 2, 100, asItIs)
	for range 20 { // As speakers do that are restarted one after the other.
		w.down("node-0001")
		w.pass(5 * time.Second)
		w.up("node-0001")
		w.pass(5 * time.Second)
	}
	if w.writes != 0 {
		t.Errorf("%d writes", w.writes)
	}
	w.serve("s00001")
	w.pass(4 * time.Second)
	w.serve("s00001", "node-0001")
	w.pass(time.Minute)
	if w.writes != 0 {
		t.Errorf("%d writes after four seconds without endpoints", w.writes)
	}
}

func TestAServiceThatFlapsIsWrittenEveryTenSeconds(t *testing.T) {
	t.Parallel()
	for name, watchFirst := range map[string]bool{"answers come first": false, "the watch comes first": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := steady(t, 1, 1, asItIs)
			w.watchFirst = watchFirst
			const minutes = 10
			for i := range minutes * 60 / 7 {
				if i%2 == 0 {
					w.serve("s00000")
				} else {
					w.serve("s00000", "node-0001")
				}
				w.pass(7 * time.Second)
			}
			w.serve("s00000")
			w.pass(30 * time.Second)
			if most := minutes*6 + 3; w.writes > most || w.writes < minutes {
				t.Errorf("%d writes in %d minutes, want some and at most %d", w.writes, minutes, most)
			}
			if want := "False NoEndpoints: no endpoint is ready"; w.reported("s00000") != want {
				t.Errorf("in the end it says %s", w.reported("s00000"))
			}
		})
	}
}

func TestWritesOfAllServicesAreBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		nodes, perSecond int
		change           func(*world)
		writes           int
	}{
		"when all routes are lost":                  {3, 100, func(w *world) { w.allDown() }, 1000},
		"when all routes are lost, with many nodes": {2000, 50, func(w *world) { w.allDown() }, 1000},
		"when numbers change":                       {3, 5, func(w *world) { w.down("node-0001") }, 1000},
		"when numbers change, with many nodes":      {500, 2, func(w *world) { w.down("node-0001") }, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := steady(t, tc.nodes, 1000, asItIs)
			tc.change(w)
			w.pass(time.Hour)
			// A second of this clock may have a tick's writes of the one before.
			if most := tc.perSecond + tc.perSecond/10 + 1; w.writes != tc.writes || w.busiest() > most {
				t.Errorf("%d writes, %d in a second, want %d and at most %d", w.writes, w.busiest(), tc.writes, most)
			}
			if least := tc.perSecond * 9 / 10; w.busiest() < least {
				t.Errorf("no more than %d writes in a second, want at least %d", w.busiest(), least)
			}
		})
	}
}

func (w *world) allDown() {
	for _, n := range w.nodes {
		w.down(n.Name)
	}
}

func TestAFlipGoesBeforeNumbers(t *testing.T) {
	t.Parallel()
	w := steady(t, 2, 1000, asItIs)
	w.down("node-0001")
	w.pass(20 * time.Second)
	w.serve("s00999")
	w.pass(5500 * time.Millisecond)
	if want := "False NoEndpoints: no endpoint is ready"; w.reported("s00999") != want {
		t.Errorf("it says %s", w.reported("s00999"))
	}
}

func TestTheTimeOfTheTransitionMovesOnlyWhenTheStatusFlips(t *testing.T) {
	t.Parallel()
	w := steady(t, 2, 1, asItIs)
	name := types.NamespacedName{Namespace: "default", Name: "s00000"}
	since := func() metav1.Time {
		return meta.FindStatusCondition(w.services[name].Status.Conditions, v1beta1.ConditionAnnounced).LastTransitionTime
	}
	first := since()
	w.down("node-0001")
	w.pass(time.Minute)
	if w.writes != 1 || since() != first {
		t.Errorf("%d writes, and since %s, not %s", w.writes, since(), first)
	}
	w.down("node-0002")
	w.pass(time.Minute)
	if w.writes != 2 || since() == first {
		t.Errorf("%d writes, and since %s, as at first", w.writes, since())
	}
	second := since()
	w.serve("s00000") // Another reason.
	w.pass(time.Minute)
	if w.writes != 3 || since() != second {
		t.Errorf("%d writes, and since %s, not %s", w.writes, since(), second)
	}
}

func TestTheGenerationFollowsWithoutHaste(t *testing.T) {
	t.Parallel()
	w := steady(t, 1, 1, asItIs)
	name := types.NamespacedName{Namespace: "default", Name: "s00000"}
	change := func(generation int64) {
		svc := w.services[name].DeepCopy()
		svc.Generation = generation
		w.set(svc)
	}
	generation := func() int64 {
		return meta.FindStatusCondition(w.services[name].Status.Conditions, v1beta1.ConditionAnnounced).ObservedGeneration
	}
	change(2)
	w.pass(9 * time.Second)
	change(3) // Another change of what does not matter here.
	if w.writes != 0 {
		t.Errorf("%d writes at once", w.writes)
	}
	w.pass(time.Minute)
	if w.writes != 1 || w.flips != 0 || generation() != 3 {
		t.Errorf("%d writes, generation %d", w.writes, generation())
	}
	change(4)
	w.serve("s00000") // This is written soon, and the generation with it.
	w.pass(5100 * time.Millisecond)
	if w.writes != 2 || generation() != 4 {
		t.Errorf("%d writes, generation %d", w.writes, generation())
	}
}

func TestAnOlderVersionOfAServiceIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node(1)
	w.up("node-0001")
	old := w.set(builder.MakeService("web").Holds("a", "198.18.0.1").Obj())
	w.serve("web", "node-0001")
	w.start()
	w.pass(time.Minute)
	w.setService(old) // The cache is late.
	w.pass(time.Minute)
	if w.writes != 1 {
		t.Errorf("%d writes", w.writes)
	}
}

// A thousand nodes reboot, one after the other, as for an update of the operating system.
func TestManyNodesThatRebootCauseNoStorm(t *testing.T) {
	t.Parallel()
	const nodes, services = rebooted, announced
	for name, tc := range map[string]struct {
		make      func(*builder.Service) *builder.Service
		most      int
		perSecond int
	}{
		// All of them say once that a node is away, and once that none is.
		"services that any node announces": {asItIs, 2 * services, 2},
		// Eight services have their endpoint on each node.
		"services that one node announces": {(*builder.Service).Local, 2 * services, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := steady(t, nodes, services, tc.make)
			w.step = time.Second
			began := w.clock.Now()
			for i := range nodes {
				node := w.nodes[i].Name
				w.down(node)
				w.pass(55 * time.Second)
				w.up(node)
				w.pass(5 * time.Second)
			}
			took := w.clock.Since(began)
			w.pass(4 * time.Hour)
			t.Logf("%d nodes with %d services rebooted within %s: %d writes, %d of them of another status, %d in the busiest second",
				nodes, services, took, w.writes, w.flips, w.busiest())
			if w.writes > tc.most || w.busiest() > tc.perSecond {
				t.Errorf("%d writes, %d in the busiest second, want at most %d and %d", w.writes, w.busiest(), tc.most, tc.perSecond)
			}
		})
	}
}
