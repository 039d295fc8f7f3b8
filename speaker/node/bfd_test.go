// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

func TestABFDProfileThatComesChangesOrGoesResetsNoSession(t *testing.T) {
	w := tutorial(t)
	w.create(service("nginx", "198.51.100.0"), slice("nginx", "node-1"))
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")
	interval := func() time.Duration {
		s, _ := w.sessions.session("router")
		return s.config.BFD.TransmitInterval
	}
	stale := func() map[string]float64 { return w.metric("metallb_k8s_client_config_stale_bool") }
	fast := &v1beta1.BFDProfile{ObjectMeta: inNamespace("fast"), Spec: v1beta1.BFDProfileSpec{TransmitInterval: new(int32(50))}}

	t.Log("the peer names a profile that does not exist")
	change(w, peer("router", ""), func(p *v1beta2.BGPPeer) { p.Spec.BFDProfile = "fast" })
	w.Eventually(w.reported).Should(ContainElement(ContainSubstring(
		`Warning InvalidConfig node "node-1": spec.bfdProfile: there is no BFDProfile "fast"; create it or remove spec.bfdProfile; the session has no BFD`)))
	w.Expect(interval()).To(BeZero())

	t.Log("it comes, and changes")
	w.create(fast.DeepCopy())
	w.Eventually(interval).Should(Equal(50 * time.Millisecond))
	w.Eventually(stale).Should(Equal(map[string]float64{"": 0}))
	change(w, fast, func(p *v1beta1.BFDProfile) { p.Spec.TransmitInterval = new(int32(100)) })
	w.Eventually(interval).Should(Equal(100 * time.Millisecond))

	t.Log("it goes, past the webhook")
	w.delete(fast)
	w.Eventually(stale).Should(Equal(map[string]float64{"": 1}))
	w.Expect(interval()).To(Equal(100*time.Millisecond), "the session keeps it")
	w.Eventually(w.reported).Should(ContainElement(ContainSubstring("the session keeps the BFD profile that it has")))

	t.Log("the peer names none any more")
	change(w, peer("router", ""), func(p *v1beta2.BGPPeer) { p.Spec.BFDProfile = "" })
	w.Eventually(interval).Should(BeZero())
	s, _ := w.sessions.session("router")
	w.Expect(s.starts).To(Equal(1), "the session is not disturbed")
	w.expectRoutes("router", "198.51.100.0/32")
}
