// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"

	"metallb.io/metallb/test/builder"
)

var _ = Describe("Without the CRD of ActiveConfigurations the controller", func() {
	const crd = "../config/crd/bases/metallb.io_activeconfigurations.yaml"
	kubectl := func(args ...string) {
		GinkgoHelper()
		_, err := server.Kubectl(GinkgoTB(), "", args...)
		Expect(err).NotTo(HaveOccurred())
	}
	BeforeEach(func() {
		server.Clean(GinkgoTB())
		kubectl("delete", "--wait", "-f", crd)
	})
	AfterEach(func() { kubectl("apply", "-f", crd) })

	It("gives no address and says what to do, until it is there", func(ctx SpecContext) {
		p := startController()
		create(ctx, tutorialPool(), builder.MakeService("web").Obj())
		Eventually(p.log).Should(gbytes.Say("activeconfigurations.metallb.io is missing.*kubectl apply -k config/crd"))
		Consistently(addresses(ctx, "web")).Should(BeEmpty())
		kubectl("apply", "-f", crd)
		Eventually(addresses(ctx, "web"), "40s").Should(holds("198.51.100.0"))
		Expect(p.log.Contents()).To(ContainSubstring("the CRD that was missing is there"))
	})
})
