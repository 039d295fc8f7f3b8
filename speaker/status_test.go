// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	"metallb.io/metallb/api/v1beta1"
	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/envtest"
)

// mishaps are the BGPPeers of a node: two that are well, and one for each thing that can go wrong.
const mishaps = `
apiVersion: v1
kind: Node
metadata: {name: node-1}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: bird, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: %[1]s, routerID: 10.0.0.1, holdTime: 9s}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: frr, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: "%[2]s", routerID: 10.0.0.1}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: wrong-asn, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64512, peerAddress: %[3]s, routerID: 10.0.0.1}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: wrong-password, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: %[4]s, routerID: 10.0.0.1, password: wrong}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: refusing, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 127.0.0.77, routerID: 10.0.0.1}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: unreachable, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: %[5]s, routerID: 10.0.0.1}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: secretless, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 127.0.0.78, passwordSecret: {name: missing}}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: dual, namespace: metallb-system}
spec: {addresses: [198.51.100.0/24, "2001:db8::/120"]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: everything, namespace: metallb-system}
` + nginx + nginxIPv6

// states is a speaker and what it tells of its sessions.
type states struct {
	*WithT
	t         *testing.T
	kube      kubectl
	speaker   *speakerProcess
	bird, frr bgptest.Router
	frrAddr   string
}

func newStates(t *testing.T) *states {
	t.Helper()
	one, two, three, four := lab.NewNode(t), lab.NewNode(t), lab.NewNode(t), lab.NewNode(t)
	g := newGomega(t)
	s := &states{WithT: g, t: t, kube: newKubectl(t, one), frrAddr: two.Addr6.String()}
	s.bird = bgptest.NewBIRD(t, one, bgptest.Neighbor{Address: one.Test4, Local: one.Addr4, LocalASN: 64501, PeerASN: 64500})
	s.frr = bgptest.NewFRR(t, two, bgptest.Neighbor{Address: two.Test6, Local: two.Addr6, LocalASN: 64501, PeerASN: 64500})
	for _, r := range []bgptest.Router{
		s.bird, s.frr,
		bgptest.NewBIRD(t, three, bgptest.Neighbor{Address: three.Test4, Local: three.Addr4, LocalASN: 64513, PeerASN: 64500}),
		bgptest.NewBIRD(t, four, bgptest.Neighbor{Address: four.Test4, Local: four.Addr4, LocalASN: 64501, PeerASN: 64500, Password: "s3cret"}),
	} {
		r.Start(t)
	}
	s.kube.grant(t)
	nobody := four.Addr4.Next() // No host has it.
	s.kube.Apply(t, fmt.Sprintf(mishaps, one.Addr4, two.Addr6, three.Addr4, four.Addr4, nobody))
	s.kube.assign(t, "198.51.100.0", "2001:db8::")
	s.speaker = startSpeaker(t, s.kube)
	return s
}

// of returns a function that reads what is told of a peer: state, numbers of prefixes and last error.
func (s *states) of(peer string) func() string {
	return func() string {
		list := &v1beta1.BGPSessionStateList{}
		if err := s.kube.Client.List(s.t.Context(), list); err != nil {
			return err.Error()
		}
		for i := range list.Items {
			if st := list.Items[i].Status; st.Peer == peer {
				return strings.TrimSpace(fmt.Sprintf("%s %d %d %s", st.State, st.AdvertisedIPv4, st.AdvertisedIPv6, st.LastError))
			}
		}
		return ""
	}
}

// never matches states of a session that did not come up, and says why.
func never(why string) OmegaMatcher {
	return MatchRegexp(`^(Idle|Connect|Active|OpenSent) 0 0 .*` + why)
}

func TestTheClusterIsToldWhatBecomesOfEachSession(t *testing.T) {
	bgptest.Require(t)
	s := newStates(t)
	s.Eventually(s.of("bird")).Should(Equal("Established 1 0"), s.speaker.log)
	s.Eventually(s.of("frr")).Should(Equal("Established 0 1"), s.speaker.log)
	s.Expect(s.bird.Session(t)).To(And(HaveField("Up", true), HaveField("Routes", 1)))
	s.Expect(s.frr.Session(t)).To(And(HaveField("Up", true), HaveField("Routes", 1)))
	s.Eventually(s.of("wrong-asn")).Should(never(`peer ASN 64513, expected 64512 \(sent OPEN Message Error/Bad Peer AS\)`))
	s.Eventually(s.of("wrong-password")).Should(never(`wrong password, or peer unreachable`))
	s.Eventually(s.of("refusing")).Should(never("connection refused$"))
	s.Eventually(s.of("unreachable")).Should(never("(peer unreachable|no route to host)"))
	s.Eventually(s.of("secretless")).Should(never("secret metallb-system/missing not found"))

	t.Log("everything that there is to tell of one")
	bird := &v1beta1.BGPSessionState{}
	bird.Namespace, bird.Name = envtest.Namespace, "node-1-bird"
	out := s.kube.run(t, "get", "bgpsessionstates", bird.Name, "--namespace", bird.Namespace, "-o", "yaml")
	s.Expect(out).To(And(ContainSubstring("holdTime: 9s"), ContainSubstring("- IPv4"), ContainSubstring("peerRouterID: 203.0.113.1"),
		ContainSubstring("localRouterID: 10.0.0.1"), ContainSubstring("metallb.io/node: node-1"), ContainSubstring("metallb.io/peer: bird"),
		ContainSubstring("kind: Node"), ContainSubstring("since: ")))

	t.Log("a router goes away and comes back")
	s.bird.Kill(t)
	s.Eventually(s.of("bird")).Should(never("connection (lost|refused)"))
	s.bird.Start(t)
	s.Eventually(s.of("bird")).Should(HavePrefix("Established 1 0"))

	t.Log("a peer is deleted, and a secret made")
	s.kube.run(t, "delete", "bgppeer", "frr", "refusing", "--namespace", envtest.Namespace)
	s.Eventually(s.of("frr")).Should(BeEmpty())
	s.Eventually(s.of("refusing")).Should(BeEmpty())
	s.kube.run(t, "create", "secret", "generic", "missing", "--type=kubernetes.io/basic-auth", "--from-literal=password=s3cret",
		"--namespace", envtest.Namespace)
	s.Eventually(s.of("secretless")).Should(never("(connection refused|timed out)"))

	t.Log("somebody deletes what is told, and the node is not ready for a while")
	s.kube.setReady(t, "False")
	s.kube.run(t, "delete", "bgpsessionstates", "--all", "--namespace", envtest.Namespace)
	s.Consistently(s.of("bird")).Should(BeEmpty())
	s.kube.setReady(t, "True")
	s.Eventually(s.of("bird")).Should(HavePrefix("Established 1 0"))

	s.Expect(s.speaker.kill(t, syscall.SIGTERM)).To(Succeed())
	s.Expect(s.of("bird")()).To(Equal("Idle 0 0 the node's speaker was stopped"))
	s.Expect(s.speaker.log()).NotTo(Or(ContainSubstring("forbidden"), ContainSubstring("s3cret"), ContainSubstring("cannot be written")))
}
