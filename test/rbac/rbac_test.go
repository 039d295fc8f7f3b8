// SPDX-License-Identifier: Apache-2.0

package rbac

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/speaker/servicestatus"
	"metallb.io/metallb/test/bench/sink"
	"metallb.io/metallb/test/bench/wire"
	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/freeport"
	"metallb.io/metallb/test/monitoring"
)

// userOf returns the user that a ServiceAccount is to the API server.
func userOf(account string) string {
	return "system:serviceaccount:" + envtest.Namespace + ":" + account
}

// TestTheRolesAreExactlyWhatTheProgramsNeed runs both programs through everything they do. Every step names what it is for.
func TestTheRolesAreExactlyWhatTheProgramsNeed(t *testing.T) {
	w := newWorld(t)
	webhookPort := freeport.Get(w.t)
	w.installWebhook(webhookPort)
	router, err := sink.Listen(t.Context(), netip.MustParseAddr("127.0.0.1"), wire.Open{ASN: 64501, ID: netip.MustParseAddr("10.0.0.2")})
	w.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { w.Expect(router.Close()).To(Succeed()) })

	webhook := []string{fmt.Sprintf("--webhook-port=%d", webhookPort)}
	controller := w.start("controllers", "controller", nil, webhook...)
	w.Eventually(controller.ready).Should(Succeed(), controller.log.String)
	w.apply(configuration(router.Addr().Port()))
	speaker := w.start("speaker", "speaker", onNode)
	w.Eventually(speaker.ready).Should(Succeed(), speaker.log.String)

	w.announces(router)
	w.isAskedAtTheDoor()
	w.isDisrupted()
	w.looksAfterSessions()
	for name, p := range map[string]*process{"controller": controller, "speaker": speaker} {
		t.Run("the metrics of the "+name, func(t *testing.T) {
			a := monitoring.AccessTo(t, w.Server, "https://"+p.metrics+"/metrics")
			if a.Stranger != 403 || a.Reader != 200 {
				t.Errorf("a stranger is answered %d, a reader %d", a.Stranger, a.Reader)
			}
		})
	}
	controller.stop()
	w.repeatsEvents()
	speaker.stop()
	w.leavesRoutes()
	w.tellsOfServices()
	w.worksWithOlderServers(webhook)

	calls := w.Calls(t)
	for _, account := range []string{"controller", "speaker"} {
		own := slices.DeleteFunc(slices.Clone(calls), func(c envtest.Call) bool { return c.User != userOf(account) })
		grants := slices.DeleteFunc(w.grants("metallb-"+account), func(g grant) bool { return isSpare(account, g) })
		for i := range own {
			if !strings.HasPrefix(own[i].UserAgent, "metallb-"+account+"/dev (") {
				t.Errorf("the %s calls itself %q at %s %s", account, own[i].UserAgent, own[i].Verb, own[i].Path)
			}
		}
		if diff := cmp.Diff([]string(nil), refused(own)); diff != "" {
			t.Errorf("the %s is forbidden what it asks for (-want +got):\n%s", account, diff)
		}
		if diff := cmp.Diff([]string(nil), unused(grants, own)); diff != "" {
			t.Errorf("the %s is allowed what it never asks for: take it out of the markers, or let this test need it (-want +got):\n%s", account, diff)
		}
		if diff := cmp.Diff([]string(nil), wide(grants, own)); diff != "" {
			t.Errorf("the %s is allowed everywhere what it asks for in one namespace: give the marker a namespace (-want +got):\n%s", account, diff)
		}
	}
}

// isSpare reports whether the grant is for what no test can bring about: events of one reason about one version of an object, of
// which the recorder tells by a patch of the first. The controller's mark transitions, each of which makes a version of its own.
func isSpare(account string, g grant) bool {
	return account == "controller" && g.verb == "patch" && g.group == "events.k8s.io" && g.resource == "events"
}

// unlisted returns a function that returns what the ServiceAccount is allowed to list and has not listed yet. Programs are ready
// before they have listed all.
func (w *world) unlisted(account string) func() []string {
	lists := slices.DeleteFunc(w.grants("metallb-"+account), func(g grant) bool { return g.verb != "list" })
	return func() []string {
		own := slices.DeleteFunc(w.Calls(w.t), func(c envtest.Call) bool { return c.User != userOf(account) })
		return unused(lists, own)
	}
}

// grants returns what the roles of the name grant.
func (w *world) grants(name string) []grant {
	w.t.Helper()
	everywhere, here := &rbacv1.ClusterRole{}, &rbacv1.Role{}
	w.Expect(w.Client.Get(w.t.Context(), inNamespace(name), here)).To(Succeed())
	if name == "metallb-speaker" {
		more := &rbacv1.Role{}
		w.Expect(w.Client.Get(w.t.Context(), inNamespace(name+"-service-bgp-status"), more)).To(Succeed())
		here.Rules = append(here.Rules, more.Rules...)
	}
	key := inNamespace(name)
	key.Namespace = ""
	w.Expect(w.Client.Get(w.t.Context(), key, everywhere)).To(Succeed())
	return slices.Concat(grantsOf("ClusterRole "+name, "", everywhere.Rules), grantsOf("Role "+name, envtest.Namespace, here.Rules))
}

// installWebhook applies config/webhook. The Service leads to this machine, by a name: no proxy is there for its cluster IP.
func (w *world) installWebhook(port int) {
	w.t.Helper()
	w.apply(`{apiVersion: v1, kind: Service, metadata: {name: metallb-webhook-service, namespace: metallb-system}, spec: {type: ExternalName, externalName: localhost}}`)
	w.kubectl("", "apply", "--namespace", envtest.Namespace, "--filename", "../../config/webhook/secret.yaml")
	hook := envtest.WebhookConfiguration(w.t)
	for i := range hook.Webhooks {
		p := int32(port)
		hook.Webhooks[i].ClientConfig.Service.Port = &p
	}
	w.Expect(w.Client.Create(w.t.Context(), hook)).To(Succeed())
}

// announces gives services addresses, and announces them.
func (w *world) announces(router *sink.Sink) {
	w.t.Helper()
	w.Eventually(router.Routes).Should(HaveLen(2))
	w.Eventually(w.column("{.status.assignedIPv4}", "ipaddresspool", "pool", inSystem)).Should(Equal("2"))
	w.Eventually(w.column("{.status.sessions}", "bgppeer", "router", inSystem)).ShouldNot(BeEmpty())
	w.Eventually(w.column("{.status.conditions[0].reason}", "bfdprofile", "profile", inSystem)).ShouldNot(BeEmpty())
	w.Eventually(w.column("{.status.conditions[0].reason}", "community", "community", inSystem)).ShouldNot(BeEmpty())
	w.Eventually(w.column("{.status.conditions[0].reason}", "bgpadvertisement", "advertisement", inSystem)).ShouldNot(BeEmpty())
	w.Eventually(w.column("{.status.state}", "bgpsessionstate", "node-1-router", inSystem)).Should(Equal("Established"))
	w.Eventually(w.events("BGPPeer")).Should(ContainElement("guarded InvalidConfig"), "its password is missing")
	w.Eventually(w.events("Service")).Should(ContainElement("old deprecatedAnnotation"))
}

// isAskedAtTheDoor lets the webhook refuse what it asks the API server itself about.
func (w *world) isAskedAtTheDoor() {
	w.t.Helper()
	w.Expect(w.refuses("delete", "ipaddresspool/pool", inSystem)).To(ContainSubstring(`service "default/`))
	w.Expect(w.refuses("patch", "ipaddresspool/pool", inSystem, "--type=merge", "--patch", `{"spec":{"addresses":["192.0.2.0/30"]}}`)).To(
		ContainSubstring("cannot own"))
}

// isDisrupted takes addresses from services on purpose, and services away.
func (w *world) isDisrupted() {
	w.t.Helper()
	w.kubectl("", "annotate", "ipaddresspool/pool", inSystem, "metallb.io/allow-disruption=true")
	w.kubectl("", "patch", "ipaddresspool/pool", inSystem, "--type=merge", "--patch", `{"spec":{"addresses":["192.0.2.0/30"]}}`)
	w.Eventually(w.column("{.status.loadBalancer.ingress[0].ip}", "service", "web")).Should(HavePrefix("192.0.2."))
	w.kubectl("", "patch", "service/old", "--patch", `{"spec":{"type":"ClusterIP"}}`)
	w.Eventually(w.column("{.metadata.annotations}", "service", "old")).ShouldNot(ContainSubstring("ip-allocated-from-pool"))
	w.kubectl("", "delete", "service/old")
	w.Eventually(w.column("{.status.assignedIPv4}", "ipaddresspool", "pool", inSystem)).Should(Equal("1"))
}

// looksAfterSessions adds and removes peers, one of which has a name that another node's session has taken, and nodes.
func (w *world) looksAfterSessions() {
	w.t.Helper()
	w.apply(`{apiVersion: metallb.io/v1beta1, kind: BGPSessionState, metadata: {name: node-1-b-c, namespace: metallb-system,
		labels: {metallb.io/node: node-1-b, metallb.io/peer: c}}}`)
	w.kubectl(`{"status": {"node": "node-1-b", "peer": "c", "state": "Established"}}`, "patch", "bgpsessionstate/node-1-b-c", inSystem, "--subresource=status",
		"--type=merge", "--patch", `{"status": {"node": "node-1-b", "peer": "c", "state": "Established"}}`)
	w.Eventually(w.column("{.status.state}", "bgpsessionstate", "node-1-b-c", inSystem)).Should(Equal("Unknown"), "there is no such node")
	w.apply(`{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {name: b-c, namespace: metallb-system}, spec: {myASN: 64500, peerASN: 64501, peerAddress: 127.0.0.79}}`)
	isOwn := []string{inSystem, "--selector", "metallb.io/node=node-1,metallb.io/peer=b-c"}
	states := func() string {
		return w.kubectl("", append([]string{"get", "bgpsessionstates", "--output=name"}, isOwn...)...)
	}
	w.Eventually(states).ShouldNot(BeEmpty())
	w.kubectl("", "delete", "bgppeer/b-c", inSystem)
	w.Eventually(states).Should(BeEmpty())
}

// repeatsEvents has the speaker tell the same of the same version of a service twice: nobody changes it any more.
func (w *world) repeatsEvents() {
	w.t.Helper()
	const exclude = "node.kubernetes.io/exclude-from-external-load-balancers"
	times := func(event string) func() int {
		return func() int {
			return len(slices.DeleteFunc(w.events("Node")(), func(e string) bool { return e != "node-1 "+event }))
		}
	}
	for round := range 2 {
		w.kubectl("", "label", "node/node-1", exclude+"=")
		w.Eventually(times("NodeDrained")).Should(Equal(round + 1))
		w.kubectl("", "label", "node/node-1", exclude+"-")
		w.Eventually(times("NodeServing")).Should(Equal(round + 1))
	}
	w.Eventually(w.events("Service")).Should(ContainElement(MatchRegexp("web node(Una|A)ssigned repeated")))
}

// leavesRoutes stops a speaker that asks whether another one takes its place, since there is a peer that would keep the routes meanwhile.
func (w *world) leavesRoutes() {
	w.t.Helper()
	w.apply(ownPod)
	w.kubectl("", "delete", "pod/speaker-abcde", inSystem, "--wait=false") // Its finalizer keeps it.
	speaker := w.start("speaker", "speaker", append([]string{"METALLB_POD_NAME=speaker-abcde"}, onNode...))
	w.Eventually(speaker.ready).Should(Succeed(), speaker.log.String)
	speaker.stop()
	w.Expect(speaker.log.String()).To(ContainSubstring("DaemonSet speaker, which the pod is of, does not exist any more"))
}

// tellsOfServices has the speaker write ServiceBGPStatuses, one of which is in the way, for which it has a role of its own.
func (w *world) tellsOfServices() {
	w.t.Helper()
	name := servicestatus.Object("node-1", types.NamespacedName{Namespace: "default", Name: "web"}).Name
	w.apply(`{apiVersion: metallb.io/v1beta1, kind: ServiceBGPStatus, metadata: {name: ` + name + `, namespace: metallb-system}}`)
	speaker := w.start("speaker", "speaker", append([]string{"METALLB_SERVICE_BGP_STATUS=true"}, onNode...))
	w.Eventually(w.column("{.status.node}", "servicebgpstatus", name, inSystem)).Should(Equal("node-1"), speaker.log.String)
	speaker.stop()
}

// worksWithOlderServers starts both programs once more, for an API server that cannot stream a list: there all is listed first.
// The controller only serves the webhook the second time, and has to make a new certificate.
func (w *world) worksWithOlderServers(webhook []string) {
	w.t.Helper()
	const older = "KUBE_FEATURE_WatchListClient=false"
	speaker := w.start("speaker", "speaker", append([]string{older}, onNode...))
	w.Eventually(speaker.ready).Should(Succeed(), speaker.log.String)
	w.Eventually(w.unlisted("speaker")).Should(BeEmpty(), "what it is allowed to list and does not")
	speaker.stop()
	controller := w.start("controllers", "controller", []string{older}, webhook...)
	w.Eventually(controller.ready).Should(Succeed(), controller.log.String)
	w.Eventually(w.unlisted("controller")).Should(BeEmpty(), "what it is allowed to list and does not")
	controller.stop()

	secret := &corev1.Secret{}
	w.Expect(w.Client.Get(w.t.Context(), inNamespace("metallb-webhook-cert"), secret)).To(Succeed())
	secret.Data = nil
	w.Expect(w.Client.Update(w.t.Context(), secret)).To(Succeed())
	controller = w.start("controllers", "controller", []string{older}, append(webhook, "--webhook-mode=onlywebhook")...)
	w.Eventually(controller.ready).Should(Succeed(), controller.log.String)
	controller.stop()
}
