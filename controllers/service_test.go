// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

const pending = "a Service that waits has no address"

var _ = Describe("A Service", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	It("that asks for an address in use keeps what it has until that is released", func(ctx SpecContext) {
		startController()
		first, second := builder.MakeService("first").Obj(), builder.MakeService("second").Obj()
		create(ctx, tutorialPool(), first)
		Eventually(addresses(ctx, "first")).Should(holds("198.51.100.0"))
		create(ctx, second)
		Eventually(addresses(ctx, "second")).Should(holds("198.51.100.1"))

		const refusal = `address "198.51.100.0" is in use by "default/first"; the service keeps "198.51.100.1"`
		change(ctx, second, func(svc *corev1.Service) { svc.Spec.LoadBalancerIP = "198.51.100.0" })
		Eventually(allocated(ctx, "second")).Should(Equal("False AllocationFailed: " + refusal))
		Expect(addresses(ctx, "second")()).To(holds("198.51.100.1"))
		Eventually(events(ctx, "Service", "second")).Should(ContainElement("Warning AllocationFailed: " + refusal))

		remove(ctx, first)
		Eventually(addresses(ctx, "second")).Should(holds("198.51.100.0"))
		Eventually(allocated(ctx, "second")).Should(Equal(`True IPAllocated: Assigned IP "198.51.100.0"`))
	})

	It("that waits is served as soon as a pool has room, the oldest first", func(ctx SpecContext) {
		startController()
		small := builder.MakePool("small", "192.0.2.1-192.0.2.1").Obj()
		create(ctx, small, builder.MakeService("first").Obj())
		Eventually(addresses(ctx, "first")).Should(holds("192.0.2.1"))
		create(ctx, builder.MakeService("second").Obj())
		Eventually(allocated(ctx, "second")).Should(Equal(
			`False AllocationFailed: no IPv4 address available: pool "small" is exhausted`))
		create(ctx, builder.MakeService("third").Obj())
		Eventually(allocated(ctx, "third")).Should(HavePrefix("False"))

		By("releasing the only address")
		remove(ctx, builder.MakeService("first").Obj())
		Eventually(addresses(ctx, "second")).Should(holds("192.0.2.1"))
		Consistently(addresses(ctx, "third")).Should(BeEmpty(), pending)

		By("making the pool larger")
		change(ctx, small, func(p *v1beta1.IPAddressPool) { p.Spec.Addresses = []string{"192.0.2.1-192.0.2.2"} })
		Eventually(addresses(ctx, "third")).Should(holds("192.0.2.2"))
		Expect(events(ctx, "Service", "third")()).To(ContainElement(
			`Warning AllocationFailed: no IPv4 address available: pool "small" is exhausted`), "told once")
	})

	It("that waits is served when its namespace gets the label that a pool selects", func(ctx SpecContext) {
		startController()
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "team-"}}
		create(ctx, namespace, builder.MakePool("blue", "192.0.2.0/24").NamespacesWithLabel("team", "blue").Obj())
		svc := builder.MakeService("web").In(namespace.Name).Obj()
		create(ctx, svc)
		conditions := func() string {
			return summary(read(ctx, namespace.Name, "web").Status.Conditions, v1beta1.ConditionAllocated)
		}
		Eventually(conditions).Should(HaveSuffix("no auto-assigned pool selects the service"))
		change(ctx, namespace, func(n *corev1.Namespace) { n.Labels["team"] = "blue" })
		Eventually(conditions).Should(Equal(`True IPAllocated: Assigned IP "192.0.2.0"`))
	})

	It("whose pool does not select it any more says so, keeps its address, and moves as soon as another pool does", func(ctx SpecContext) {
		startController()
		svc := builder.MakeService("web").Label("tier", "gold").Obj()
		create(ctx, builder.MakePool("gold", "192.0.2.0/24").ServicesWithLabel("tier", "gold").Obj(), svc)
		Eventually(addresses(ctx, "web")).Should(holds("192.0.2.0"))
		change(ctx, svc, func(s *corev1.Service) { s.Labels["tier"] = "lead" })
		Eventually(allocated(ctx, "web")).Should(Equal(`False AllocationFailed: address "192.0.2.0" is in pool "gold", which does not select ` +
			`the service; no IPv4 address available: no auto-assigned pool selects the service; the service keeps "192.0.2.0"`))
		Eventually(valid(ctx, "gold")).Should(HavePrefix("True Accepted"))
		create(ctx, builder.MakePool("open", "198.51.100.0/24").Obj())
		Eventually(allocated(ctx, "web")).Should(Equal(`True IPAllocated: Assigned IP "198.51.100.0"`))
		Expect(addresses(ctx, "web")()).To(holds("198.51.100.0"))
	})

	It("in conflict with another that shares its address says so until they fit again", func(ctx SpecContext) {
		startController()
		old := builder.MakeService("old").SharingKey("k").Ports(80).Selector("app", "web").LoadBalancerIP("198.51.100.7").Obj()
		young := builder.MakeService("young").SharingKey("k").Ports(443).Selector("app", "web").LoadBalancerIP("198.51.100.7").Obj()
		create(ctx, tutorialPool(), old)
		Eventually(addresses(ctx, "old")).Should(holds("198.51.100.7"))
		create(ctx, young)
		Eventually(addresses(ctx, "young")).Should(holds("198.51.100.7"))
		settled := func() []string { return []string{allocated(ctx, "old")(), allocated(ctx, "young")()} }
		local := func(s *corev1.Service) { s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal }
		change(ctx, old, local)
		Eventually(settled).Should(ContainElement(And(HavePrefix("False AllocationFailed: cannot share"), ContainSubstring("Local and Cluster differ"))))
		change(ctx, young, local)
		Eventually(settled).Should(HaveEach(`True IPAllocated: Assigned IP "198.51.100.7"`))
	})

	It("shares its address with another of the same key", func(ctx SpecContext) {
		startController()
		create(ctx, tutorialPool(), builder.MakeService("web").SharingKey("k").Ports(80).Obj())
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0"))
		create(ctx, builder.MakeService("tls").SharingKey("k").Ports(443).Obj())
		Eventually(addresses(ctx, "tls")).Should(holds("198.51.100.0"))
		create(ctx, builder.MakeService("clash").SharingKey("k").Ports(80).Obj())
		Eventually(addresses(ctx, "clash")).Should(holds("198.51.100.1"))
		Eventually(counts(ctx, "my-ip-space")).Should(Equal([]int64{2, 254, 0, 0}))
	})

	It("of two families takes its addresses from two pools if it must", func(ctx SpecContext) {
		startController()
		create(ctx, tutorialPool(), builder.MakePool("six", "2001:db8::/64").Obj(),
			builder.MakeService("web").Families(corev1.IPFamilyPolicyRequireDualStack, corev1.IPv4Protocol, corev1.IPv6Protocol).Obj())
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0", "2001:db8::"))
		Expect(read(ctx, "default", "web").Annotations).To(
			HaveKeyWithValue(v1beta1.AnnotationIPAllocatedFromPool, "my-ip-space,six"))
		Eventually(events(ctx, "Service", "web")).Should(ConsistOf(`Normal IPAllocated: Assigned IP ["198.51.100.0" "2001:db8::"]`))
	})

	It("that becomes ClusterIP releases its address and keeps no trace of it", func(ctx SpecContext) {
		startController()
		web := builder.MakeService("web").Obj()
		create(ctx, tutorialPool(), web)
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0"))
		change(ctx, web, func(svc *corev1.Service) { svc.Spec.Type = corev1.ServiceTypeClusterIP })
		Eventually(func() *corev1.Service { return read(ctx, "default", "web") }).Should(And(
			HaveField("Status.LoadBalancer.Ingress", BeEmpty()),
			HaveField("Status.Conditions", BeEmpty()),
			HaveField("Annotations", Not(HaveKey(v1beta1.AnnotationIPAllocatedFromPool)))))
		Eventually(events(ctx, "Service", "web")).Should(ConsistOf(`Normal IPAllocated: Assigned IP "198.51.100.0"`,
			`Normal ClearAssignment: Cleared IP "198.51.100.0": the service is not of type LoadBalancer any more`))
		create(ctx, builder.MakeService("other").Obj())
		Eventually(addresses(ctx, "other")).Should(holds("198.51.100.0"))
	})

	It("that contradicts itself says so, and nothing else happens to it", func(ctx SpecContext) {
		startController()
		create(ctx, tutorialPool(),
			builder.MakeService("both").LoadBalancerIP("198.51.100.1").Addresses("198.51.100.1").Obj(),
			builder.MakeService("six").Addresses("2001:db8::1").Obj())
		Eventually(allocated(ctx, "both")).Should(Equal(
			"False AllocationFailed: both annotation metallb.io/loadBalancerIPs and spec.loadBalancerIP are set, remove one of them"))
		Eventually(allocated(ctx, "six")).Should(Equal(
			`False AllocationFailed: address "2001:db8::1" requested, but the service is IPv4 only`))
	})

	It("may use the annotations of the first releases, and is told that they are deprecated", func(ctx SpecContext) {
		startController()
		create(ctx, tutorialPool(), builder.MakeService("web").Annotation("metallb.universe.tf/loadBalancerIPs", "198.51.100.9").Obj())
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.9"))
		Eventually(events(ctx, "Service", "web")).Should(ConsistOf(
			`Normal IPAllocated: Assigned IP "198.51.100.9"`,
			"Warning deprecatedAnnotation: Service uses deprecated annotation metallb.universe.tf/loadBalancerIPs"))
	})

	It("is served by the controller of its class only", func(ctx SpecContext) {
		create(ctx, tutorialPool(), builder.MakeService("none").Obj(),
			builder.MakeService("ours").Class("example.com/bgp").Obj(), builder.MakeService("theirs").Class("example.com/other").Obj())
		theirs := read(ctx, "default", "theirs")
		theirs.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "203.0.113.1"}}
		Expect(server.Client.Status().Update(ctx, theirs)).To(Succeed())

		By("running with a class")
		p := startController("--lb-class=example.com/bgp")
		Eventually(addresses(ctx, "ours")).Should(holds("198.51.100.0"))
		Consistently(addresses(ctx, "none")).Should(BeEmpty(), pending)
		p.stop(syscall.SIGTERM)

		By("running without a class")
		startController()
		Eventually(addresses(ctx, "none")).Should(holds("198.51.100.0"))
		Expect(addresses(ctx, "theirs")()).To(holds("203.0.113.1"))
	})

	It("with an address of a load balancer that was here before gets one of a pool", func(ctx SpecContext) {
		web := builder.MakeService("web").Obj()
		create(ctx, tutorialPool(), web)
		web.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "203.0.113.1"}, {Hostname: "lb.example.com"}}
		Expect(server.Client.Status().Update(ctx, web)).To(Succeed())
		startController()
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0"))
	})

	It("is written once, and not again when nothing changes", func(ctx SpecContext) {
		startController()
		create(ctx, tutorialPool(), builder.MakeService("web").Obj())
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0"))
		Eventually(announced(ctx, "web")).ShouldNot(BeEmpty(), "which follows")
		version := func() string { return read(ctx, "default", "web").ResourceVersion }
		before := version()
		create(ctx, builder.MakePool("another", "192.0.2.0/24").Obj())
		Eventually(valid(ctx, "another")).Should(HavePrefix("True"))
		for i := range 3 {
			create(ctx, builder.MakeService(fmt.Sprintf("more-%d", i)).Obj())
		}
		Eventually(addresses(ctx, "more-2")).ShouldNot(BeEmpty())
		Consistently(version).Should(Equal(before))
	})
})
