// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
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

	It("that is edited into an overlap stays in use as it was", func(ctx SpecContext) {
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

	It("says in its columns what of it is in use", func(ctx SpecContext) {
		startController()
		// The default of autoAssign is the API server's.
		out, err := server.Kubectl(GinkgoTB(), `{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: both, namespace: metallb-system},
			spec: {addresses: ["198.51.100.0/30", "2001:db8::/64"]}}`, "apply", "-f", "-")
		Expect(err).NotTo(HaveOccurred(), out)
		create(ctx, builder.MakePool("four", "192.0.2.0/24").NoAutoAssign().Obj())
		table := func(args ...string) func() []string {
			return func() []string {
				out, err := server.Kubectl(GinkgoTB(), "", append([]string{"get", "ipaddresspools", "-n", "metallb-system"}, args...)...)
				Expect(err).NotTo(HaveOccurred(), out)
				return columns(out)
			}
		}
		Eventually(table()).Should(HaveExactElements(
			"NAME|ASSIGNED|AVAILABLE|AUTO ASSIGN|ADDRESSES|VALID",
			`both|0 IPv4, 0 IPv6|4 IPv4, >9e18 IPv6|true|["198.51.100.0/30","2001:db8::/64"]|True`,
			`four|0|256|false|["192.0.2.0/24"]|True`,
		))

		By("giving addresses")
		create(ctx, builder.MakeService("web").Obj(), builder.MakeService("named").Pool("four").Obj(), builder.MakeService("more").Pool("four").Obj())
		Eventually(table("-o", "wide")).Should(HaveExactElements(
			"NAME|ASSIGNED|AVAILABLE|AUTO ASSIGN|ADDRESSES|VALID|ASSIGNED IPV4|AVAILABLE IPV4|ASSIGNED IPV6|AVAILABLE IPV6|AVOID BUGGY IPS",
			`both|1 IPv4, 0 IPv6|3 IPv4, >9e18 IPv6|true|["198.51.100.0/30","2001:db8::/64"]|True|1|3|0|9223372036854775807|false`,
			`four|2|254|false|["192.0.2.0/24"]|True|2|254|0|0|false`,
		))

		By("taking one back")
		remove(ctx, builder.MakeService("more").Obj())
		Eventually(table()).Should(ContainElement(`four|1|255|false|["192.0.2.0/24"]|True`))
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

// columns returns the lines of a table that kubectl prints, without the age that ends them.
func columns(table string) []string {
	gap := regexp.MustCompile(` {2,}`)
	var lines []string
	for line := range strings.Lines(table) {
		cells := gap.Split(strings.TrimSpace(line), -1)
		lines = append(lines, strings.Join(cells[:len(cells)-1], "|"))
	}
	return lines
}
