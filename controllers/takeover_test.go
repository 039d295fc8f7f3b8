// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
)

var _ = Describe("A leader that is frozen and thawed when another leads", func() {
	BeforeEach(func(ctx SpecContext) {
		server.Clean(GinkgoTB())
		Expect(client.IgnoreNotFound(server.Client.Delete(ctx, lease()))).To(Succeed())
	})

	It("gives no address by a write that was on its way", func(ctx SpecContext) {
		create(ctx, builder.MakePool("one", "192.0.2.1/32").Obj())
		older := builder.MakeService("a-older").Obj()
		older.Spec.Type = corev1.ServiceTypeClusterIP
		create(ctx, older, builder.MakeService("holder").Obj())
		g := newGate()
		frozen := startControllerWith(g.kubeconfig(), "--leader-elect=true")
		Eventually(addresses(ctx, "holder")).Should(holds("192.0.2.1"))
		create(ctx, builder.MakeService("waiting").Obj())
		Eventually(allocated(ctx, "waiting")).Should(HavePrefix("False AllocationFailed"))

		By("freezing it between its decision and the API server")
		g.stop(func(r *http.Request, body string) bool {
			return r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/services/waiting/status") && strings.Contains(body, "192.0.2.1")
		})
		remove(ctx, builder.MakeService("holder").Obj())
		Eventually(g.held).Should(Receive())
		frozen.signal(syscall.SIGSTOP)

		By("having another take over, which gives the address to an older service")
		change(ctx, older, func(svc *corev1.Service) { svc.Spec.Type = corev1.ServiceTypeLoadBalancer })
		expire(ctx)
		startController("--leader-elect=true")
		Eventually(addresses(ctx, "a-older")).Should(holds("192.0.2.1"))
		Eventually(allocated(ctx, "waiting")).Should(HavePrefix("False AllocationFailed"))

		watched := observe(ctx)
		g.release()
		Eventually(g.answered).Should(Receive(Equal(http.StatusConflict)), "what the API server answers to the late write")
		frozen.signal(syscall.SIGCONT)
		Eventually(frozen.ended).Should(BeClosed())
		watched.mu.Lock()
		defer watched.mu.Unlock()
		Expect(watched.faults).To(BeEmpty())
	})

	It("costs a write of each service that waits, and none if it gave its lease away", func(ctx SpecContext) {
		create(ctx, builder.MakePool("one", "192.0.2.1/32").Obj(), builder.MakeService("first").Annotation("example.com/note", "another's").Obj())
		start := func() *controllerProcess { return startController("--leader-elect=true") }
		leader := start()
		Eventually(addresses(ctx, "first")).Should(holds("192.0.2.1"))
		create(ctx, builder.MakeService("waiting").Obj())
		Eventually(allocated(ctx, "waiting")).Should(HavePrefix("False AllocationFailed"))
		Eventually(counts(ctx, "one")).Should(Equal([]int64{1, 0, 0, 0}))
		Eventually(announced(ctx, "first")).ShouldNot(BeEmpty())
		versions := func() []string {
			return []string{read(ctx, "default", "first").ResourceVersion, read(ctx, "default", "waiting").ResourceVersion}
		}
		before := versions()
		Expect(read(ctx, "default", "first").Annotations).To(HaveKeyWithValue("example.com/note", "another's"))

		By("stopping it")
		leader.stop(syscall.SIGTERM)
		Expect(holder(ctx)).To(BeEmpty())
		leader = start()
		Eventually(leader.log).Should(gbytes.Say("replayed the addresses"))
		Expect(versions()).To(Equal(before))

		By("killing it")
		leader.stop(syscall.SIGKILL)
		expire(ctx)
		Eventually(start().log).Should(gbytes.Say("replayed the addresses"))
		after := versions()
		Expect(after[0]).To(Equal(before[0]))
		Expect(after[1]).NotTo(Equal(before[1]))
		Expect(read(ctx, "default", "waiting").Annotations).To(HaveKeyWithValue(v1beta1.AnnotationTakenOverBy, holder(ctx)))
		remove(ctx, builder.MakeService("first").Obj())
		Eventually(addresses(ctx, "waiting")).Should(holds("192.0.2.1"))
		Expect(read(ctx, "default", "waiting").Annotations).NotTo(HaveKey(v1beta1.AnnotationTakenOverBy))
	})

	It("decides nothing any more, though its clock says that it still leads", func(ctx SpecContext) {
		create(ctx, tutorialPool(), builder.MakeService("first").Obj())
		frozen := startController("--leader-elect=true")
		Eventually(addresses(ctx, "first")).Should(holds("198.51.100.0"))
		startNext := func() *controllerProcess { return startController("--leader-elect=true") }

		By("freezing it for less than its lease lasts, as by the clock of a virtual machine that was paused")
		frozen.signal(syscall.SIGSTOP)
		expire(ctx)
		next := startNext()
		create(ctx, builder.MakeService("second").Obj())
		Eventually(addresses(ctx, "second")).Should(holds("198.51.100.1"))
		leader := holder(ctx)

		By("thawing it when it alone would see another service")
		next.signal(syscall.SIGSTOP)
		create(ctx, builder.MakeService("third").Obj())
		frozen.signal(syscall.SIGCONT)
		Eventually(frozen.ended).Should(BeClosed())
		Expect(addresses(ctx, "third")()).To(BeEmpty())
		Expect(allocated(ctx, "third")()).To(BeEmpty())
		Expect(holder(ctx)).To(Equal(leader), "it does not give away what is another's")
		next.signal(syscall.SIGCONT)
		Eventually(addresses(ctx, "third")).Should(holds("198.51.100.2"))
	})
})

func lease() *coordinationv1.Lease {
	l := &coordinationv1.Lease{}
	l.Namespace, l.Name = envtest.Namespace, leaseName
	return l
}

// expire makes the lease end soon, so that nobody has to wait for that.
func expire(ctx context.Context) {
	GinkgoHelper()
	change(ctx, lease(), func(l *coordinationv1.Lease) { l.Spec.LeaseDurationSeconds = new(int32(1)) })
}

func holder(ctx context.Context) string {
	GinkgoHelper()
	l := lease()
	Expect(server.Client.Get(ctx, client.ObjectKeyFromObject(l), l)).To(Succeed())
	return *l.Spec.HolderIdentity
}
