// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/speaker/node"
	"metallb.io/metallb/speaker/policy"
)

// rack selects objects by their label.
func rack(name string) []metav1.LabelSelector {
	return []metav1.LabelSelector{{MatchLabels: map[string]string{"rack": name}}}
}

func allowDisruption(o metav1.Object) {
	o.SetAnnotations(map[string]string{v1beta1.AnnotationAllowDisruption: "true"})
}

// expectHeld waits until routes of as many services are held.
func (w *world) expectHeld(services int) {
	w.t.Helper()
	w.Eventually(func() map[string]float64 { return w.metric("metallb_speaker_held_services") }).Should(Equal(map[string]float64{"": float64(services)}))
}

// announced returns a world in which a service is announced to a router, by an advertisement that selects its pool by label,
// and a check that nobody was told of anything since.
func announced(t *testing.T) (_ *world, expectStill func()) {
	t.Helper()
	byLabel, gold := advertisement("everything"), pool("my-ip-space", "198.51.100.0/24")
	byLabel.Spec.IPAddressPoolSelectors = rack("gold")
	gold.Labels = map[string]string{"rack": "gold"}
	w := newWorld(t, peer("router", "192.0.2.1"), gold, byLabel, service("nginx", "198.51.100.0"), slice("nginx", "node-1"))
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")
	w.expectHeld(0)
	_, applied, _ := w.sessions.counts()
	return w, func() {
		t.Helper()
		s, _ := w.sessions.session("router")
		w.Expect(s.starts).To(Equal(1), "sessions")
		_, now, _ := w.sessions.counts()
		w.Expect(now).To(Equal(applied), "calls of Apply")
		w.Expect(w.told()).To(BeEmpty(), "events")
	}
}

func TestARouteStaysThatAChangeOfTheConfigurationWouldTakeAway(t *testing.T) {
	tests := map[string]struct{ take, restore, mean func(*world) }{
		"the advertisement is deleted": {
			take: func(w *world) { w.delete(advertisement("everything")) },
			restore: func(w *world) {
				byLabel := advertisement("everything")
				byLabel.Spec.IPAddressPoolSelectors = rack("gold")
				w.create(byLabel)
			},
			mean: func(w *world) {
				// At once, so that the speaker may see the outcome only.
				change(w, advertisement("everything"), func(a *v1beta1.BGPAdvertisement) { allowDisruption(a) })
				w.delete(advertisement("everything"))
			},
		},
		"the advertisement is narrowed": {
			take: func(w *world) {
				change(w, advertisement("everything"), func(a *v1beta1.BGPAdvertisement) { a.Spec.IPAddressPoolSelectors = rack("tin") })
			},
			restore: func(w *world) {
				change(w, advertisement("everything"), func(a *v1beta1.BGPAdvertisement) { a.Spec.IPAddressPoolSelectors = nil })
			},
			mean: func(w *world) {
				change(w, advertisement("everything"), func(a *v1beta1.BGPAdvertisement) {
					allowDisruption(a)
					a.Spec.IPAddressPools = []string{"other"}
				})
			},
		},
		"the pool is relabelled": {
			take: func(w *world) {
				change(w, pool("my-ip-space"), func(p *v1beta1.IPAddressPool) { p.Labels = map[string]string{"rack": "tin"} })
			},
			restore: func(w *world) {
				change(w, pool("my-ip-space"), func(p *v1beta1.IPAddressPool) { p.Labels = map[string]string{"rack": "gold"} })
			},
			mean: func(w *world) {
				change(w, pool("my-ip-space"), func(p *v1beta1.IPAddressPool) { allowDisruption(p); p.Labels = nil })
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w, expectStill := announced(t)
			tc.take(w)
			w.expectHeld(1)
			w.expectRoutes("router", "198.51.100.0/32")
			expectStill()

			t.Log("the configuration is as it was")
			tc.restore(w)
			w.expectHeld(0)
			expectStill()

			t.Log("it is meant")
			tc.mean(w)
			w.expectRoutes("router")
			w.Eventually(w.told).Should(ConsistOf(ContainSubstring("nodeUnassigned")))
			w.expectHeld(0)
		})
	}
}

func TestAnOperatorMayMeanItLater(t *testing.T) {
	w, _ := announced(t)
	change(w, advertisement("everything"), func(a *v1beta1.BGPAdvertisement) { a.Spec.NodeSelectors = rack("b") })
	w.expectHeld(1)
	change(w, advertisement("everything"), func(a *v1beta1.BGPAdvertisement) { allowDisruption(a) })
	w.expectHeld(0)
	w.expectRoutes("router")
}

func TestARouteIsWithdrawnOnceAnotherNodeIsKnownToAnnounceIt(t *testing.T) {
	w, _ := announced(t)
	everything := advertisement("everything")
	changeStatus(w, everything, func(a *v1beta1.BGPAdvertisement) {
		a.Status = v1beta1.BGPAdvertisementStatus{ObservedGeneration: a.Generation, NodesIPv4: 3}
	})
	change(w, everything, func(a *v1beta1.BGPAdvertisement) { a.Spec.NodeSelectors = rack("b") })
	w.expectHeld(1)

	t.Log("its status tells of the other family")
	changeStatus(w, everything, func(a *v1beta1.BGPAdvertisement) {
		a.Status.ObservedGeneration, a.Status.NodesIPv4, a.Status.NodesIPv6 = a.Generation, 0, 1
	})
	another := advertisement("another")
	another.Spec.IPAddressPools = []string{"marker"}
	w.create(another)
	w.settle()
	w.expectHeld(1)
	w.expectRoutes("router", "198.51.100.0/32", "192.0.2.255/32")

	changeStatus(w, everything, func(a *v1beta1.BGPAdvertisement) { a.Status.NodesIPv4 = 2 })
	w.expectRoutes("router", "192.0.2.255/32")
	w.expectHeld(0)
}

func TestASpeakerThatRestartsAnnouncesWhatTheConfigurationSays(t *testing.T) {
	w, _ := announced(t)
	w.delete(advertisement("everything"))
	w.expectHeld(1)
	w.stop()
	w.start()
	w.expectHeld(0)
	w.expectRoutes("router")
}

// holding is a speaker over objects in memory, which holds the route of a service after its advertisement was deleted.
type holding struct {
	world    memory
	speaker  *node.Speaker
	sessions *fakeSessions
	registry *prometheus.Registry
	service  *corev1.Service
	lines    []string
	ctx      context.Context //nolint:containedctx // it has the logger of the test
}

func newHolding(t *testing.T) *holding {
	t.Helper()
	h := &holding{
		world: memory{services: map[client.ObjectKey]*corev1.Service{}}, sessions: newFakeSessions(),
		registry: prometheus.NewRegistry(), service: service("nginx", "198.51.100.0"),
	}
	h.service.UID = "first"
	h.ctx = log.IntoContext(t.Context(), funcr.New(func(_, args string) { h.lines = append(h.lines, args) }, funcr.Options{}))
	h.put(h.service)
	metrics, err := node.NewMetrics(h.registry)
	if err != nil {
		t.Fatal(err)
	}
	h.speaker = node.NewSpeaker(node.Options{
		Node: "node-1", Client: h.world, Sessions: h.sessions, Recorder: events.NewFakeRecorder(10), Metrics: metrics,
	})
	h.reconfigure(t, *advertisement("everything"))
	h.reconfigure(t)
	h.lines = nil
	return h
}

func (h *holding) put(svc *corev1.Service) { h.world.services[client.ObjectKeyFromObject(svc)] = svc }

func (h *holding) reconfigure(t *testing.T, advertisements ...v1beta1.BGPAdvertisement) {
	t.Helper()
	p, _ := policy.Compile(policy.Input{
		Node:           policy.NodeOf(thisNode()),
		Peers:          []v1beta2.BGPPeer{*peer("router", "192.0.2.1")},
		Pools:          []v1beta1.IPAddressPool{*pool("my-ip-space", "198.51.100.0/24")},
		Advertisements: advertisements,
	}, h.speaker.Policy())
	if err := h.speaker.Reconfigure(h.ctx, p); err != nil {
		t.Fatal(err)
	}
}

func (h *holding) update(t *testing.T) {
	t.Helper()
	if err := h.speaker.Update(h.ctx, types.NamespacedName{Namespace: "default", Name: "nginx"}); err != nil {
		t.Fatal(err)
	}
}

func (h *holding) expect(t *testing.T, held float64, routes ...string) {
	t.Helper()
	if diff := cmp.Diff(routes, append([]string(nil), h.sessions.routes("router")...)); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	families, err := h.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "metallb_speaker_held_services" && f.GetMetric()[0].GetGauge().GetValue() != held {
			t.Errorf("%v, want %v held", f.GetMetric()[0].GetGauge().GetValue(), held)
		}
	}
}

func TestWhatIsHeldIsForgottenWithItsService(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*holding){
		"the service is deleted": func(h *holding) { clear(h.world.services) },
		"the service is of another type": func(h *holding) {
			other := h.service.DeepCopy()
			other.Spec.Type = corev1.ServiceTypeNodePort
			h.put(other)
		},
		"the service is of another class": func(h *holding) {
			other, class := h.service.DeepCopy(), "example.com/other"
			other.Spec.LoadBalancerClass = &class
			h.put(other)
		},
		"the service has no address": func(h *holding) { h.put(service("nginx")) },
		"the service is another of its name": func(h *holding) {
			other := h.service.DeepCopy()
			other.UID = "second"
			h.put(other)
		},
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHolding(t)
			h.expect(t, 1, "198.51.100.0/32")
			end(h)
			h.update(t)
			h.expect(t, 0)

			h.put(h.service)
			h.update(t)
			h.expect(t, 0)
		})
	}
}

func TestThatARouteIsHeldIsSaidOnce(t *testing.T) {
	t.Parallel()
	h := newHolding(t)
	expect := func(want ...string) {
		t.Helper()
		var got []string
		for _, line := range h.lines {
			for _, w := range want {
				if strings.Contains(line, w) {
					got = append(got, w)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(h.lines) != len(want) {
			t.Errorf("logged %q, want %q", h.lines, want)
		}
		h.lines = nil
	}
	h.update(t)
	h.reconfigure(t)
	expect()
	h.reconfigure(t, *advertisement("another"))
	expect("no longer holding routes of service")
	h.reconfigure(t)
	h.update(t)
	expect("holding routes of service that the configuration does not cover any more")
}

func TestASessionThatComesHasWhatIsHeld(t *testing.T) {
	w, _ := announced(t)
	w.delete(advertisement("everything"))
	w.expectHeld(1)
	w.create(peer("second", "192.0.2.2"))
	w.expectRoutes("second", "198.51.100.0/32")
	s, _ := w.sessions.session("second")
	w.Expect(s.initial).To(Equal([]netip.Prefix{netip.MustParsePrefix("198.51.100.0/32")}), "what the session started with")
	router, _ := w.sessions.session("router")
	w.Expect(router.starts+router.withdrawn).To(Equal(1), "sessions and withdrawals of the other")
}
