// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"

	"metallb.io/metallb/api/v1beta1"
	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/envtest"
)

// rack are two nodes that announce a service to two routers.
const rack = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [198.51.100.0/24]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: everything, namespace: metallb-system}
` + nginx

// rackNode is one of them, whose sessions come from an address of its own.
const rackNode = `
---
apiVersion: v1
kind: Node
metadata: {name: node-%[1]d, labels: {number: "%[1]d"}}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: bird-%[1]d, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: %[2]s, sourceAddress: %[3]s, routerID: 10.0.0.%[1]d, nodeSelectors: [{matchLabels: {number: "%[1]d"}}]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: frr-%[1]d, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64502, peerAddress: %[4]s, sourceAddress: %[5]s, routerID: 10.0.0.%[1]d, nodeSelectors: [{matchLabels: {number: "%[1]d"}}]}
`

// twoNodes are the speakers of two nodes, of which routers prefer the first.
type twoNodes struct {
	*WithT
	t        *testing.T
	kube     kubectl
	routers  []bgptest.Router
	first    *speakerProcess
	birds    *bgptest.Node
	frrs     *bgptest.Node
	proxyURL string
	// code and answer are the service proxy's of the first node.
	code   atomic.Int32
	answer atomic.Pointer[string]
}

const (
	proxyHealthy = `{"nodeEligible":true,"healthy":true,"status":{"IPv4":{"healthy":true},"IPv6":{"healthy":true}}}`
	proxyLeaving = `{"nodeEligible":false,"healthy":true,"status":{"IPv4":{"healthy":true},"IPv6":{"healthy":true}}}`
	proxyLate    = `{"nodeEligible":true,"healthy":false,"status":{"IPv4":{"healthy":false},"IPv6":{"healthy":false}}}`
)

func newTwoNodes(t *testing.T) *twoNodes {
	t.Helper()
	r := &twoNodes{WithT: newGomega(t), t: t, birds: lab.NewNode(t), frrs: lab.NewNode(t)}
	r.kube = newKubectl(t, r.birds)
	neighbor := func(n *bgptest.Node, asn uint32) bgptest.Neighbor {
		return bgptest.Neighbor{Address: n.Test4, Other: n.Other4, Local: n.Addr4, LocalASN: asn, PeerASN: 64500}
	}
	r.routers = []bgptest.Router{bgptest.NewBIRD(t, r.birds, neighbor(r.birds, 64501)), bgptest.NewFRR(t, r.frrs, neighbor(r.frrs, 64502))}
	for _, router := range r.routers {
		router.Start(t)
	}
	r.says(http.StatusOK, proxyHealthy)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(r.code.Load()))
		fmt.Fprint(w, *r.answer.Load())
	}))
	t.Cleanup(proxy.Close)
	r.proxyURL = proxy.URL
	r.kube.grant(t)
	r.kube.Apply(t, rack, fmt.Sprintf(rackNode, 1, r.birds.Addr4, r.birds.Test4, r.frrs.Addr4, r.frrs.Test4),
		fmt.Sprintf(rackNode, 2, r.birds.Addr4, r.birds.Other4, r.frrs.Addr4, r.frrs.Other4))
	r.kube.assign(t, "198.51.100.0")
	r.startFirst()
	r.expect(1, 1)
	startSpeakerOn(t, r.kube, "node-2")
	r.expect(1, 2)
	r.Eventually(func() []v1beta1.BGPSessionState { return r.kube.sessions(t, "node-1") }).Should(HaveLen(2))
	return r
}

// says has the service proxy of the first node answer so from then on.
func (r *twoNodes) says(code int32, answer string) {
	r.answer.Store(&answer)
	r.code.Store(code)
}

func (r *twoNodes) startFirst() {
	r.t.Helper()
	r.first = startSpeaker(r.t, r.kube, "--node-healthz-url", r.proxyURL, "--drain-delay=10s", "--proxy-timeout=1s")
	r.Eventually(func() error { return r.first.get("/readyz", nil) }).Should(Succeed(), r.first.log)
}

// expect waits until all routers use the path by way of the node, of so many.
func (r *twoNodes) expect(node, paths int) {
	r.t.Helper()
	type choice struct {
		node, paths int
	}
	for _, router := range r.routers {
		r.Eventually(func() choice {
			best, paths := router.Best(r.t, netip.MustParsePrefix("198.51.100.0/32"))
			return choice{map[bool]int{true: 1, false: 2}[best == r.birds.Test4 || best == r.frrs.Test4], paths}
		}).Should(Equal(choice{node, paths}), router.Name())
	}
}

// serves waits until the first node does again. BIRD returns to it then, and FRR keeps a path that it has chosen while no other is better.
func (r *twoNodes) serves() {
	r.t.Helper()
	prefix := netip.MustParsePrefix("198.51.100.0/32")
	r.Eventually(func() netip.Addr { best, _ := r.routers[0].Best(r.t, prefix); return best }).Should(Equal(r.birds.Test4), r.first.log)
	for _, router := range r.routers {
		r.Eventually(func() int { _, paths := router.Best(r.t, prefix); return paths }).Should(Equal(2), router.Name())
	}
}

func (r *twoNodes) kubectl(args ...string) string {
	r.t.Helper()
	return r.kube.run(r.t, args...)
}

// await waits for the condition of all sessions of the first node, as operators do.
func (r *twoNodes) await(condition string) {
	r.t.Helper()
	r.t.Log(r.kubectl("wait", "--for=condition="+condition, "--timeout=60s", "--namespace", envtest.Namespace, "bgpsessionstates", "-l", "metallb.io/node=node-1"))
}

// drainReasons are what the sessions of the first node say of a drain.
func (r *twoNodes) drainReasons() []string {
	r.t.Helper()
	var reasons []string
	for _, s := range r.kube.sessions(r.t, "node-1") {
		if c := meta.FindStatusCondition(s.Status.Conditions, v1beta1.ConditionDrained); c != nil {
			reasons = append(reasons, c.Reason)
		}
	}
	return reasons
}

// events are the reasons of those about the first node, in order.
func (r *twoNodes) events() []string {
	r.t.Helper()
	return strings.Fields(r.kubectl("get", "events", "--field-selector", "involvedObject.kind=Node,involvedObject.name=node-1",
		"--sort-by", "metadata.creationTimestamp", "--output", `jsonpath={range .items[*]}{.reason}{"\n"}{end}`))
}

// session is BIRD's with the first node.
func (r *twoNodes) session() bgptest.Session {
	r.t.Helper()
	s := r.routers[0].Session(r.t)
	s.Routes = 0
	return s
}

func TestRealRoutersLeaveANodeThatDrainsBeforeItsRoutesAreWithdrawn(t *testing.T) {
	bgptest.Require(t)
	r := newTwoNodes(t)
	before := r.session()

	t.Log("the label comes and goes")
	r.kubectl("label", "node", "node-1", "metallb.io/drain=")
	r.expect(2, 2)
	r.kubectl("label", "node", "node-1", "metallb.io/drain-")
	r.serves()
	now := r.session()
	if before.Updates += 2; now != before {
		t.Errorf("the session is %+v, want %+v: draining, and not any more, with no withdrawal", now, before)
	}

	t.Log("the label stays")
	r.kubectl("label", "node", "node-1", "metallb.io/drain=reboot")
	r.expect(2, 2)
	r.await("Drained")
	r.expect(2, 1)
	t.Log(r.kubectl("get", "--namespace", envtest.Namespace, "bgpsessionstates", "--output=wide"))
	r.Expect(r.drainReasons()).To(Equal([]string{"Drained", "Drained"}))
	r.Eventually(r.events).Should(Equal([]string{"NodeDraining", "NodeServing", "NodeDraining", "NodeDrained"}))
	before.Updates++
	before.Withdrawals++
	r.Expect(r.session()).To(Equal(before), "BIRD's session stays up")

	t.Log("another speaker starts on the node")
	r.Expect(r.first.kill(t, syscall.SIGKILL)).To(MatchError(ContainSubstring("killed")))
	r.startFirst()
	r.Eventually(func() bgptest.Session { return r.session() }).Should(
		And(HaveField("Up", true), HaveField("Updates", 0), HaveField("Withdrawals", 0)), r.first.log)
	var metrics strings.Builder
	r.Expect(r.first.get("/metrics", &metrics)).To(Succeed())
	r.Expect(metrics.String()).To(And(ContainSubstring("metallb_speaker_node_drained 1"), ContainSubstring("metallb_speaker_node_draining 0")))
	r.expect(2, 1)

	t.Log("the label is removed")
	r.kubectl("label", "node", "node-1", "metallb.io/drain-")
	r.Eventually(func() int { return r.session().Updates }).Should(Equal(1))
	r.serves()
	r.Eventually(r.drainReasons).Should(BeEmpty())
	r.Expect(r.first.kill(t, syscall.SIGTERM)).To(Succeed())
}

func TestRealRoutersLeaveANodeForATaintTheLabelOfKubernetesAndItsServiceProxy(t *testing.T) {
	bgptest.Require(t)
	r := newTwoNodes(t)
	before := r.session()
	for _, signal := range []struct {
		name       string
		begin, end func()
	}{
		{"a taint", func() { r.kubectl("taint", "node", "node-1", "ToBeDeletedByClusterAutoscaler=1:NoSchedule") },
			func() { r.kubectl("taint", "node", "node-1", "ToBeDeletedByClusterAutoscaler-") }},
		{"the label of Kubernetes", func() {
			r.kubectl("label", "node", "node-1", "node.kubernetes.io/exclude-from-external-load-balancers=")
		},
			func() {
				r.kubectl("label", "node", "node-1", "node.kubernetes.io/exclude-from-external-load-balancers-")
			}},
		{"a proxy that says that the node is going", func() { r.says(http.StatusServiceUnavailable, proxyLeaving) },
			func() { r.says(http.StatusOK, proxyHealthy) }},
	} {
		t.Log(signal.name)
		signal.begin()
		r.expect(2, 2)
		r.expect(2, 1)
		signal.end()
		r.serves()
		before.Updates += 2
		before.Withdrawals++
		r.Expect(r.session()).To(Equal(before), "the session stays up")
	}

	t.Log("a proxy that is not healthy")
	r.says(http.StatusServiceUnavailable, proxyLate)
	r.expect(2, 2)
	r.Eventually(r.drainReasons).Should(Equal([]string{"ProxyFailing", "ProxyFailing"}))
	r.says(http.StatusOK, proxyHealthy)
	r.serves()
	before.Updates += 2
	r.Expect(r.session()).To(Equal(before), "nothing is withdrawn for it")
	r.Eventually(func() bool { return slices.Contains(r.events(), "NodeServing") }).Should(BeTrue())

	t.Log("a node that is cordoned")
	r.kubectl("cordon", "node-1")
	r.says(http.StatusServiceUnavailable, proxyLate) // What is seen later is seen after that.
	r.expect(2, 2)
	r.Expect(r.first.log()).NotTo(ContainSubstring("cordoned"))
	r.Expect(r.first.kill(t, syscall.SIGTERM)).To(Succeed())
}
