// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
)

// propagation returns how often it was measured how long peers took to be told, and the sum in seconds.
func (w *world) propagation() (count uint64, sum float64) {
	w.t.Helper()
	families, err := w.registry.Gather()
	w.Expect(err).NotTo(HaveOccurred())
	for _, family := range families {
		if family.GetName() == "metallb_speaker_propagation_seconds" {
			h := family.GetMetric()[0].GetHistogram()
			return h.GetSampleCount(), h.GetSampleSum()
		}
	}
	w.t.Fatal("there is no such metric")
	return 0, 0
}

func TestTheTimeFromAChangeUntilPeersAreToldIsMeasured(t *testing.T) {
	w := tutorial(t)
	nginx := service("nginx", "198.51.100.0")
	w.create(nginx, slice("nginx", "node-1"))
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")
	measured := func() uint64 { count, _ := w.propagation(); return count }
	w.Expect(measured()).To(BeZero(), "what sessions start with is no change")
	address := func(a string) {
		t.Helper()
		changeStatus(w, nginx, func(s *corev1.Service) { s.Status.LoadBalancer.Ingress[0].IP = a })
	}

	address("198.51.100.1")
	w.Eventually(measured).Should(BeEquivalentTo(1))
	_, sum := w.propagation()
	w.Expect(sum).To(And(BeNumerically(">", 0), BeNumerically("<", 10)))

	t.Log("a change that peers need not be told of")
	change(w, nginx, func(s *corev1.Service) { s.Spec.Ports[0].Port = 81 })
	t.Log("one that they cannot be told of")
	w.sessions.setDown(true)
	address("198.51.100.2")
	w.expectRoutes("router", "198.51.100.2/32")
	w.speaker.Policy() // Waits until the speaker is done with the service.
	w.Expect(measured()).To(BeEquivalentTo(1))

	t.Log("one that their session takes later")
	w.sessions.setDown(false)
	w.sessions.setHung("router", true)
	address("198.51.100.3")
	w.Eventually(func() uint64 { return w.sessions.table.Due("router") }).ShouldNot(BeZero())
	w.speaker.Policy()
	w.Expect(measured()).To(BeEquivalentTo(1))
	w.sessions.setHung("router", false)
	w.Eventually(measured).Should(BeEquivalentTo(2))
	w.expectRoutes("router", "198.51.100.3/32")
}
