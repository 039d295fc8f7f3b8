// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/speaker/node"
)

// fakeRouters knows the router on every interface that is followed, once it is told so.
type fakeRouters struct {
	followed []string
	found    bool
}

func (r *fakeRouters) Follow(devices []string) { r.followed = devices }

func (r *fakeRouters) Router(device string) (netip.Addr, error) {
	if !r.found {
		return netip.Addr{}, errors.New("interface " + device + " is down")
	}
	return netip.MustParseAddr("fe80::1").WithZone(device), nil
}

func (r *fakeRouters) Gateway(v1beta2.GatewayFamily) (netip.Addr, error) {
	return netip.Addr{}, errors.New("no default route")
}

func TestASpeakerThatLooksForARouterIsNotReadyForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		unnumbered := peer("leaf", "")
		unnumbered.Spec.Interface = "eth1"
		reader := fakeCluster(t, thisNode(), unnumbered, pool("pool", "198.51.100.0/24"), advertisement("everything"),
			service("web", "198.51.100.1"), slice("web", "node-1")).Build()
		metrics, err := node.NewMetrics(prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		routers, sessions := &fakeRouters{}, newFakeSessions()
		newSpeaker := func() (*node.Speaker, func()) {
			s := node.NewSpeaker(node.Options{
				Node: "node-1", Client: reader, Table: sessions.table, Sessions: sessions, Recorder: events.NewFakeRecorder(10), Metrics: metrics,
			})
			reconciler := &node.ConfigurationReconciler{Client: reader, Speaker: s, Routers: routers}
			return s, func() {
				if _, err := reconciler.Reconcile(t.Context(), ctrl.Request{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		speaker, reconcile := newSpeaker()
		reconcile()
		<-time.After(9 * time.Second)
		if diff := cmp.Diff([]string{"eth1"}, routers.followed); diff != "" || speaker.Ready() {
			t.Errorf("ready without the router: %v; followed (-want +got):\n%s", speaker.Ready(), diff)
		}
		<-time.After(time.Second)
		if !speaker.Ready() {
			t.Error("a router that is never found keeps the speaker from ever being ready")
		}

		routers.found = true
		speaker, reconcile = newSpeaker()
		reconcile()
		if got := sessions.routes("leaf"); !speaker.Ready() || len(got) != 1 {
			t.Errorf("with the router: ready %v, routes %v", speaker.Ready(), got)
		}
	})
}
