// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/util/workqueue"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

// The cache was late when the status was compared, and nothing but the late version tells that.
func TestAPeerWhoseStatusArrivesLateIsLookedAt(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	x := newIndex(clocktesting.NewFakePassiveClock(time.Unix(1000, 0)))
	f := &feed{index: x, namespace: "metallb-system"}
	p := builder.MakePeer("router", "192.0.2.1").Obj()
	p.UID, p.Generation = "1", 1
	s := state("node-1", v1beta1.SessionEstablished, "")
	x.setNode(nodeOf("node-1", "1", false))
	x.setSession("node-1", &s)
	x.setPeer(p)
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[ctrl.Request]())
	defer queue.ShutDown()
	g.Expect(f.peers.Source().Start(t.Context(), queue)).To(Succeed())
	late := p.DeepCopy()
	late.Status.Sessions = "0/1"
	f.setPeer(p, late)
	g.Eventually(queue.Len, "5s").Should(Equal(1))
}
