// SPDX-License-Identifier: Apache-2.0

package announcement_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/test/builder"
)

// A change that is held back leaves the configuration in use as it was, whoever becomes the active controller then.
func TestTheConditionFollowsWhileAChangeIsHeldBackAndTheControllerChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node(1)
	w.up("node-0001")
	w.set(builder.MakeService("web").Holds("a", "198.18.0.1").Obj())
	w.serve("web", "node-0001")
	w.start()
	w.pass(time.Minute)
	// The advertisement is deleted and its deletion held back, so that the routes stay. Then another controller takes over.
	w.track()
	w.up("node-0001")
	w.serve("web", "node-0001")
	w.Complete()
	w.pass(time.Minute)
	if want := `True Announced: from 1 node to peers "tor-a", "tor-b"`; w.reported("web") != want || w.writes != 1 {
		t.Errorf("it says %s after %d writes", w.reported("web"), w.writes)
	}
	w.serve("web")
	w.pass(time.Minute)
	if want := "False NoEndpoints: no endpoint is ready"; w.reported("web") != want {
		t.Errorf("without endpoints it says %s", w.reported("web"))
	}
	w.serve("web", "node-0001")
	w.down("node-0001")
	w.pass(time.Minute)
	if want := `False SessionsNotEstablished: no session is established with peers "tor-a", "tor-b"; node-0001 with "tor-a": connection lost`; w.reported("web") != want {
		t.Errorf("without sessions it says %s", w.reported("web"))
	}
}

// changes of the configuration, each of which concerns no service of a steady world.
func changes() map[string]func(*world) {
	return map[string]func(*world){
		"nothing":           func(*world) {},
		"a label of a node": func(w *world) { w.nodes[0].Labels = labels.Set{"rack": "1", "any": "thing"} },
		"a node that announces nothing": func(w *world) {
			w.nodes = append(w.nodes, config.Node{Name: "node-0000", Labels: labels.Set{"rack": "2"}})
		},
		"another pool": func(w *world) {
			w.objects.Pools = append(w.objects.Pools, *builder.MakePool("b", "203.0.113.0/24").Obj())
		},
		"an advertisement of other pool": func(w *world) {
			w.objects.Advertisements = append(w.objects.Advertisements, *builder.MakeAdvertisement("six", "six").Obj())
		},
		"a peer of another family": func(w *world) {
			w.objects.Peers = append(w.objects.Peers, *builder.MakePeer("tor-7", "2001:db8:1::7").Obj())
		},
		"the preference of the advertisement": func(w *world) { w.objects.Advertisements[0].Spec.LocalPref = 100 },
	}
}

// selective returns a steady world whose advertisement selects rack 1, of the first three nodes.
func selective(t *testing.T, services int) *world {
	t.Helper()
	w := steady(t, 4, services, asItIs)
	for i := range w.nodes[:3] {
		w.nodes[i].Labels = labels.Set{"rack": "1"}
	}
	w.advertise(builder.MakeAdvertisement("adv").NodesWithLabel("rack", "1"))
	w.configure()
	for w.pass(time.Minute); w.writes < services; {
		w.pass(time.Minute)
	}
	w.forget()
	return w
}

func TestAConfigurationThatConcernsNoServiceCostsTheSameHoweverManyThereAre(t *testing.T) { //nolint:paralleltest // It counts allocations.
	few, many := selective(t, 10), selective(t, 2000)
	for name, change := range changes() {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // It counts allocations.
			cost := func(w *world) float64 {
				before := w.routes.is
				nodes, objects := w.nodes, w.objects
				w.nodes = append([]config.Node(nil), nodes...)
				w.objects.Pools = append([]v1beta1.IPAddressPool(nil), objects.Pools...)
				w.objects.Advertisements = append([]v1beta1.BGPAdvertisement(nil), objects.Advertisements...)
				change(w)
				after := config.NewRoutes(w.objects, w.nodes)
				w.nodes, w.objects = nodes, objects
				i := 0
				defer func() { w.routes.is = before; w.Configure() }()
				return testing.AllocsPerRun(10, func() {
					w.routes.is = after
					if i++; i%2 == 0 {
						w.routes.is = before
					}
					w.Configure()
				})
			}
			if a, b := cost(few), cost(many); b > a+5 {
				t.Errorf("%v allocations with 10 services, %v with 2000", a, b)
			}
			many.pass(time.Minute)
			if many.writes > 0 {
				t.Errorf("%d writes", many.writes)
			}
		})
	}
}

func TestNodesThatComeAndGoKeepTheAnswersOfOthers(t *testing.T) {
	t.Parallel()
	w := steady(t, 3, 3, (*builder.Service).Local)
	for i := range 20 {
		// Nodes whose names come before and after those of others are replaced by others, one by one.
		w.nodes = append(w.nodes[:3:3], config.Node{Name: fmt.Sprintf("a-%d", i)}, config.Node{Name: fmt.Sprintf("z-%d", i)})
		w.up(fmt.Sprintf("a-%d", i))
		w.serve("s00000", w.nodes[0].Name, fmt.Sprintf("a-%d", i))
		w.configure()
		w.pass(time.Minute)
		if want := `True Announced: from 2 nodes to peers "tor-a", "tor-b"`; w.reported("s00000") != want {
			t.Fatalf("with node a-%d it says %s", i, w.reported("s00000"))
		}
		if want := `True Announced: from 1 node to peers "tor-a", "tor-b"`; w.reported("s00001") != want {
			t.Fatalf("another service says %s", w.reported("s00001"))
		}
		for _, p := range []string{"tor-a", "tor-b", "tor-6"} {
			w.SetSession(fmt.Sprintf("a-%d-%s", i, p), nil)
		}
	}
}

// A new pool takes no address that is recorded of one in use, until it is in use itself.
func TestTheConditionFollowsWhenANewPoolThatWasHeldBackComesIntoUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node(1)
	w.up("node-0001")
	w.set(builder.MakeService("web").Holds("a", "203.0.113.1").Obj()) // The pool had it once.
	w.serve("web", "node-0001")
	var inUse []v1beta1.ActiveConfiguration
	bring := func() {
		in := config.Inputs{Written: w.objects, Active: slices.Clone(inUse), State: config.ClusterState{Holdings: w.index, Nodes: w.nodes}}
		s := config.Next(in, config.NewParser())
		for _, c := range s.Changes {
			inUse = slices.DeleteFunc(inUse, func(a v1beta1.ActiveConfiguration) bool { return c.Old != nil && a.Name == c.Old.Name })
			if c.New != nil {
				inUse = append(inUse, *c.New)
			}
		}
		w.routes.is = s.Routes
		w.Configure()
	}
	w.advertise(builder.MakeAdvertisement("adv", "a"))
	bring()
	w.Complete()
	w.pass(time.Minute)

	w.objects.Pools = append(w.objects.Pools, *builder.MakePool("b", "203.0.113.0/24").Obj())
	bring()
	w.pass(time.Minute)
	if want := `True Announced: from 1 node to peers "tor-a", "tor-b"`; w.reported("web") != want {
		t.Errorf("while the pool is held back it says %s", w.reported("web"))
	}
	w.advertise(builder.MakeAdvertisement("adv", "a"), builder.MakeAdvertisement("new", "b").Peers("tor-b"))
	bring()
	w.pass(time.Minute)
	if want := `True Announced: from 1 node to peer "tor-b"`; w.reported("web") != want {
		t.Errorf("when the pool is in use it says %s", w.reported("web"))
	}
	if n, _, _ := w.Covered("new"); n != 1 {
		t.Errorf("its advertisement covers %d services", n)
	}
}
