// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/node"
)

// serviceProxy stands for the node's: it does not forward connections of the families that are pending.
type serviceProxy struct {
	pending endpoint.FamilySet
	signal  drain.Signal
}

func (p *serviceProxy) Pending(context.Context) endpoint.FamilySet { return p.pending }

func (p *serviceProxy) Signal() drain.Signal { return p.signal }

// booting is a speaker of a node with a dual-stack service and a router of each family, and the node's service proxy.
type booting struct {
	*testing.T
	proxy      serviceProxy
	sessions   *fakeSessions
	events     *events.FakeRecorder
	speaker    *node.Speaker
	reconciler *node.ConfigurationReconciler
}

func newBooting(t *testing.T) *booting {
	t.Helper()
	b := &booting{T: t, sessions: newFakeSessions(), events: events.NewFakeRecorder(10)}
	svc := service("web", "198.51.100.1", "2001:db8:1::1")
	v6 := slice("web", "node-1")
	v6.Name, v6.AddressType, v6.Endpoints[0].Addresses = "web-2", discoveryv1.AddressTypeIPv6, []string{"fd00::5"}
	reader := fakeCluster(t,
		thisNode(), peer("router", "192.0.2.1"), peer("router6", "2001:db8::1"), pool("pool", "198.51.100.0/24", "2001:db8:1::/64"),
		advertisement("everything"), svc, slice("web", "node-1"), v6,
	).Build()
	metrics, err := node.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	b.speaker = node.NewSpeaker(node.Options{Node: "node-1", Client: reader, Table: b.sessions.table, Sessions: b.sessions, Recorder: b.events, Metrics: metrics})
	b.reconciler = &node.ConfigurationReconciler{Client: reader, Speaker: b.speaker, DataPlane: &b.proxy}
	return b
}

// expect reconciles while these families are pending.
func (b *booting) expect(pending endpoint.FamilySet, want ctrl.Result, routes, routes6 []string) {
	b.Helper()
	b.proxy.pending = pending
	result, err := b.reconciler.Reconcile(b.Context(), ctrl.Request{})
	if err != nil || result != want {
		b.Errorf("with pending %v: result %+v, error %v; want %+v", pending, result, err, want)
	}
	if diff := cmp.Diff(map[string][]string{"router": routes, "router6": routes6},
		map[string][]string{"router": b.sessions.routes("router"), "router6": b.sessions.routes("router6")}); diff != "" {
		b.Errorf("with pending %v: routes (-want +got):\n%s", pending, diff)
	}
}

func TestANodeAnnouncesWhenItsServiceProxyForwards(t *testing.T) {
	t.Parallel()
	b := newBooting(t)
	again := ctrl.Result{RequeueAfter: time.Second}
	nothing, v4, v6 := []string{}, []string{"198.51.100.1/32"}, []string{"2001:db8:1::1/128"}
	b.expect(endpoint.FamilySet{true, true}, again, nothing, nothing)
	if got := told(b.events); len(got) > 0 {
		t.Errorf("events %v: nothing was announced before", got)
	}
	b.expect(endpoint.FamilySet{endpoint.IPv6: true}, again, v4, nothing)
	want := []string{`Normal nodeAssigned announcing from node "node-1" with protocol "bgp" to "router"`}
	if diff := cmp.Diff(want, told(b.events)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	b.expect(endpoint.FamilySet{}, ctrl.Result{}, v4, v6)
	for _, peer := range []string{"router", "router6"} {
		if s, _ := b.sessions.session(peer); s.starts != 1 {
			t.Errorf("%s has had %d sessions", peer, s.starts)
		}
	}
}

// The node's services have no route while its proxy is waited for, so that a rolling update must not go on to the next node.
func TestASpeakerThatWaitsForTheServiceProxyIsNotReadyForAWhile(t *testing.T) {
	t.Parallel()
	reconcile := func(b *booting, pending endpoint.FamilySet) {
		b.proxy.pending = pending
		if _, err := b.reconciler.Reconcile(b.Context(), ctrl.Request{}); err != nil {
			b.Error(err)
		}
	}
	t.Run("until it forwards", func(t *testing.T) {
		t.Parallel()
		b := newBooting(t)
		reconcile(b, endpoint.FamilySet{true, true})
		if b.speaker.Ready() {
			t.Error("ready without routes")
		}
		reconcile(b, endpoint.FamilySet{endpoint.IPv6: true})
		if !b.speaker.Ready() {
			t.Error("not ready with the routes of one family, which may be the only one that the proxy has")
		}
	})
	t.Run("until it has had time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBooting(t)
			reconcile(b, endpoint.FamilySet{true, true})
			<-time.After(9 * time.Second)
			if b.speaker.Ready() {
				t.Error("ready, though the proxy has had little time")
			}
			<-time.After(time.Second)
			if !b.speaker.Ready() {
				t.Error("a proxy that never forwards keeps the speaker from ever being ready")
			}
		})
	})
}

func TestASessionThatHangsWhileTheServiceProxyIsWaitedForHasTheRoutesLater(t *testing.T) {
	t.Parallel()
	b := newBooting(t)
	again := ctrl.Result{RequeueAfter: time.Second}
	b.expect(endpoint.FamilySet{true, true}, again, []string{}, []string{})
	b.sessions.setHung("router", true)
	b.expect(endpoint.FamilySet{}, ctrl.Result{}, []string{}, []string{"2001:db8:1::1/128"})
	b.sessions.setHung("router", false)
	b.expect(endpoint.FamilySet{}, ctrl.Result{}, []string{"198.51.100.1/32"}, []string{"2001:db8:1::1/128"})
}
