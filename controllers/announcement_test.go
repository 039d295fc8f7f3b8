// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

// These wait longest, so they come first: processes that end before the last of them have nothing to do.
var _ = Describe("The condition Announced", SpecPriority(1), func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	It("follows endpoints, sessions and configuration, next to Allocated", func(ctx SpecContext) {
		startController()
		adv := builder.MakeAdvertisement("adv").Obj()
		web := builder.MakeService("web").Obj()
		create(ctx, tutorialPool(), web)
		Eventually(announced(ctx, "web")).Should(Equal(`False NoAdvertisement: no BGPAdvertisement selects IPAddressPool "my-ip-space"`))
		create(ctx, adv, builder.MakePeer("tor-a", "10.96.0.100").Obj(), builder.MakePeer("tor-b", "10.96.0.101").Obj())
		Eventually(announced(ctx, "web")).Should(Equal("False NoNodes: there are no nodes"))
		create(ctx, rackNode("node-1"), rackNode("node-2"))
		Eventually(announced(ctx, "web")).Should(Equal("False NoEndpoints: no endpoint is ready"))
		create(ctx, endpointSlice("web", "node-1"))
		Eventually(announced(ctx, "web")).Should(Equal(`False SessionsNotEstablished: no session is established with peers "tor-a", "tor-b"; ` +
			`node-1 with "tor-a": no report from its speaker`))

		for _, peer := range []string{"tor-a", "tor-b"} {
			tell(ctx, "node-1", peer, v1beta1.SessionEstablished, "")
			tell(ctx, "node-2", peer, v1beta1.SessionEstablished, "")
		}
		Eventually(announced(ctx, "web")).Should(HavePrefix("True Announced: from "))
		Eventually(announced(ctx, "web")).Should(Equal(`True Announced: from 2 nodes to peers "tor-a", "tor-b"`))
		Expect(allocated(ctx, "web")()).To(HavePrefix("True IPAllocated"))
		since := transitionOf(ctx, "web")
		tell(ctx, "node-2", "tor-b", v1beta1.SessionActive, "connection refused")
		Eventually(announced(ctx, "web")).Should(Equal(`True Announced: from 2 nodes to peers "tor-a", "tor-b"; not established: "tor-b" on 1 of 2 nodes`))
		Expect(transitionOf(ctx, "web")).To(Equal(since), "it is announced as before")
		Eventually(covered(ctx, "adv")).Should(Equal(`["my-ip-space"] ["tor-a","tor-b"] 2 0 1`))

		By("changing the condition of the other kind")
		change(ctx, web, func(svc *corev1.Service) { svc.Spec.LoadBalancerIP = "203.0.113.1" })
		Eventually(allocated(ctx, "web")).Should(HavePrefix("False AllocationFailed"))
		Expect(announced(ctx, "web")()).To(HavePrefix("True Announced: from 2 nodes"))
		By("losing the endpoint")
		remove(ctx, endpointSlice("web", "node-1"))
		Eventually(announced(ctx, "web")).Should(Equal("False NoEndpoints: no endpoint is ready"))
		Expect(allocated(ctx, "web")()).To(HavePrefix("False AllocationFailed"))
	})

	It("of a service with the traffic policy Local counts the nodes that have endpoints", func(ctx SpecContext) {
		startController()
		create(ctx, tutorialPool(), builder.MakeAdvertisement("adv").Obj(), builder.MakePeer("tor", "10.96.0.100").Obj(),
			rackNode("node-1"), rackNode("node-2"), builder.MakeService("web").Local().Obj(), endpointSlice("web", "node-2"))
		tell(ctx, "node-1", "tor", v1beta1.SessionEstablished, "")
		Eventually(announced(ctx, "web")).Should(Equal(`False SessionsNotEstablished: no session is established with peer "tor"; ` +
			`node-2 with "tor": no report from its speaker`))
		tell(ctx, "node-2", "tor", v1beta1.SessionEstablished, "")
		Eventually(announced(ctx, "web")).Should(Equal(`True Announced: from 1 node to peer "tor"`))
		setReady(ctx, "node-2", corev1.ConditionUnknown)
		Eventually(announced(ctx, "web")).Should(Equal(`False SessionsNotEstablished: no session is established with peer "tor"; ` +
			`node-2 with "tor": node is not ready`))
	})

	It("does not say that a route is gone whose deletion is held back", func(ctx SpecContext) {
		startController()
		adv := builder.MakeAdvertisement("adv").Obj()
		create(ctx, tutorialPool(), adv, builder.MakePeer("tor", "10.96.0.100").Obj(), rackNode("node-1"),
			builder.MakeService("web").Obj(), endpointSlice("web", "node-1"))
		tell(ctx, "node-1", "tor", v1beta1.SessionEstablished, "")
		Eventually(announced(ctx, "web")).Should(Equal(`True Announced: from 1 node to peer "tor"`))
		remove(ctx, adv)
		Eventually(announced(ctx, "web")).Should(Equal(`True Announced: from 1 node to peer "tor"`))
		tell(ctx, "node-1", "tor", v1beta1.SessionIdle, "connection refused")
		Eventually(announced(ctx, "web")).Should(HavePrefix("False SessionsNotEstablished"))
	})

	It("goes when the service is not served any more, and does not come before it has an address", func(ctx SpecContext) {
		startController()
		web, waits := builder.MakeService("web").Obj(), builder.MakeService("waits").LoadBalancerIP("203.0.113.1").Obj()
		create(ctx, tutorialPool(), web, waits)
		Eventually(announced(ctx, "web")).ShouldNot(BeEmpty())
		Eventually(allocated(ctx, "waits")).Should(HavePrefix("False"))
		change(ctx, web, func(svc *corev1.Service) { svc.Spec.Type = corev1.ServiceTypeClusterIP })
		Eventually(func() []metav1.Condition { return read(ctx, "default", "web").Status.Conditions }).Should(BeEmpty())
		Consistently(announced(ctx, "web"), "2s").Should(BeEmpty())
		Expect(announced(ctx, "waits")()).To(BeEmpty())
	})

	It("is not written anew by a controller that starts, nor carried over to a service of the same name", func(ctx SpecContext) {
		p := startController()
		create(ctx, tutorialPool(), builder.MakeAdvertisement("adv").Obj(), builder.MakePeer("tor", "10.96.0.100").Obj(), rackNode("node-1"))
		tell(ctx, "node-1", "tor", v1beta1.SessionEstablished, "")
		for _, name := range []string{"a", "b", "c"} {
			create(ctx, builder.MakeService(name).Obj(), endpointSlice(name, "node-1"))
		}
		for _, name := range []string{"a", "b", "c"} {
			Eventually(announced(ctx, name)).Should(Equal(`True Announced: from 1 node to peer "tor"`))
		}
		Eventually(covered(ctx, "adv")).Should(HaveSuffix(" 3"))
		before := versions(ctx)
		p.stop(syscall.SIGKILL)
		startController()
		create(ctx, builder.MakeService("new").Obj())
		Eventually(announced(ctx, "new")).Should(HavePrefix("False NoEndpoints"))
		remove(ctx, builder.MakeService("new").Obj())
		Expect(versions(ctx)).To(Equal(before))

		remove(ctx, builder.MakeService("a").Obj(), endpointSlice("a", "node-1"))
		create(ctx, builder.MakeService("a").Obj())
		Eventually(announced(ctx, "a")).Should(HavePrefix("False NoEndpoints"))
	})
})

// announced returns a function that reads the condition of a Service, as "status reason: message".
func announced(ctx context.Context, name string) func() string {
	return func() string {
		svc := read(ctx, metav1.NamespaceDefault, name)
		if svc == nil {
			return ""
		}
		return summary(svc.Status.Conditions, v1beta1.ConditionAnnounced)
	}
}

func transitionOf(ctx context.Context, name string) metav1.Time {
	GinkgoHelper()
	c := meta.FindStatusCondition(read(ctx, metav1.NamespaceDefault, name).Status.Conditions, v1beta1.ConditionAnnounced)
	Expect(c).NotTo(BeNil())
	return c.LastTransitionTime
}

// covered returns a function that reads what the BGPAdvertisement covers: pools, peers, nodes of each family, services.
func covered(ctx context.Context, name string) func() string {
	return func() string {
		adv := builder.MakeAdvertisement(name).Obj()
		if err := server.Client.Get(ctx, client.ObjectKeyFromObject(adv), adv); err != nil {
			return err.Error()
		}
		s := adv.Status
		var parts []string
		for _, v := range []any{s.Pools, s.Peers, s.NodesIPv4, s.NodesIPv6, s.Services} {
			text, err := json.Marshal(v)
			Expect(err).NotTo(HaveOccurred())
			parts = append(parts, string(text))
		}
		return strings.Join(parts, " ")
	}
}

// versions returns the versions of the Services in namespace default, by name.
func versions(ctx context.Context) map[string]string {
	GinkgoHelper()
	list := &corev1.ServiceList{}
	Expect(server.Client.List(ctx, list, client.InNamespace(metav1.NamespaceDefault))).To(Succeed())
	found := map[string]string{}
	for _, svc := range list.Items {
		if slices.Contains([]string{"a", "b", "c"}, svc.Name) {
			found[svc.Name] = svc.ResourceVersion
		}
	}
	return found
}

// endpointSlice has a ready endpoint of the service on each node.
func endpointSlice(service string, nodes ...string) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Port: new(int32(80))}}}
	slice.Namespace, slice.Name = metav1.NamespaceDefault, service
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: service}
	for i := range nodes {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{"10.0.0.1"}, NodeName: &nodes[i]})
	}
	return slice
}
