// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"metallb.io/metallb/api/v1beta1"
)

// wire is a speaker's connections to the API server, which can be cut.
type wire struct {
	mu    sync.Mutex
	cut   bool
	conns []net.Conn
	// refused counts the connections that were tried while it was cut.
	refused int
}

// dial is for rest.Config.
func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		w.refused++
		return nil, errors.New("the wire is cut")
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err == nil {
		w.conns = append(w.conns, conn)
	}
	return conn, err
}

func (w *wire) setCut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for _, conn := range w.conns {
		_ = conn.Close()
	}
	w.conns = nil
}

func (w *wire) attempts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused
}

func TestRoutesStayWhileTheAPIServerIsAwayAndWhatChangedIsTakenUpAfterwards(t *testing.T) {
	w := tutorial(t)
	stays, moves, goes := service("stays", "198.51.100.1"), service("moves", "198.51.100.2"), service("goes", "198.51.100.3")
	w.create(stays, slice("stays", "node-1"), moves, slice("moves", "node-2"), goes, slice("goes", "node-2"))
	w.start()
	w.expectRoutes("router", "198.51.100.1/32", "198.51.100.2/32", "198.51.100.3/32")

	w.wire.setCut(true)
	// Each kind is watched by itself, so that this many attempts are several of each.
	w.Eventually(w.wire.attempts).Should(BeNumerically(">", 20))
	w.expectRoutes("router", "198.51.100.1/32", "198.51.100.2/32", "198.51.100.3/32")
	_, _, changes := w.sessions.counts()
	w.delete(goes)
	changeStatus(w, moves, func(s *corev1.Service) { s.Status.LoadBalancer.Ingress[0].IP = "198.51.100.4" })
	change(w, slice("stays"), func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Addresses = []string{"10.244.0.99"} })
	change(w, advertisement("everything"), func(a *v1beta1.BGPAdvertisement) { a.Labels = map[string]string{"a": "b"} })

	w.wire.setCut(false)
	w.expectRoutes("router", "198.51.100.1/32", "198.51.100.4/32")
	_, _, now := w.sessions.counts()
	w.Expect(now-changes).To(Equal(3), "prefixes told: one that comes and two that go")
	s, _ := w.sessions.session("router")
	w.Expect(s.starts).To(Equal(1))
}

// A speaker that waits for the API server ends when it is asked to.
func TestASpeakerThatNeverReachedTheAPIServerStops(t *testing.T) {
	w := tutorial(t)
	mgr := w.newManager()
	w.wire.setCut(true)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	w.Eventually(w.wire.attempts).Should(BeNumerically(">", 0))
	cancel()
	w.Eventually(done).Should(Receive())
	w.Expect(w.speaker.Ready()).To(BeFalse())
}
