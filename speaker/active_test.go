// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/envtest"
)

// twoRouters are the objects of a node that announces a service to two routers.
const twoRouters = `
apiVersion: v1
kind: Node
metadata: {name: node-1}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: bird, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: %s, routerID: 10.0.0.1}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: frr, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64502, peerAddress: %s, routerID: 10.0.0.1}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: gold, namespace: metallb-system, labels: {tier: gold}}
spec: {addresses: [198.51.100.0/24]}
` + nginx

// goldOnly is an advertisement by any name.
const goldOnly = `
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: %s, namespace: metallb-system}
spec: {communities: ["64500:7"], ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}
`

// activeGold are the ActiveConfigurations of the pool and of the first advertisement.
const activeGold = `
apiVersion: metallb.io/v1beta1
kind: ActiveConfiguration
metadata: {name: ipaddresspool.gold, namespace: metallb-system}
spec: {kind: IPAddressPool, name: gold, labels: {tier: gold}, object: {addresses: [198.51.100.0/24]}}
---
apiVersion: metallb.io/v1beta1
kind: ActiveConfiguration
metadata: {name: bgpadvertisement.first, namespace: metallb-system}
spec:
  kind: BGPAdvertisement
  name: first
  object: {communities: ["64500:7"], ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}
`

// marker is a pool that nothing is announced of.
const marker = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: %s, namespace: metallb-system}
spec: {addresses: [203.0.113.%d/32]}
`

// scene is a speaker with two real routers.
type scene struct {
	*WithT
	t       *testing.T
	kube    kubectl
	speaker *speakerProcess
	routers []bgptest.Router
	// markers counts the calls of seen.
	markers int
}

func newScene(t *testing.T) *scene {
	t.Helper()
	one, two := lab.NewNode(t), lab.NewNode(t)
	g := newGomega(t)
	s := &scene{WithT: g, t: t, kube: newKubectl(t, one), routers: []bgptest.Router{
		bgptest.NewBIRD(t, one, bgptest.Neighbor{Address: one.Test4, Local: one.Addr4, LocalASN: 64501, PeerASN: 64500}),
		bgptest.NewFRR(t, two, bgptest.Neighbor{Address: two.Test4, Local: two.Addr4, LocalASN: 64502, PeerASN: 64500}),
	}}
	for _, r := range s.routers {
		r.Start(t)
	}
	s.kube.grant(t)
	s.kube.Apply(t, fmt.Sprintf(twoRouters, one.Addr4, two.Addr4), fmt.Sprintf(goldOnly, "first"))
	s.kube.assign(t, "198.51.100.0")
	s.speaker = startSpeaker(t, s.kube)
	return s
}

// change runs kubectl on an object of the configuration.
func (s *scene) change(args ...string) {
	s.t.Helper()
	s.kube.run(s.t, append(args, "--namespace", envtest.Namespace)...)
}

// sessions returns what BIRD and FRR say of their sessions.
func (s *scene) sessions() (bird, frr bgptest.Session) {
	return s.routers[0].Session(s.t), s.routers[1].Session(s.t)
}

// seen waits until the speaker has seen what was written before.
func (s *scene) seen() {
	s.t.Helper()
	s.markers++
	name := fmt.Sprint("marker-", s.markers)
	s.kube.Apply(s.t, fmt.Sprintf(marker, name, s.markers))
	s.Eventually(func() string {
		var page strings.Builder
		if err := s.speaker.get("/debug/policy", &page); err != nil {
			return err.Error()
		}
		return page.String()
	}).Should(ContainSubstring(`"name": %q`, name), s.speaker.log)
}

func TestRealRoutersNoticeNothingOfAChangeWhileTheActiveConfigurationHasTheEarlierVersion(t *testing.T) {
	bgptest.Require(t)
	s := newScene(t)
	var bird, frr bgptest.Session
	s.Eventually(func() bool {
		bird, frr = s.sessions()
		return bird.Routes == 1 && frr.Routes == 1 && frr.Updates == 2 // the route and End-of-RIB
	}).Should(BeTrue())
	s.kube.Apply(t, activeGold)

	t.Log("the advertisement is narrowed, the pool relabelled, the advertisement deleted")
	s.change("patch", "bgpadvertisement", "first", "--type=merge", "--patch", `{"spec":{"ipAddressPoolSelectors":[{"matchLabels":{"tier":"tin"}}]}}`)
	s.seen()
	s.change("label", "ipaddresspool", "gold", "tier=tin", "--overwrite")
	s.seen()
	s.change("delete", "bgpadvertisement", "first")
	s.seen()
	birdNow, frrNow := s.sessions()
	s.Expect(birdNow).To(Equal(bird), "BIRD's session, with what it was told")
	s.Expect(frrNow).To(Equal(frr), "FRR's session, with what it was told")

	t.Log("the speaker is killed, and another one starts")
	s.Expect(s.speaker.kill(t, syscall.SIGKILL)).To(MatchError(ContainSubstring("killed")))
	s.speaker = startSpeaker(t, s.kube)
	s.Eventually(func() bool {
		bird, frr = s.sessions()
		return bird.Up && frr.Up && bird.Routes == 1 && frr.Routes == 1
	}).Should(BeTrue(), s.speaker.log)
	s.seen()
	bird, frr = s.sessions()

	t.Log("the change is made to take effect")
	s.change("delete", "activeconfiguration", "bgpadvertisement.first")
	s.Eventually(func() bool { birdNow, frrNow = s.sessions(); return birdNow.Routes == 0 && frrNow.Routes == 0 }).Should(BeTrue())
	s.Expect(birdNow.Withdrawals).To(Equal(bird.Withdrawals+1), "withdrawn from BIRD on the same session")
	s.Expect(frrNow.Updates).To(Equal(frr.Updates+1), "messages to FRR on the same session")
	s.Expect(s.speaker.kill(t, syscall.SIGTERM)).To(Succeed())
	s.Expect(s.speaker.log()).NotTo(ContainSubstring("forbidden"), "what the roles do not allow")
}
