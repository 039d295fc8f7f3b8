// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/vishvananda/netlink"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/publisher"
	"metallb.io/metallb/speaker/servicestatus"
	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
)

func TestTheSpeakerTellsWhichPeersKnowAServiceIfAsked(t *testing.T) {
	bgptest.Require(t)
	g := newGomega(t)
	kube, _, bird := startTutorial(t)
	kube.assign(t, "198.51.100.0")
	table := func() []string {
		var list v1beta1.ServiceBGPStatusList
		g.Expect(kube.Client.List(t.Context(), &list)).To(Succeed())
		rows := make([]string, 0, len(list.Items))
		for i := range list.Items {
			is := list.Items[i].Status
			rows = append(rows, fmt.Sprintf("%s %s %s %q", is.Node, is.ServiceName, is.ServiceNamespace, is.Peers))
		}
		return rows
	}

	t.Log("not asked: nothing is written, and no right is needed")
	s := startSpeaker(t, kube)
	g.Eventually(func() bool { session := bird.Session(t); return session.Up && session.Routes == 1 }).Should(BeTrue(), s.log)
	g.Expect(s.kill(t, syscall.SIGTERM)).To(Succeed(), s.log)
	g.Expect(table()).To(BeEmpty())
	g.Expect(s.log()).NotTo(ContainSubstring("forbidden"))

	t.Log("asked: the peer whose session is up, not the one that is not there")
	kube.applyFile(t, "../config/service-bgp-status/role.yaml")
	stale := types.NamespacedName{Namespace: "default", Name: "stale"}
	cluster := publisher.NewCluster(kube.Client, kube.Client, "node-1", envtest.Namespace,
		&v1beta1.ServiceBGPStatus{}, &v1beta1.ServiceBGPStatusList{})
	g.Expect(cluster.Create(t.Context(), "uid-of-an-earlier-node", servicestatus.Object("node-1", stale))).To(Equal(servicestatus.Object("node-1", stale).Name))
	s = startSpeaker(t, kube, "--service-bgp-status")
	g.Eventually(table).Should(HaveExactElements(`node-1 nginx default ["router"]`), s.log)
	var list v1beta1.ServiceBGPStatusList
	g.Expect(kube.Client.List(t.Context(), &list, client.MatchingLabels{
		"metallb.io/node": "node-1", "metallb.io/service-name": "nginx", "metallb.io/service-namespace": "default",
	})).To(Succeed())
	g.Expect(list.Items).To(HaveLen(1))
	g.Expect(list.Items[0].OwnerReferences).To(HaveExactElements(And(HaveField("Kind", "Node"), HaveField("Name", "node-1"))))

	t.Log("a router that goes away knows of nothing")
	bird.Kill(t)
	g.Eventually(table).Should(HaveExactElements("node-1 nginx default []"), s.log)
	bird.Start(t)
	g.Eventually(table).Should(HaveExactElements(`node-1 nginx default ["router"]`), s.log)

	t.Log("a speaker that is killed leaves what the next takes over")
	g.Expect(s.kill(t, syscall.SIGKILL)).To(MatchError(ContainSubstring("killed")))
	before := version(t, g, kube)
	s = startSpeaker(t, kube, "--service-bgp-status")
	g.Eventually(func() bool { session := bird.Session(t); return session.Up && session.Routes == 1 }).Should(BeTrue(), s.log)
	g.Eventually(func() error { return s.get("/readyz", nil) }).Should(Succeed())
	g.Consistently(func() string { return version(t, g, kube) }, "6s").Should(Equal(before), s.log)

	t.Log("a service that is not announced any more, and one that is again")
	kube.PatchStatus(t, builder.MakeService("nginx").Obj(), `{"status":{"loadBalancer":null}}`)
	g.Eventually(table).Should(BeEmpty(), s.log)
	kube.assign(t, "198.51.100.1")
	g.Eventually(table).Should(HaveExactElements(`node-1 nginx default ["router"]`), s.log)

	t.Log("a speaker that stops")
	g.Expect(s.kill(t, syscall.SIGTERM)).To(Succeed(), s.log)
	g.Eventually(table).Should(BeEmpty(), s.log)
	g.Expect(s.log()).NotTo(ContainSubstring("forbidden"), "what the roles do not allow")
}

// version returns the resourceVersion of the only ServiceBGPStatus.
func version(t *testing.T, g *WithT, kube kubectl) string {
	t.Helper()
	var list v1beta1.ServiceBGPStatusList
	g.Expect(kube.Client.List(t.Context(), &list)).To(Succeed())
	g.Expect(list.Items).To(HaveLen(1))
	return list.Items[0].ResourceVersion
}

func TestTheStatusOfAServiceTakesTheNameOfAnother(t *testing.T) {
	bgptest.Require(t)
	g := newGomega(t)
	g.Expect(netlink.RouteReplace(&netlink.Route{Gw: lab.NewNode(t).Addr4.AsSlice()})).To(Succeed())
	server := apiServer.Get(t)
	server.Clean(t)
	cluster := publisher.NewCluster(server.Client, server.Client, "rack", envtest.Namespace,
		&v1beta1.ServiceBGPStatus{}, &v1beta1.ServiceBGPStatusList{})
	web := types.NamespacedName{Namespace: "default", Name: "web"}
	owner := func() types.UID {
		list, err := cluster.List(t.Context())
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(list).To(HaveLen(1))
		return list[0].OwnerReferences[0].UID
	}

	g.Expect(cluster.Create(t.Context(), "uid-1", servicestatus.Object("rack", web))).To(Equal(servicestatus.Object("rack", web).Name))
	g.Expect(cluster.Create(t.Context(), "uid-1", servicestatus.Object("rack", web))).To(Equal(servicestatus.Object("rack", web).Name), "as it is there already")
	g.Expect(owner()).To(Equal(types.UID("uid-1")))
	g.Expect(cluster.Create(t.Context(), "uid-2", servicestatus.Object("rack", web))).To(Equal(servicestatus.Object("rack", web).Name), "of an earlier node of the name")
	g.Expect(owner()).To(Equal(types.UID("uid-2")))

	foreign := &v1beta1.ServiceBGPStatus{ObjectMeta: metav1.ObjectMeta{Namespace: envtest.Namespace, Name: servicestatus.Object("rack", web).Name}}
	g.Expect(cluster.Delete(t.Context(), foreign.Name)).To(Succeed())
	g.Expect(cluster.Delete(t.Context(), foreign.Name)).To(Succeed(), "once more")
	g.Expect(server.Client.Create(t.Context(), foreign)).To(Succeed())
	g.Expect(cluster.Create(t.Context(), "uid-2", servicestatus.Object("rack", web))).To(Equal(servicestatus.Object("rack", web).Name), "where somebody has put another")
	g.Expect(owner()).To(Equal(types.UID("uid-2")))
	g.Expect(cluster.DeleteAll(t.Context())).To(Succeed())
	g.Expect(cluster.List(t.Context())).To(BeEmpty())
}
