// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"testing"
	"testing/synctest"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/node"
)

// newKeeping is a speaker with a router that keeps routes, and another one if asked for.
func newKeeping(t *testing.T, other bool) (*node.Speaker, *fakeSessions) {
	t.Helper()
	keeps := peer("keeper", "192.0.2.2")
	keeps.Spec.EnableGracefulRestart = true
	p := peer("router", "192.0.2.1")
	p.Spec.EnableGracefulRestart = !other
	reader := fakeCluster(t, thisNode(), keeps, p, pool("pool", "198.51.100.0/24"), advertisement("everything"),
		service("web", "198.51.100.1"), slice("web", "node-1")).Build()
	s, sessions, _ := newSpeakerOf(t, reader)
	if _, err := (&node.ConfigurationReconciler{Client: reader, Speaker: s}).Reconcile(t.Context(), ctrl.Request{}); err != nil {
		t.Fatal(err)
	}
	sessions.settle()
	return s, sessions
}

func TestRoutesThatPeersKeepDoNotDrain(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		other bool
		kept  int
		took  time.Duration
	}{
		"all peers keep them":  {false, 2, 0},
		"another one does not": {true, 1, time.Second},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, sessions := newKeeping(t, tc.other)
				start := time.Now()
				if err := s.KeepRoutes(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := s.Shutdown(t.Context(), time.Second); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took != tc.took || !sessions.closed {
					t.Errorf("took %s, want %s; closed: %t", took, tc.took, sessions.closed)
				}
				if len(sessions.kept) != tc.kept {
					t.Errorf("%d peers keep routes, want %d", len(sessions.kept), tc.kept)
				}
				for _, kept := range sessions.kept {
					for prefix, path := range kept.routes {
						if path.Draining || kept.withdrawn > 0 {
							t.Errorf("%s: %s drains: %t; %d prefixes are withdrawn", kept.config.Name, prefix, path.Draining, kept.withdrawn)
						}
					}
				}
				if tc.other {
					if path, found := sessions.path("198.51.100.1/32"); !found || !path.Draining {
						t.Errorf("the peer that keeps nothing has %+v", path)
					}
				}
			})
		})
	}
}

func TestOnlyPeersWithGracefulRestartMayKeepRoutes(t *testing.T) {
	t.Parallel()
	plain, _, _ := newSpeaker(t)
	if plain.MayKeepRoutes() {
		t.Error("before the first policy routes may be kept")
	}
	if err := plain.Reconfigure(t.Context(), compiled(t, *advertisement("everything"))); err != nil {
		t.Fatal(err)
	}
	if plain.MayKeepRoutes() {
		t.Error("a peer without graceful restart may keep routes")
	}
	if s, _ := newKeeping(t, true); !s.MayKeepRoutes() {
		t.Error("a peer with graceful restart may not keep routes")
	}
}

func TestForwardingStateIsPreservedWhereTheServiceProxyForwards(t *testing.T) {
	t.Parallel()
	b := newBooting(t)
	for _, step := range []struct {
		pending endpoint.FamilySet
		want    bgp.Families
	}{
		{endpoint.FamilySet{true, true}, bgp.Families{}},
		{endpoint.FamilySet{endpoint.IPv6: true}, bgp.Families{IPv4: true}},
		{endpoint.FamilySet{endpoint.IPv4: true}, bgp.Families{IPv6: true}},
		{endpoint.FamilySet{}, bgp.Families{IPv4: true, IPv6: true}},
	} {
		b.proxy.pending = step.pending
		if _, err := b.reconciler.Reconcile(t.Context(), ctrl.Request{}); err != nil {
			t.Fatal(err)
		}
		if got := b.speaker.Preserved(); got != step.want {
			t.Errorf("with pending %v: %v, want %v", step.pending, got, step.want)
		}
	}
}
