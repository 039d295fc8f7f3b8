// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/freeport"
)

var _ = Describe("A controller", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	It("that is killed while it assigns 500 addresses, and started again, changes none and gives none twice", func(ctx SpecContext) {
		const services = 500
		create(ctx, builder.MakePool("large", "10.0.0.0/16").Obj())
		p := startController()
		created := make(chan struct{})
		go func() {
			defer GinkgoRecover()
			defer close(created)
			for i := range services {
				create(ctx, builder.MakeService(fmt.Sprintf("web-%03d", i)).Obj())
			}
		}()

		By("killing it in the middle")
		Eventually(func() int { return len(assignments(ctx)) }).WithPolling(5 * time.Millisecond).Should(BeNumerically(">", services/4))
		p.stop(syscall.SIGKILL)
		before := assignments(ctx)
		Expect(len(before)).To(BeNumerically("<", services), "it was killed in the middle")
		Eventually(ctx, created).Should(BeClosed())
		Expect(count(ctx)).To(Equal(services))

		By("deleting two services while it is down")
		for _, name := range []string{"web-003", "web-004"} {
			remove(ctx, builder.MakeService(name).Obj())
			delete(before, name)
		}

		By("starting it again")
		startController()
		Eventually(func() int { return len(assignments(ctx)) }).WithTimeout(time.Minute).Should(Equal(services - 2))
		after := assignments(ctx)
		users := map[string]string{}
		for name, address := range after {
			Expect(users).NotTo(HaveKey(address), "%s and %s have the same address", users[address], name)
			users[address] = name
			if had, ok := before[name]; ok {
				Expect(address).To(Equal(had), "the address of %s", name)
			}
		}
		Eventually(counts(ctx, "large")).Should(Equal([]int64{services - 2, 65536 - services + 2, 0, 0}))
		GinkgoWriter.Printf("%d of %d services had an address when it was killed\n", len(before), services)
	})

	It("assigns to services that wait for it in the order of their creation", func(ctx SpecContext) {
		create(ctx, tutorialPool())
		for i := range 20 {
			create(ctx, builder.MakeService(fmt.Sprintf("web-%02d", i)).Obj())
		}
		startController()
		Eventually(func() int { return len(assignments(ctx)) }).Should(Equal(20))
		for i := range 20 {
			Expect(addresses(ctx, fmt.Sprintf("web-%02d", i))()).To(holds(fmt.Sprintf("198.51.100.%d", i)))
		}
	})

	It("tells nothing twice after a restart", func(ctx SpecContext) {
		p := startController()
		create(ctx, builder.MakePool("small", "192.0.2.1-192.0.2.1").Obj(), builder.MakeService("first").Obj())
		Eventually(addresses(ctx, "first")).Should(holds("192.0.2.1"))
		create(ctx, builder.MakeService("second").Obj())
		Eventually(events(ctx, "Service", "second")).Should(HaveLen(1))
		Eventually(counts(ctx, "small")).Should(Equal([]int64{1, 0, 0, 0}))
		versions := func() []string {
			return []string{read(ctx, "default", "first").ResourceVersion, read(ctx, "default", "second").ResourceVersion}
		}
		before := versions()
		p.stop(syscall.SIGTERM)
		startController()
		create(ctx, builder.MakePool("new", "2001:db8::/64").NoAutoAssign().Obj())
		Eventually(counts(ctx, "new")).ShouldNot(Equal([]int64{0, 0, 0, 0}))
		Expect(versions()[0]).To(Equal(before[0]))
		Expect(events(ctx, "Service", "first")()).To(HaveLen(1))
	})

	It("leaves services that hold one address by mistake as they are, and tells the younger", func(ctx SpecContext) {
		create(ctx, tutorialPool(), builder.MakeService("old").Obj())
		old := read(ctx, "default", "old")
		// Creation is counted in whole seconds.
		Eventually(func() bool { return time.Since(old.CreationTimestamp.Time) > time.Second }).Should(BeTrue())
		create(ctx, builder.MakeService("a-young-one").Obj())
		for _, name := range []string{"old", "a-young-one"} {
			svc := read(ctx, "default", name)
			svc.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "198.51.100.7"}}
			Expect(server.Client.Status().Update(ctx, svc)).To(Succeed())
		}
		startController()
		Eventually(allocated(ctx, "old")).Should(HavePrefix("True IPAllocated"))
		Eventually(allocated(ctx, "a-young-one")).Should(HavePrefix(
			`False AllocationFailed: address "198.51.100.7" is in use by "default/old" too`))
		Expect(addresses(ctx, "a-young-one")()).To(holds("198.51.100.7"))
	})

	It("hands over to another when it is stopped", func(ctx SpecContext) {
		create(ctx, tutorialPool())
		leader := startController("--leader-elect=true")
		create(ctx, builder.MakeService("first").Obj())
		Eventually(addresses(ctx, "first")).Should(holds("198.51.100.0"))
		address := freeport.Address(GinkgoTB())
		startController("--leader-elect=true", "--metrics-bind-address="+address, "--metrics-secure=false")
		metrics := "http://" + address + "/metrics"
		Eventually(get(ctx, metrics)).Should(And(
			ContainSubstring("leader_election_master_status"), Not(ContainSubstring("config_loaded")), Not(ContainSubstring("pool="))),
			"one that stands by does not lack a configuration")
		leader.stop(syscall.SIGTERM)
		Expect(leader.cmd.ProcessState.ExitCode()).To(Equal(0))
		create(ctx, builder.MakeService("second").Obj())
		Eventually(addresses(ctx, "second")).Should(holds("198.51.100.1"))
		Eventually(get(ctx, metrics)).Should(ContainSubstring("metallb_k8s_client_config_loaded_bool 1"))
	})

	It("serves metrics and health", func(ctx SpecContext) {
		metrics, probes := freeport.Address(GinkgoTB()), freeport.Address(GinkgoTB())
		startController("--metrics-bind-address="+metrics, "--metrics-secure=false", "--health-probe-bind-address="+probes)
		p := tutorialPool()
		create(ctx, p, builder.MakeService("web").Obj())
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0"))
		Eventually(get(ctx, "http://"+probes+"/readyz")).Should(Equal("ok"))
		Eventually(get(ctx, "http://"+metrics+"/metrics")).Should(And(
			ContainSubstring(`metallb_allocator_addresses_total{pool="my-ip-space"} 256`),
			ContainSubstring(`metallb_allocator_ipv4_addresses_in_use_total{pool="my-ip-space"} 1`),
			ContainSubstring(`metallb_allocator_services_allocated_total{pool="my-ip-space"} 1`),
			ContainSubstring("metallb_allocator_allocation_seconds_count 1"),
			ContainSubstring("metallb_k8s_client_updates_total 1"),
			ContainSubstring("metallb_k8s_client_config_loaded_bool 1"),
			ContainSubstring("metallb_k8s_client_config_stale_bool 0")))
		remove(ctx, p)
		Eventually(get(ctx, "http://"+metrics+"/metrics")).Should(And(
			Not(ContainSubstring(`pool="my-ip-space"`)), ContainSubstring("metallb_k8s_client_config_stale_bool 1")))
	})
})

// assignments returns the address of every Service in namespace default that has one.
func assignments(ctx context.Context) map[string]string {
	list := &corev1.ServiceList{}
	Expect(server.Client.List(ctx, list, client.InNamespace("default"))).To(Succeed())
	found := map[string]string{}
	for _, svc := range list.Items {
		if len(svc.Status.LoadBalancer.Ingress) > 0 {
			found[svc.Name] = svc.Status.LoadBalancer.Ingress[0].IP
		}
	}
	return found
}

// count returns the number of Services of type LoadBalancer in namespace default.
func count(ctx context.Context) int {
	list := &corev1.ServiceList{}
	Expect(server.Client.List(ctx, list, client.InNamespace("default"), client.MatchingFields{"spec.type": "LoadBalancer"})).To(Succeed())
	return len(list.Items)
}

// get returns a function that reads a page.
func get(ctx context.Context, url string) func() (string, error) {
	return func() (string, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return "", err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return string(body), err
	}
}
