// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/test/builder"
)

var _ = Describe("An IPAddressPool that allows disruption", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	const (
		got0    = `Normal IPAllocated: Assigned IP "198.51.100.0"`
		got1    = `Normal IPAllocated: Assigned IP "198.51.100.1"`
		cleared = `Normal ClearAssignment: Cleared IP "198.51.100.0", as its pool allows (metallb.io/allow-disruption): `
		avoids  = `address "198.51.100.0" ends in .0 or .255, which pool "my-ip-space" avoids (avoidBuggyIPs)`
		inNone  = `address "198.51.100.0" is not in any pool`
	)
	// start returns the tutorial's pool, its service having got the first address.
	start := func(ctx SpecContext) *v1beta1.IPAddressPool {
		startController()
		p := tutorialPool()
		create(ctx, p, builder.MakeService("nginx").Obj())
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
		Eventually(events(ctx, "Service", "nginx")).Should(ConsistOf(got0))
		return p
	}

	// removeAllowed deletes the pool when the controller has noticed that it may be. If it hears of both at once, it may first say what is in the way.
	removeAllowed := func(ctx SpecContext, p *v1beta1.IPAddressPool) {
		change(ctx, p, allow)
		inUse := &v1beta1.ActiveConfiguration{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: active.KeyOf(p).ObjectName()}}
		Eventually(func() (bool, error) {
			err := server.Client.Get(ctx, client.ObjectKeyFromObject(inUse), inUse)
			return inUse.Spec.AllowDisruption, err
		}).Should(BeTrue())
		remove(ctx, p)
	}

	It("and excludes an address moves the service that has it, and nothing else", func(ctx SpecContext) {
		p := start(ctx)
		change(ctx, p, func(p *v1beta1.IPAddressPool) {
			p.Spec.AvoidBuggyIPs = true
			allow(p)
		})
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.1"))
		Eventually(events(ctx, "Service", "nginx")).Should(ConsistOf(got0, cleared+avoids, got1))
		Expect(allocated(ctx, "nginx")()).To(Equal(`True IPAllocated: Assigned IP "198.51.100.1"`))
		Eventually(counts(ctx, "my-ip-space")).Should(Equal([]int64{1, 253, 0, 0}))
		Expect(valid(ctx, "my-ip-space")()).To(HavePrefix("True Accepted"))
		Expect(events(ctx, "IPAddressPool", "my-ip-space")()).To(BeEmpty())
		Eventually(announced(ctx, "nginx")).ShouldNot(BeEmpty())
		version := read(ctx, "default", "nginx").ResourceVersion

		By("changing nothing that a service has")
		change(ctx, p, func(p *v1beta1.IPAddressPool) { p.Spec.Addresses = append(p.Spec.Addresses, "192.0.2.0/24") })
		Eventually(counts(ctx, "my-ip-space")).Should(Equal([]int64{1, 507, 0, 0}))
		Expect(read(ctx, "default", "nginx").ResourceVersion).To(Equal(version))
		Expect(events(ctx, "Service", "nginx")()).To(HaveLen(3))
	})

	It("only after it has excluded the address moves the service all the same", func(ctx SpecContext) {
		p := start(ctx)
		change(ctx, p, func(p *v1beta1.IPAddressPool) { p.Spec.AvoidBuggyIPs = true })
		Eventually(allocated(ctx, "nginx")).Should(HavePrefix("True InvalidConfig"))
		Consistently(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
		change(ctx, p, allow)
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.1"))
		Eventually(events(ctx, "Service", "nginx")).Should(And(HaveLen(4), ContainElements(cleared+avoids, got1)))
		Eventually(valid(ctx, "my-ip-space")).Should(HavePrefix("True Accepted"))
	})

	It("moves the services of a range that is removed, and frees it for others", func(ctx SpecContext) {
		p := start(ctx)
		create(ctx, builder.MakeService("other").LoadBalancerIP("198.51.100.200").Obj())
		Eventually(addresses(ctx, "other")).Should(holds("198.51.100.200"))
		change(ctx, p, func(p *v1beta1.IPAddressPool) {
			p.Spec.Addresses = []string{"198.51.100.128/25"}
			allow(p)
		})
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.128"))
		Eventually(events(ctx, "Service", "nginx")).Should(ConsistOf(got0, cleared+inNone, `Normal IPAllocated: Assigned IP "198.51.100.128"`))
		Expect(addresses(ctx, "other")()).To(holds("198.51.100.200"))
		create(ctx, builder.MakePool("rest", "198.51.100.0/25").Obj(), builder.MakeService("next").Pool("rest").Obj())
		Eventually(addresses(ctx, "next")).Should(holds("198.51.100.0"))
	})

	It("and is deleted hands its services over to another", func(ctx SpecContext) {
		p := start(ctx)
		create(ctx, builder.MakePool("other", "192.0.2.0/24").Obj())
		removeAllowed(ctx, p)
		Eventually(addresses(ctx, "nginx")).Should(holds("192.0.2.0"))
		Expect(read(ctx, "default", "nginx").Annotations).To(HaveKeyWithValue(v1beta1.AnnotationIPAllocatedFromPool, "other"))
		Eventually(events(ctx, "Service", "nginx")).Should(ConsistOf(got0, cleared+inNone, `Normal IPAllocated: Assigned IP "192.0.2.0"`))
		Eventually(counts(ctx, "other")).Should(Equal([]int64{1, 255, 0, 0}))
	})

	It("and is deleted without another leaves its services what they have, until there is one", func(ctx SpecContext) {
		p := start(ctx)
		removeAllowed(ctx, p)
		const refusal = inNone + `; no IPv4 address available: there is no valid IPAddressPool; the service keeps "198.51.100.0"`
		Eventually(allocated(ctx, "nginx")).Should(Equal("False AllocationFailed: " + refusal))
		Expect(addresses(ctx, "nginx")()).To(holds("198.51.100.0"))
		create(ctx, builder.MakePool("other", "192.0.2.0/24").Obj())
		Eventually(addresses(ctx, "nginx")).Should(holds("192.0.2.0"))
		Eventually(events(ctx, "Service", "nginx")).Should(ConsistOf(
			got0, "Warning AllocationFailed: "+refusal, cleared+inNone, `Normal IPAllocated: Assigned IP "192.0.2.0"`))
	})

	It("leaves a service what it has while there is no room, and moves it once there is", func(ctx SpecContext) {
		startController()
		p := builder.MakePool("my-ip-space", "198.51.100.0/31").Obj()
		create(ctx, p, builder.MakeService("nginx").Obj())
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
		other := builder.MakeService("other").Obj()
		create(ctx, other)
		Eventually(addresses(ctx, "other")).Should(holds("198.51.100.1"))
		change(ctx, p, func(p *v1beta1.IPAddressPool) {
			p.Spec.AvoidBuggyIPs = true
			allow(p)
		})
		const refusal = avoids + `; no IPv4 address available: pool "my-ip-space" is exhausted; the service keeps "198.51.100.0"`
		Eventually(allocated(ctx, "nginx")).Should(Equal("False AllocationFailed: " + refusal))
		Expect(addresses(ctx, "nginx")()).To(holds("198.51.100.0"))
		Eventually(valid(ctx, "my-ip-space")).Should(HavePrefix("False NotCompatibleWithAssignedIPs"))
		remove(ctx, other)
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.1"))
		Eventually(events(ctx, "Service", "nginx")).Should(ConsistOf(
			got0, "Warning AllocationFailed: "+refusal, cleared+avoids, got1))
		Eventually(valid(ctx, "my-ip-space")).Should(HavePrefix("True Accepted"))
		Expect(events(ctx, "IPAddressPool", "my-ip-space")()).To(HaveLen(1))
	})

	It("leaves a service the address that it asks for", func(ctx SpecContext) {
		startController()
		p := tutorialPool()
		create(ctx, p, builder.MakeService("nginx").LoadBalancerIP("198.51.100.0").Obj())
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
		change(ctx, p, func(p *v1beta1.IPAddressPool) {
			p.Spec.AvoidBuggyIPs = true
			allow(p)
		})
		Eventually(allocated(ctx, "nginx")).Should(Equal("False AllocationFailed: " + avoids + `; the service keeps "198.51.100.0"`))
		Consistently(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
		Expect(events(ctx, "Service", "nginx")()).To(HaveLen(2))
	})

	It("no longer moves nobody", func(ctx SpecContext) {
		startController()
		p := builder.MakePool("my-ip-space", "198.51.100.0/32").Obj()
		create(ctx, p, builder.MakeService("nginx").Obj())
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
		change(ctx, p, func(p *v1beta1.IPAddressPool) {
			p.Spec.AvoidBuggyIPs = true
			allow(p)
		})
		Eventually(allocated(ctx, "nginx")).Should(HavePrefix("False AllocationFailed"))
		change(ctx, p, func(p *v1beta1.IPAddressPool) { delete(p.Annotations, v1beta1.AnnotationAllowDisruption) })
		Eventually(allocated(ctx, "nginx")).Should(HavePrefix("True InvalidConfig"))
		change(ctx, p, func(p *v1beta1.IPAddressPool) { p.Spec.Addresses = []string{"198.51.100.0/31"} })
		Eventually(counts(ctx, "my-ip-space")).Should(Equal([]int64{1, 1, 0, 0}))
		Consistently(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
	})

	It("and changes while nobody looks moves services in the order of their creation", func(ctx SpecContext) {
		controller := startController()
		p := tutorialPool()
		create(ctx, p)
		for _, name := range []string{"c", "b", "a"} {
			create(ctx, builder.MakeService(name).Obj())
			Eventually(addresses(ctx, name)).Should(HaveLen(1))
		}
		controller.stop(syscall.SIGTERM)
		change(ctx, p, func(p *v1beta1.IPAddressPool) {
			p.Spec.Addresses = []string{"192.0.2.0/24"}
			allow(p)
		})
		startController()
		services := []*corev1.Service{read(ctx, "default", "a"), read(ctx, "default", "b"), read(ctx, "default", "c")}
		// Creation is counted in whole seconds; within one the order is that of names.
		slices.SortStableFunc(services, func(x, y *corev1.Service) int {
			return x.CreationTimestamp.Compare(y.CreationTimestamp.Time)
		})
		for i, svc := range services {
			Eventually(addresses(ctx, svc.Name)).Should(holds(fmt.Sprintf("192.0.2.%d", i)))
		}
		Eventually(counts(ctx, "my-ip-space")).Should(Equal([]int64{3, 253, 0, 0}))
	})

	It("moves services that share an address to one that they share", func(ctx SpecContext) {
		startController()
		p := tutorialPool()
		create(ctx, p, builder.MakeService("web").SharingKey("k").Ports(80).Obj(),
			builder.MakeService("tls").SharingKey("k").Ports(443).Obj())
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0"))
		Eventually(addresses(ctx, "tls")).Should(holds("198.51.100.0"))
		change(ctx, p, func(p *v1beta1.IPAddressPool) {
			p.Spec.AvoidBuggyIPs = true
			allow(p)
		})
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.1"))
		Eventually(addresses(ctx, "tls")).Should(holds("198.51.100.1"))
		Eventually(counts(ctx, "my-ip-space")).Should(Equal([]int64{1, 253, 0, 0}))
	})

	It("moves only the family concerned of a dual-stack service", func(ctx SpecContext) {
		startController()
		p := builder.MakePool("my-ip-space", "198.51.100.0/24", "2001:db8::/64").Obj()
		create(ctx, p, builder.MakeService("nginx").
			Families(corev1.IPFamilyPolicyRequireDualStack, corev1.IPv4Protocol, corev1.IPv6Protocol).Obj())
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.0", "2001:db8::"))
		change(ctx, p, func(p *v1beta1.IPAddressPool) {
			p.Spec.AvoidBuggyIPs = true
			allow(p)
		})
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.1", "2001:db8::"))
		Eventually(events(ctx, "Service", "nginx")).Should(ConsistOf(
			`Normal IPAllocated: Assigned IP ["198.51.100.0" "2001:db8::"]`, cleared+avoids,
			`Normal IPAllocated: Assigned IP ["198.51.100.1" "2001:db8::"]`))
	})
})

// allow sets the override.
func allow(p *v1beta1.IPAddressPool) {
	metav1.SetMetaDataAnnotation(&p.ObjectMeta, v1beta1.AnnotationAllowDisruption, "true")
}
