// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/node"
	"metallb.io/metallb/speaker/status"
)

// situations keeps the last that was told.
type situations struct {
	mu   sync.Mutex
	last status.Situation
}

func (s *situations) Situate(situation status.Situation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = situation
}

func (s *situations) drain() (status.Drain, endpoint.FamilySet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last.Drain, s.last.Withheld
}

// leaving is a speaker of a node that may drain, whose time is the test's.
type leaving struct {
	*testing.T
	client     client.Client
	read       readings
	proxy      serviceProxy
	sessions   *fakeSessions
	events     *events.FakeRecorder
	registry   *prometheus.Registry
	speaker    *node.Speaker
	reconciler *node.ConfigurationReconciler
	situations situations
}

func newLeaving(t *testing.T, n *corev1.Node) *leaving {
	t.Helper()
	n.UID = "uid"
	l := &leaving{T: t, sessions: newFakeSessions(), events: events.NewFakeRecorder(100), registry: prometheus.NewRegistry()}
	l.client = fakeCluster(t, n, peer("router", "192.0.2.1"), pool("pool", "198.51.100.0/24"), advertisement("everything"),
		service("web", "198.51.100.1"), slice("web", "node-1")).WithInterceptorFuncs(interceptor.Funcs{List: l.read.list}).Build()
	metrics, err := node.NewMetrics(l.registry)
	if err != nil {
		t.Fatal(err)
	}
	l.speaker = node.NewSpeaker(node.Options{
		Node: "node-1", Client: l.client, Table: l.sessions.table, Sessions: l.sessions, Recorder: l.events, Metrics: metrics, NodeState: &l.situations,
		DrainRules: drain.Rules{Taints: drain.DefaultTaints()}, DrainDelay: 10 * time.Second,
	})
	l.reconciler = &node.ConfigurationReconciler{Client: l.client, Speaker: l.speaker, DataPlane: &l.proxy}
	if _, err := (&node.StateReconciler{Client: l.client, Speaker: l.speaker}).Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(n)}); err != nil {
		t.Fatal(err)
	}
	l.reconcile()
	return l
}

func (l *leaving) reconcile() {
	l.Helper()
	if _, err := l.reconciler.Reconcile(l.Context(), ctrl.Request{}); err != nil {
		l.Fatal(err)
	}
	synctest.Wait()
}

// change changes the node, and has that looked at.
func (l *leaving) change(mutate func(*corev1.Node)) {
	l.Helper()
	n := &corev1.Node{}
	if err := l.client.Get(l.Context(), client.ObjectKey{Name: "node-1"}, n); err != nil {
		l.Fatal(err)
	}
	mutate(n)
	if err := l.client.Update(l.Context(), n); err != nil {
		l.Fatal(err)
	}
	l.reconcile()
}

// after lets the time pass, and reconciles as the speaker asks for.
func (l *leaving) after(d time.Duration) {
	l.Helper()
	<-time.After(d)
	synctest.Wait()
	l.reconcile()
}

// state is what routers and the cluster see.
type state struct {
	// route is "" if there is none.
	route    string
	drain    status.Drain
	withheld endpoint.FamilySet
	// metrics are whether the node drains, and is drained.
	metrics [2]float64
	events  []string
}

func (l *leaving) expect(step string, want state) {
	l.Helper()
	var got state
	if path, found := l.sessions.path("198.51.100.1/32"); found {
		got.route = map[bool]string{true: "draining", false: "serving"}[path.Draining]
	}
	got.drain, got.withheld = l.situations.drain()
	got.drain.Since = time.Time{}
	for i, name := range []string{"metallb_speaker_node_draining", "metallb_speaker_node_drained"} {
		got.metrics[i] = l.gauge(name)
	}
	got.events = told(l.events)
	// Who assigns and who drains report at the same time, in either order.
	anyOrder := cmpopts.SortSlices(func(a, b string) bool { return a < b })
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(state{}), anyOrder); diff != "" {
		l.Errorf("%s (-want +got):\n%s", step, diff)
	}
	if s, _ := l.sessions.session("router"); s.starts != 1 {
		l.Errorf("%s: the session has begun %d times", step, s.starts)
	}
}

func (l *leaving) gauge(name string) float64 {
	l.Helper()
	families, err := l.registry.Gather()
	if err != nil {
		l.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	l.Fatalf("there is no metric %s", name)
	return 0
}

const (
	assignedWeb   = `Normal nodeAssigned announcing from node "node-1" with protocol "bgp" to "router"`
	unassignedWeb = `Normal nodeUnassigned no longer announcing from node "node-1" with protocol "bgp": `
)

var (
	byLabel = drain.Signal{Kind: drain.Label, Key: "metallb.io/drain"}
	both    = endpoint.FamilySet{true, true}
)

func TestANodeDrainsThenWithdrawsAndServesAgainWhenTheLabelIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLeaving(t, thisNode())
		l.expect("at first", state{route: "serving"})
		l.read = readings{}
		l.change(func(n *corev1.Node) { n.Labels["metallb.io/drain"] = "reboot" })
		l.expect("with the label", state{
			route: "draining", drain: status.Drain{Signal: byLabel}, metrics: [2]float64{1, 0},
			events: []string{"Normal NodeDraining routers are asked to prefer other nodes before the routes are withdrawn: the node is labeled metallb.io/drain"},
		})
		if i, err := l.speaker.Inspect(); err != nil || !i.RIB.Draining() {
			t.Errorf("the inspection has %+v, error %v", i, err)
		}
		l.after(10*time.Second - 1)
		l.expect("before the delay has passed", state{route: "draining", drain: status.Drain{Signal: byLabel}, metrics: [2]float64{1, 0}})
		if l.read != (readings{}) {
			t.Errorf("services were read: %+v", l.read)
		}
		l.after(1)
		l.expect("when it has", state{
			drain: status.Drain{Signal: byLabel, Drained: true}, withheld: both, metrics: [2]float64{0, 1},
			events: []string{
				unassignedWeb + "the node is drained (nodeDrained)",
				"Normal NodeDrained the node announces nothing and is safe to switch off: the node is labeled metallb.io/drain",
			},
		})
		l.change(func(n *corev1.Node) { delete(n.Labels, "metallb.io/drain") })
		l.expect("without the label", state{
			route: "serving", events: []string{"Normal NodeServing the node serves again: there is no reason to drain it any more", assignedWeb},
		})
	})
}

func TestALabelThatIsRemovedAmidADrainEndsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLeaving(t, thisNode())
		l.change(func(n *corev1.Node) { n.Labels["metallb.io/drain"] = "" })
		l.after(5 * time.Second)
		l.change(func(n *corev1.Node) { delete(n.Labels, "metallb.io/drain") })
		told(l.events)
		l.expect("without the label", state{route: "serving"})
		l.after(time.Hour)
		l.expect("later", state{route: "serving"})
		if s, _ := l.sessions.session("router"); s.withdrawn > 0 {
			t.Errorf("%d prefixes were withdrawn", s.withdrawn)
		}
	})
}

func TestEverySignalOfANodeTakesItOutOfService(t *testing.T) {
	t.Parallel()
	const exclude = corev1.LabelNodeExcludeBalancers
	for name, tc := range map[string]struct {
		change func(*leaving)
		reason string
	}{
		"the label of Kubernetes": {
			func(l *leaving) { l.change(func(n *corev1.Node) { n.Labels[exclude] = "" }) },
			"the node is labeled " + exclude + " (nodeLabeledExcludeBalancers)",
		},
		"a taint": {
			func(l *leaving) {
				l.change(func(n *corev1.Node) {
					n.Spec.Taints = []corev1.Taint{{Key: corev1.TaintNodeOutOfService, Effect: corev1.TaintEffectNoExecute}}
				})
			},
			"the node is drained (nodeDrained)",
		},
		"a service proxy that says so": {
			func(l *leaving) { l.proxy.signal.Kind = drain.ProxyLeaving; l.reconcile() },
			"the node is drained (nodeDrained)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLeaving(t, thisNode())
				tc.change(l)
				if path, found := l.sessions.path("198.51.100.1/32"); !found || !path.Draining {
					t.Errorf("route %+v, there: %t", path, found)
				}
				told(l.events)
				l.after(10 * time.Second)
				if got := l.sessions.routes("router"); len(got) > 0 {
					t.Errorf("routes %v", got)
				}
				if got := told(l.events); len(got) != 2 || got[0] != unassignedWeb+tc.reason {
					t.Errorf("events %v", got)
				}
			})
		})
	}
}

func TestANodeThatIsCordonedServes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLeaving(t, thisNode())
		l.change(func(n *corev1.Node) {
			n.Spec.Unschedulable, n.Spec.Taints = true, []corev1.Taint{{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}}
		})
		l.after(time.Hour)
		l.expect("cordoned", state{route: "serving"})
	})
}

func TestRoutesDrainWhileTheServiceProxyFailsAndStay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLeaving(t, thisNode())
		failing := drain.Signal{Kind: drain.ProxyFailing}
		l.proxy.signal = failing
		l.reconcile()
		l.expect("when it fails", state{
			route: "draining", drain: status.Drain{Signal: failing}, metrics: [2]float64{1, 0},
			events: []string{"Warning NodeDraining routers are asked to prefer other nodes, and nothing is withdrawn: the node's service proxy is not healthy"},
		})
		l.after(time.Hour)
		l.expect("for long", state{route: "draining", drain: status.Drain{Signal: failing}, metrics: [2]float64{1, 0}})
		if leaving := l.speaker.Policy().Leaving; leaving.Any() {
			t.Errorf("the node is leaving: %s", leaving)
		}
		l.proxy.signal = drain.Signal{}
		l.reconcile()
		l.expect("when it is healthy again", state{
			route: "serving", events: []string{"Normal NodeServing the node serves again: there is no reason to drain it any more"},
		})
	})
}

func TestASpeakerThatStartsOnADrainedNodeAnnouncesNothingAndReportsNothingNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := thisNode()
		n.Labels["metallb.io/drain"] = ""
		l := newLeaving(t, n)
		want := state{drain: status.Drain{Signal: byLabel, Drained: true}, withheld: both, metrics: [2]float64{0, 1}}
		l.expect("at the start", want)
		if s, _ := l.sessions.session("router"); len(s.initial) > 0 {
			t.Errorf("the session began with %v", s.initial)
		}
		l.after(time.Hour)
		l.expect("later", want)
	})
}

func TestASpeakerThatStopsAmidADrainStopsAsAnyOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLeaving(t, thisNode())
		l.change(func(n *corev1.Node) { n.Labels["metallb.io/drain"] = "" })
		if got := l.speaker.Policy().Leaving; got != byLabel {
			t.Errorf("the node leaves because %s", got)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := l.speaker.Shutdown(ctx, time.Second); err != nil || time.Since(began) != time.Second || !l.sessions.closed {
			t.Errorf("took %s, closed %t, error %v", time.Since(began), l.sessions.closed, err)
		}
		if path, found := l.sessions.path("198.51.100.1/32"); !found || !path.Draining {
			t.Errorf("route %+v, there: %t", path, found)
		}
	})
}

// The speaker itself takes up what time leads to.
func TestADrainGoesItsWayInARunningSpeaker(t *testing.T) {
	w := tutorial(t)
	w.create(service("nginx", "198.51.100.0"), slice("nginx", "node-1"))
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")
	draining := func() bool {
		path, found := w.sessions.path("198.51.100.0/32")
		return found && path.Draining
	}
	change(w, thisNode(), func(n *corev1.Node) {
		n.Spec.Taints = []corev1.Taint{{Key: "ToBeDeletedByClusterAutoscaler", Effect: corev1.TaintEffectNoSchedule}}
	})
	w.Eventually(draining).Should(BeTrue())
	w.expectRoutes("router")
	change(w, thisNode(), func(n *corev1.Node) { n.Spec.Taints = nil })
	w.expectRoutes("router", "198.51.100.0/32")
	w.Expect(draining()).To(BeFalse())
	s, _ := w.sessions.session("router")
	w.Expect(s.starts).To(Equal(1), "the session is not disturbed")
}

func TestADrainGoesOnWhenTheNodeObjectIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLeaving(t, thisNode())
		l.change(func(n *corev1.Node) { n.Labels["metallb.io/drain"] = "" })
		if err := l.client.Delete(t.Context(), thisNode()); err != nil {
			t.Fatal(err)
		}
		l.reconcile()
		told(l.events)
		l.expect("before the delay has passed", state{route: "draining", drain: status.Drain{Signal: byLabel}, metrics: [2]float64{1, 0}})
		l.after(10 * time.Second)
		l.expect("when it has", state{
			drain: status.Drain{Signal: byLabel, Drained: true}, withheld: both, metrics: [2]float64{0, 1},
			events: []string{
				unassignedWeb + "the node is drained (nodeDrained)",
				"Normal NodeDrained the node announces nothing and is safe to switch off: the node is labeled metallb.io/drain",
			},
		})
	})
}

func TestANodeObjectThatIsGoneWithdrawsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLeaving(t, thisNode())
		if err := l.client.Delete(t.Context(), thisNode()); err != nil {
			t.Fatal(err)
		}
		l.reconcile()
		l.after(time.Hour)
		l.expect("without the object", state{route: "serving"})
	})
}
