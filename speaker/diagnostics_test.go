// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/builder"
)

// secretive are the objects of a node with a password in each place that there can be one, good and bad. All contain "s3cret".
const secretive = `
apiVersion: v1
kind: Node
metadata: {name: node-1}
---
apiVersion: v1
kind: Secret
metadata: {name: good, namespace: metallb-system}
type: kubernetes.io/basic-auth
stringData: {username: s3cret-user, password: s3cret-two}
---
apiVersion: v1
kind: Secret
metadata: {name: long, namespace: metallb-system}
type: kubernetes.io/basic-auth
stringData: {password: s3cret-%[3]s}
---
apiVersion: v1
kind: Secret
metadata: {name: opaque, namespace: metallb-system}
stringData: {password: s3cret-opaque}
---
apiVersion: v1
kind: Secret
metadata: {name: odd, namespace: metallb-system}
type: kubernetes.io/basic-auth
stringData: {password: "s3cret\n\u0000\u00ff"}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: bird, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: %[1]s, routerID: 10.0.0.1, password: s3cret-one}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: frr, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64502, peerAddress: %[2]s, routerID: 10.0.0.1, passwordSecret: {name: good}}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: long, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 127.0.0.77, passwordSecret: {name: long}}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: opaque, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 127.0.0.78, passwordSecret: {name: opaque}}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: odd, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 127.0.0.79, passwordSecret: {name: odd}}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: my-ip-space, namespace: metallb-system}
spec: {addresses: [198.51.100.0/24]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: everything, namespace: metallb-system}
` + nginx

// startSecretive starts two real routers that want a password, and a speaker with the flags.
func startSecretive(t *testing.T, flags ...string) *scene {
	t.Helper()
	one, two := lab.NewNode(t), lab.NewNode(t)
	g := newGomega(t)
	s := &scene{WithT: g, t: t, kube: newKubectl(t, one), routers: []bgptest.Router{
		bgptest.NewBIRD(t, one, bgptest.Neighbor{Address: one.Test4, Local: one.Addr4, LocalASN: 64501, PeerASN: 64500, Password: "s3cret-one"}),
		bgptest.NewFRR(t, two, bgptest.Neighbor{Address: two.Test4, Local: two.Addr4, LocalASN: 64502, PeerASN: 64500, Password: "s3cret-two"}),
	}}
	for _, r := range s.routers {
		r.Start(t)
	}
	s.kube.grant(t)
	s.kube.Apply(t, fmt.Sprintf(secretive, one.Addr4, two.Addr4, strings.Repeat("x", 80)))
	s.kube.assign(t, "198.51.100.0")
	s.speaker = startSpeaker(t, s.kube, flags...)
	s.Eventually(func() bool { bird, frr := s.sessions(); return bird.Routes == 1 && frr.Routes == 1 }).Should(BeTrue(), s.speaker.log)
	return s
}

// page returns a page of the debug endpoint.
func (s *scene) page(path string) string {
	s.t.Helper()
	var body strings.Builder
	s.Expect(s.speaker.get("/debug/"+path, &body)).To(Succeed(), path)
	return body.String()
}

func TestNoPasswordIsToldByTheSpeaker(t *testing.T) {
	bgptest.Require(t)
	s := startSecretive(t, "--log-level=all")

	t.Log("passwords are changed, and sessions lost")
	s.change("patch", "bgppeer", "bird", "--type=merge", "--patch", `{"spec":{"password":"s3cret-wrong"}}`)
	s.change("patch", "secret", "good", "--type=merge", "--patch", `{"stringData":{"password":"s3cret-wrong"}}`)
	s.Eventually(func() bool { bird, frr := s.sessions(); return bird.Up || frr.Up }).Should(BeFalse())
	s.Eventually(s.speaker.log).Should(ContainSubstring(`"session attempt failed"`))
	s.change("patch", "bgppeer", "bird", "--type=merge", "--patch", `{"spec":{"password":"s3cret-one"}}`)
	s.change("delete", "secret", "good")
	s.Eventually(func() bool { bird, _ := s.sessions(); return bird.Up }).Should(BeTrue())

	t.Log("all that it tells is looked at")
	told := map[string]string{
		"events": s.kube.run(t, "get", "events.events.k8s.io", "--all-namespaces", "--output=json"),
	}
	for kind, without := range map[string]string{"bgppeers.metallb.io": "status", "bgpsessionstates.metallb.io": "status", "services": "status"} {
		told[kind] = s.kube.run(t, "get", kind, "--all-namespaces", "--output=jsonpath={.items[*]."+without+"}")
	}
	for _, page := range []string{"", "policy", "rib", "sessions", "log-level", "pprof/cmdline", "pprof/goroutine?debug=2", "pprof/heap?debug=1"} {
		told["/debug/"+page] = s.page(page)
	}
	told["metrics"] = func() string {
		var metrics strings.Builder
		s.Expect(s.speaker.get("/metrics", &metrics)).To(Succeed())
		return metrics.String()
	}()
	s.Expect(s.speaker.kill(t, syscall.SIGTERM)).To(Succeed(), s.speaker.log)
	told["log"] = s.speaker.log()
	for what, text := range told {
		if i := strings.Index(text, "s3cret"); i >= 0 {
			t.Errorf("%s tells a password: …%s…", what, text[max(0, i-200):min(len(text), i+40)])
		}
	}
	s.Expect(told["/debug/policy"]).To(ContainSubstring(`"hasPassword": true`))
	s.Expect(told["events"]).To(And(ContainSubstring("secret metallb-system/long has a password of 87 bytes"),
		ContainSubstring("secret metallb-system/opaque not found among those of type kubernetes.io/basic-auth")))
	s.Expect(told["log"]).To(And(ContainSubstring(`"gobgp"`), ContainSubstring(`reflector`)), "what libraries tell")
}

func TestTheSpeakersLogIsQuietWhileNothingHappens(t *testing.T) {
	bgptest.Require(t)
	s := startSecretive(t)
	s.change("delete", "bgppeer", "odd") // It has no router.
	reconciled := func() (n int) {
		var metrics strings.Builder
		s.Expect(s.speaker.get("/metrics", &metrics)).To(Succeed())
		for line := range strings.Lines(metrics.String()) {
			if text, found := strings.CutPrefix(line, `controller_runtime_reconcile_total{controller="service",result="success"} `); found {
				_, err := fmt.Sscan(text, &n)
				s.Expect(err).NotTo(HaveOccurred())
			}
		}
		return n
	}
	s.Eventually(s.speaker.log).Should(ContainSubstring(`"ending session"`))
	before := s.speaker.log()
	for n := range 100 {
		earlier := reconciled()
		label := fmt.Sprintf(`{"metadata":{"labels":{"n":"%d"}}}`, n)
		s.kube.Patch(t, builder.MakeService("nginx").Obj(), label)
		if n%10 == 0 {
			s.kube.Patch(t, builder.MakeNode("node-1").Obj(), label)
		}
		s.Eventually(reconciled).Should(BeNumerically(">", earlier), "labels of a service may matter")
	}
	s.Expect(strings.TrimPrefix(s.speaker.log(), before)).To(BeEmpty())
}
