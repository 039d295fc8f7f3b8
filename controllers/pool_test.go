// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

var _ = Describe("An IPAddressPool", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	It("that overlaps another is rejected alone, and accepted once the other makes room", func(ctx SpecContext) {
		startController()
		good := tutorialPool()
		create(ctx, good, builder.MakeService("web").Obj())
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0"))
		bad := builder.MakePool("bad", "198.51.100.128/25").Obj()
		create(ctx, bad)
		Eventually(valid(ctx, "bad")).Should(And(HavePrefix("False InvalidConfig: "), ContainSubstring(`"my-ip-space"`)))
		Eventually(events(ctx, "IPAddressPool", "bad")).Should(HaveLen(1))
		Expect(valid(ctx, "my-ip-space")()).To(HavePrefix("True"))

		By("serving from the good one meanwhile")
		create(ctx, builder.MakeService("more").Obj())
		Eventually(addresses(ctx, "more")).Should(holds("198.51.100.1"))

		By("making room")
		change(ctx, good, func(p *v1beta1.IPAddressPool) { p.Spec.Addresses = []string{"198.51.100.0/25"} })
		Eventually(valid(ctx, "bad")).Should(HavePrefix("True Accepted"))
		Eventually(counts(ctx, "bad")).Should(Equal([]int64{0, 128, 0, 0}))
	})

	It("that is edited into an overlap stays in force as it was", func(ctx SpecContext) {
		startController()
		edited := builder.MakePool("edited", "192.0.2.0/24").Obj()
		create(ctx, tutorialPool(), edited)
		Eventually(valid(ctx, "edited")).Should(HavePrefix("True"))
		change(ctx, edited, func(p *v1beta1.IPAddressPool) { p.Spec.Addresses = []string{"198.51.100.0/28"} })
		Eventually(valid(ctx, "edited")).Should(HavePrefix("False InvalidConfig: "))
		create(ctx, builder.MakeService("web").Pool("edited").Obj())
		Eventually(addresses(ctx, "web")).Should(holds("192.0.2.0"))
	})

	It("that is deleted takes no address from a service, and takes it back when it returns", func(ctx SpecContext) {
		startController()
		create(ctx, tutorialPool(), builder.MakeService("web").Obj())
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0"))
		remove(ctx, tutorialPool())
		Eventually(allocated(ctx, "web")).Should(HavePrefix("True InvalidConfig: new config not compatible with assigned IPs"))
		Consistently(addresses(ctx, "web")).Should(holds("198.51.100.0"))
		create(ctx, tutorialPool())
		Eventually(allocated(ctx, "web")).Should(HavePrefix("True IPAllocated"))
		Eventually(counts(ctx, "my-ip-space")).Should(Equal([]int64{1, 255, 0, 0}))
	})

	It("that nobody uses yet says so in its columns", func(ctx SpecContext) {
		startController()
		create(ctx, tutorialPool())
		Eventually(valid(ctx, "my-ip-space")).Should(HavePrefix("True"))
		out, err := server.Kubectl(GinkgoTB(), "", "get", "ipaddresspools", "-n", "metallb-system", "--no-headers")
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Fields(out)).To(HaveExactElements(
			"my-ip-space", "true", "false", `["198.51.100.0/24"]`, "0", "256", "True", Not(BeEmpty())))
	})

	It("outside the namespace is ignored", func(ctx SpecContext) {
		startController()
		p := tutorialPool()
		p.Namespace = "default"
		create(ctx, p, builder.MakeService("web").Obj())
		Eventually(allocated(ctx, "web")).Should(Equal(
			"False AllocationFailed: no IPv4 address available: there is no valid IPAddressPool"))
	})
})
