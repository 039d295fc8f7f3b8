// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

var _ = Describe("The tutorial", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	It("assigns the first address, reports a pool that excludes it, and moves the service on request", func(ctx SpecContext) {
		startController()
		p, nginx := tutorialPool(), builder.MakeService("nginx").Obj()
		create(ctx, p, nginx)

		By("assigning the pool's first address")
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
		Expect(read(ctx, "default", "nginx").Annotations).To(HaveKeyWithValue(v1beta1.AnnotationIPAllocatedFromPool, "my-ip-space"))
		Eventually(events(ctx, "Service", "nginx")).Should(ConsistOf(`Normal IPAllocated: Assigned IP "198.51.100.0"`))
		Eventually(counts(ctx, "my-ip-space")).Should(Equal([]int64{1, 255, 0, 0}))
		Eventually(valid(ctx, "my-ip-space")).Should(HavePrefix("True Accepted"))

		By("reporting that the pool no longer covers it")
		const sentence = `new config not compatible with assigned IPs: service "default/nginx" cannot own "198.51.100.0" under new config`
		change(ctx, p, func(p *v1beta1.IPAddressPool) { p.Spec.AvoidBuggyIPs = true })
		Eventually(valid(ctx, "my-ip-space")).Should(Equal("False NotCompatibleWithAssignedIPs: " + sentence))
		Eventually(allocated(ctx, "nginx")).Should(Equal("True InvalidConfig: " + sentence))
		Eventually(events(ctx, "IPAddressPool", "my-ip-space")).Should(ConsistOf("Warning InvalidConfig: " + sentence))
		Eventually(events(ctx, "Service", "nginx")).Should(ConsistOf(
			`Normal IPAllocated: Assigned IP "198.51.100.0"`, "Warning InvalidConfig: "+sentence))
		Consistently(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
		Eventually(counts(ctx, "my-ip-space")).Should(Equal([]int64{1, 254, 0, 0}))

		By("moving the service to the address it requests, which heals the pool")
		change(ctx, nginx, func(svc *corev1.Service) { svc.Spec.LoadBalancerIP = "198.51.100.1" })
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.1"))
		Eventually(valid(ctx, "my-ip-space")).Should(HavePrefix("True Accepted"))
		Eventually(events(ctx, "Service", "nginx")).Should(ConsistOf(
			`Normal IPAllocated: Assigned IP "198.51.100.0"`, "Warning InvalidConfig: "+sentence,
			`Normal ClearAssignment: Cleared IP "198.51.100.0": it is not what the service requests any more`,
			`Normal IPAllocated: Assigned IP "198.51.100.1"`))
		Eventually(counts(ctx, "my-ip-space")).Should(Equal([]int64{1, 253, 0, 0}))
		Expect(events(ctx, "IPAddressPool", "my-ip-space")()).To(HaveLen(1))
	})
})
