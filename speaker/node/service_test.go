// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"metallb.io/metallb/api/v1beta1"
)

// tutorial returns a configuration that announces 198.51.100.0/24 to one router.
func tutorial(t *testing.T) *world {
	t.Helper()
	return newWorld(t, peer("router", "192.0.2.1"), pool("my-ip-space", "198.51.100.0/24"), advertisement("everything"))
}

func TestAServiceIsAnnouncedAsLongAsItCanBeServed(t *testing.T) {
	w := tutorial(t)
	w.start()
	nginx, endpoints := service("nginx", "198.51.100.0"), slice("nginx", "node-2")
	w.create(nginx)
	w.expectRoutes("router")

	w.create(endpoints)
	w.expectRoutes("router", "198.51.100.0/32")
	w.Expect(w.metric("metallb_speaker_announced")).To(Equal(map[string]float64{
		"ip=198.51.100.0,node=node-1,protocol=bgp,service=default/nginx": 1,
	}))

	t.Log("the last endpoint stops to be ready")
	change(w, endpoints, func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Conditions.Ready = new(bool) })
	w.expectRoutes("router")
	w.Expect(w.metric("metallb_speaker_announced")).To(BeEmpty())

	t.Log("it is ready again, and the service's address changes")
	change(w, endpoints, func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Conditions.Ready = nil })
	w.expectRoutes("router", "198.51.100.0/32")
	changeStatus(w, nginx, func(s *corev1.Service) { s.Status.LoadBalancer.Ingress[0].IP = "198.51.100.1" })
	w.expectRoutes("router", "198.51.100.1/32")

	t.Log("the traffic policy asks for endpoints on the node")
	change(w, nginx, func(s *corev1.Service) { s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal })
	w.expectRoutes("router")
	w.create(func() *discoveryv1.EndpointSlice { s := slice("nginx", "node-1"); s.Name = "nginx-2"; return s }())
	w.expectRoutes("router", "198.51.100.1/32")

	t.Log("the service is not of type LoadBalancer any more")
	change(w, nginx, func(s *corev1.Service) { s.Spec.Type, s.Spec.ExternalTrafficPolicy = corev1.ServiceTypeClusterIP, "" })
	w.expectRoutes("router")
	w.Expect(w.reported()).To(Equal([]string{
		`Normal nodeAssigned announcing from node "node-1" with protocol "bgp" to "router"`,
		`Warning nodeUnassigned no longer announcing from node "node-1" with protocol "bgp": no endpoint is ready (noEndpoints)`,
		`Normal nodeAssigned announcing from node "node-1" with protocol "bgp" to "router"`,
		`Normal nodeUnassigned no longer announcing from node "node-1" with protocol "bgp": externalTrafficPolicy is Local and no endpoint on the node is ready (noLocalEndpoints)`,
		`Normal nodeAssigned announcing from node "node-1" with protocol "bgp" to "router"`,
	}))
}

func TestServicesOfAnotherLoadBalancerAreLeftAlone(t *testing.T) {
	w := tutorial(t)
	class := "example.com/other"
	theirs := service("theirs", "198.51.100.7")
	theirs.Spec.LoadBalancerClass = &class
	foreign := service("foreign", "203.0.113.1")
	w.create(theirs, slice("theirs", "node-1"), foreign, slice("foreign", "node-1"))
	w.start()
	w.settle()
	w.expectRoutes("router", "192.0.2.255/32")
}

func TestAnAddressStaysAnnouncedWhateverBecomesOfItsPool(t *testing.T) {
	w := tutorial(t)
	nginx := service("nginx", "198.51.100.0")
	nginx.Annotations = map[string]string{v1beta1.AnnotationIPAllocatedFromPool: "my-ip-space"}
	w.create(nginx, slice("nginx", "node-1"))
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")

	myIPSpace := pool("my-ip-space")
	t.Log("the pool avoids the address")
	change(w, myIPSpace, func(p *v1beta1.IPAddressPool) { p.Spec.AvoidBuggyIPs = true })
	w.settle()
	w.expectRoutes("router", "198.51.100.0/32", "192.0.2.255/32")

	t.Log("the pool is deleted")
	w.delete(myIPSpace)
	w.create(pool("other", "203.0.113.0/28"))
	changeStatus(w, service("marker"), func(s *corev1.Service) { s.Status.LoadBalancer.Ingress[0].IP = "203.0.113.3" })
	w.expectRoutes("router", "198.51.100.0/32", "203.0.113.3/32")

	t.Log("another speaker, which never saw the pool, starts")
	w.stop()
	w.start()
	w.expectRoutes("router", "198.51.100.0/32", "203.0.113.3/32")
}

func TestWhatAPeerCouldNotBeToldIsToldLater(t *testing.T) {
	w := tutorial(t)
	nginx := service("nginx", "198.51.100.0")
	w.create(nginx, slice("nginx", "node-1"))
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")

	w.sessions.setHung("router", true)
	changeStatus(w, nginx, func(s *corev1.Service) { s.Status.LoadBalancer.Ingress[0].IP = "198.51.100.1" })
	w.Eventually(func() uint64 { return w.sessions.table.Due("router") }).ShouldNot(BeZero())
	w.expectRoutes("router", "198.51.100.0/32")
	announced := func() map[string]float64 { return w.metric("metallb_speaker_announced") }
	w.Expect(announced()).To(And(HaveLen(1), HaveKey(ContainSubstring("198.51.100.0"))))

	w.sessions.setHung("router", false)
	w.expectRoutes("router", "198.51.100.1/32")
	w.Expect(announced()).To(And(HaveLen(1), HaveKey(ContainSubstring("198.51.100.1"))))
}

func TestAnotherNumberOfEndpointsOnTheNodeIsOneWeightedPathAndDisturbsNothing(t *testing.T) {
	w := tutorial(t)
	nginx, endpoints := service("nginx", "198.51.100.0"), slice("nginx", "node-1", "node-1", "node-1", "node-2")
	for i := range endpoints.Endpoints {
		endpoints.Endpoints[i].Addresses = []string{fmt.Sprintf("10.244.0.%d", 5+i)}
	}
	nginx.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
	w.create(nginx, endpoints, service("other", "198.51.100.1"), slice("other", "node-1"))
	change(w, advertisement("everything"), func(a *v1beta1.BGPAdvertisement) { a.Spec.WeightByEndpoints = true })
	w.start()
	weight := func(prefix string) func() uint32 {
		return func() uint32 {
			path, _ := w.sessions.path(prefix)
			return path.Weight
		}
	}
	w.Eventually(weight("198.51.100.0/32")).Should(Equal(uint32(3)))
	w.Expect(weight("198.51.100.1/32")()).To(BeZero(), "the traffic policy is Cluster")
	w.settle()
	configured, _, before := w.sessions.counts()

	t.Log("endpoints on the node go one after the other, then the first of them comes back")
	for i, want := range []uint32{2, 1} {
		change(w, endpoints, func(s *discoveryv1.EndpointSlice) { s.Endpoints[i].Conditions.Ready = new(bool) })
		w.Eventually(weight("198.51.100.0/32")).Should(Equal(want))
	}
	change(w, endpoints, func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Conditions.Ready = nil })
	w.Eventually(weight("198.51.100.0/32")).Should(Equal(uint32(2)))

	t.Log("an endpoint elsewhere is of no consequence")
	change(w, endpoints, func(s *discoveryv1.EndpointSlice) { s.Endpoints[3].Conditions.Ready = new(bool) })
	w.create(service("last", "198.51.100.2"), slice("last", "node-1"))
	w.expectRoutes("router", "192.0.2.255/32", "198.51.100.0/32", "198.51.100.1/32", "198.51.100.2/32")
	configuredNow, _, now := w.sessions.counts()
	w.Expect(now-before).To(Equal(4), "prefixes told: one for each of three changes, and the last service's")
	w.Expect(configuredNow).To(Equal(configured), "calls of Configure")
	session, _ := w.sessions.session("router")
	w.Expect(session.starts).To(Equal(1), "the session is not disturbed")
	w.Expect(session.withdrawn).To(BeZero())
}

func TestAChangeThatDoesNotConcernServingCausesNoWork(t *testing.T) {
	w := tutorial(t)
	nginx, endpoints := service("nginx", "198.51.100.0"), slice("nginx", "node-1")
	w.create(nginx, endpoints)
	counted := func(nodes int32) func(*v1beta1.BGPAdvertisement) {
		return func(a *v1beta1.BGPAdvertisement) {
			a.Status.ObservedGeneration, a.Status.NodesIPv4 = a.Generation, nodes
		}
	}
	changeStatus(w, advertisement("everything"), counted(3))
	w.start()
	w.settle()
	configured, applied, _ := w.sessions.counts()

	changeStatus(w, advertisement("everything"), counted(4))
	changeStatus(w, pool("my-ip-space"), func(p *v1beta1.IPAddressPool) { p.Status.AssignedIPv4 = 17 })
	changeStatus(w, thisNode(), func(n *corev1.Node) {
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionFalse}}
	})
	change(w, endpoints, func(s *discoveryv1.EndpointSlice) {
		s.Endpoints = append(s.Endpoints, slice("x", "node-1", "node-2").Endpoints...)
	})
	change(w, nginx, func(s *corev1.Service) { s.Spec.Ports[0].Port = 81 })
	w.create(service("last", "198.51.100.2"), slice("last", "node-1"))
	w.expectRoutes("router", "192.0.2.255/32", "198.51.100.0/32", "198.51.100.2/32")

	configuredNow, appliedNow, _ := w.sessions.counts()
	w.Expect(configuredNow).To(Equal(configured), "calls of Configure")
	w.Expect(appliedNow).To(Equal(applied+1), "calls of Apply")
}
