// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/test/builder"
)

var _ = Describe("The status of a BGPPeer", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	It("follows what speakers tell of its sessions, and nodes", func(ctx SpecContext) {
		startController()
		create(ctx, builder.MakePeer("router", "10.96.0.100").NodesWithLabel("rack", "1").Obj())
		Eventually(routerReady(ctx)).Should(Equal("0/0 False NoNodes: no node matches nodeSelectors"))
		Expect(peerValid(ctx, "router")()).To(Equal("True Accepted: in use as written"), "which is another's business")

		create(ctx, rackNode("node-1"), rackNode("node-2"), rackNode("node-3"), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "other"}})
		Eventually(routerReady(ctx)).Should(Equal("0/3 False SessionsNotEstablished: node-1: no report from its speaker; " +
			"node-2: no report from its speaker; node-3: no report from its speaker"))
		tell(ctx, "node-1", "router", v1beta1.SessionEstablished, "")
		tell(ctx, "node-2", "router", v1beta1.SessionActive, "connection refused")
		tell(ctx, "node-3", "router", v1beta1.SessionIdle, "peer ASN is not 64512")
		tell(ctx, "other", "router", v1beta1.SessionEstablished, "")
		tell(ctx, "node-1", "another-peer", v1beta1.SessionIdle, "connection lost")
		Eventually(routerReady(ctx)).Should(Equal("1/3 False SessionsNotEstablished: node-2: connection refused; node-3: peer ASN is not 64512"))

		tell(ctx, "node-2", "router", v1beta1.SessionEstablished, "connection refused")
		tell(ctx, "node-3", "router", v1beta1.SessionEstablished, "")
		Eventually(routerReady(ctx)).Should(Equal("3/3 True SessionsEstablished: all sessions are established"))
		p := &v1beta2.BGPPeer{}
		Expect(server.Client.Get(ctx, client.ObjectKey{Namespace: "metallb-system", Name: "router"}, p)).To(Succeed())
		Expect(p.Status).To(And(HaveField("LastError", ""), HaveField("ObservedGeneration", p.Generation), HaveField("DesiredSessions", int32(3))))

		By("deleting the state of one and the node of another")
		remove(ctx, sessionState("node-2", "router"), rackNode("node-3"))
		Eventually(routerReady(ctx)).Should(Equal("1/2 False SessionsNotEstablished: node-2: no report from its speaker"))
		Expect(peerValid(ctx, "router")()).To(Equal("True Accepted: in use as written"))
	})

	It("does not believe the sessions of a node that is not ready or is gone", func(ctx SpecContext) {
		startController()
		create(ctx, builder.MakePeer("router", "10.96.0.100").Obj(), rackNode("node-1"), rackNode("node-2"))
		for _, n := range []string{"node-1", "node-2"} {
			tell(ctx, n, "router", v1beta1.SessionEstablished, "")
		}
		Eventually(routerReady(ctx)).Should(HavePrefix("2/2 True"))

		setReady(ctx, "node-2", corev1.ConditionUnknown)
		Eventually(routerReady(ctx)).Should(Equal("1/2 False SessionsNotEstablished: node-2: node is not ready"))
		Eventually(told(ctx, "node-2")).Should(Equal("Unknown node is not ready"))
		unknown := sessionState("node-2", "router")
		Expect(server.Client.Get(ctx, client.ObjectKeyFromObject(unknown), unknown)).To(Succeed())
		Expect(unknown.Status.LastErrorTime).To(And(Not(BeNil()), Equal(unknown.Status.Since)))
		Expect(told(ctx, "node-1")()).To(Equal("Established "))
		tell(ctx, "node-2", "router", v1beta1.SessionEstablished, "")
		Eventually(told(ctx, "node-2")).Should(Equal("Unknown node is not ready"), "whatever is said for it")

		setReady(ctx, "node-2", corev1.ConditionTrue)
		Eventually(routerReady(ctx)).Should(HavePrefix("1/2 False SessionsNotEstablished: node-2: node is not ready"))
		tell(ctx, "node-2", "router", v1beta1.SessionEstablished, "")
		Eventually(routerReady(ctx)).Should(HavePrefix("2/2 True"))

		remove(ctx, rackNode("node-2"))
		Eventually(routerReady(ctx)).Should(HavePrefix("1/1 True"))
		Eventually(told(ctx, "node-2")).Should(Equal("Unknown node does not exist"))
	})

	It("does not believe a speaker whose pod does not run, unless it is back soon", func(ctx SpecContext) {
		startController()
		nodes := []string{"node-1", "node-2", "node-3", "node-4"}
		create(ctx, builder.MakePeer("router", "10.96.0.100").Obj())
		for _, n := range nodes {
			create(ctx, rackNode(n))
			if n != "node-4" { // Its speaker runs outside of a pod.
				runPod(ctx, "speaker-"+n)
				tellFrom(ctx, "speaker-"+n, n)
			}
		}
		tell(ctx, "node-4", "router", v1beta1.SessionEstablished, "")
		Eventually(routerReady(ctx)).Should(HavePrefix("4/4 True"))

		By("replacing one, killing one for good and having one crash again and again")
		remove(ctx, pod("speaker-node-1"), pod("speaker-node-2"))
		setRunning(ctx, "speaker-node-3", false)
		runPod(ctx, "speaker-node-1b")
		tellFrom(ctx, "speaker-node-1b", "node-1")
		Consistently(routerReady(ctx)).Should(HavePrefix("4/4 True"), "for a while")
		Eventually(told(ctx, "node-2")).Should(Equal("Unknown the pod of the node's speaker is gone"))
		Eventually(told(ctx, "node-3")).Should(Equal("Unknown the pod of the node's speaker does not run"))
		Eventually(routerReady(ctx)).Should(Equal("2/4 False SessionsNotEstablished: node-2: the pod of the node's speaker is gone; " +
			"node-3: the pod of the node's speaker does not run"))
		Expect(told(ctx, "node-1")()).To(Equal("Established "))
		Expect(told(ctx, "node-4")()).To(Equal("Established "))

		By("having them back")
		setRunning(ctx, "speaker-node-3", true)
		tellFrom(ctx, "speaker-node-3", "node-3")
		runPod(ctx, "speaker-node-2b")
		tellFrom(ctx, "speaker-node-2b", "node-2")
		Eventually(routerReady(ctx)).Should(HavePrefix("4/4 True"))

		By("stopping one in good order")
		remove(ctx, pod("speaker-node-2b"))
		tell(ctx, "node-2", "router", v1beta1.SessionIdle, "the node's speaker was stopped")
		Eventually(routerReady(ctx)).Should(Equal("3/4 False SessionsNotEstablished: node-2: the node's speaker was stopped"))
	})

	It("tells by an event that it is not ready, and that it is again", func(ctx SpecContext) {
		startController()
		create(ctx, builder.MakePeer("router", "10.96.0.100").Obj(), rackNode("node-1"))
		tell(ctx, "node-1", "router", v1beta1.SessionActive, "connection refused")
		Eventually(peerEvents(ctx)).Should(Equal([]string{"Warning SessionsNotEstablished node-1: connection refused"}))
		tell(ctx, "node-1", "router", v1beta1.SessionEstablished, "")
		Eventually(peerEvents(ctx)).Should(ConsistOf("Warning SessionsNotEstablished node-1: connection refused",
			"Normal SessionsEstablished all sessions are established"))
	})
})

// peerEvents returns a function that reads the events of BGPPeers.
func peerEvents(ctx context.Context) func() []string {
	return func() []string {
		list := &eventsv1.EventList{}
		if err := server.Client.List(ctx, list); err != nil {
			return []string{err.Error()}
		}
		var found []string
		for i := range list.Items {
			if e := &list.Items[i]; e.Regarding.Kind == "BGPPeer" {
				found = append(found, fmt.Sprintf("%s %s %s", e.Type, e.Reason, e.Note))
			}
		}
		return found
	}
}

func pod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "metallb-system", Name: name},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(0)), // Nobody is there to end it.
			Containers:                    []corev1.Container{{Name: "speaker", Image: "speaker"}},
		},
	}
}

// runPod makes a pod that runs, as far as its status tells.
func runPod(ctx context.Context, name string) {
	GinkgoHelper()
	create(ctx, pod(name))
	DeferCleanup(func(ctx SpecContext) {
		Expect(client.IgnoreNotFound(server.Client.Delete(ctx, pod(name)))).To(Succeed())
	})
	setRunning(ctx, name, true)
}

// setRunning makes the status of a pod tell that its container runs, or that it does not.
func setRunning(ctx context.Context, name string, running bool) {
	GinkgoHelper()
	p := pod(name)
	Expect(server.Client.Get(ctx, client.ObjectKeyFromObject(p), p)).To(Succeed())
	state := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	if running {
		state = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	}
	p.Status = corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{Name: "speaker", State: state}}}
	Expect(server.Client.Status().Update(ctx, p)).To(Succeed())
}

// tellFrom tells that a session is established, as a speaker that runs in that pod does.
func tellFrom(ctx context.Context, pod, node string) {
	GinkgoHelper()
	tellAs(ctx, v1beta1.BGPSessionStateStatus{Pod: pod, Node: node, Peer: "router", State: v1beta1.SessionEstablished})
}

// routerReady returns a function that reads sessions and condition Ready of the BGPPeer "router".
func routerReady(ctx context.Context) func() string {
	return func() string {
		p := &v1beta2.BGPPeer{}
		if err := server.Client.Get(ctx, client.ObjectKey{Namespace: "metallb-system", Name: "router"}, p); err != nil {
			return err.Error()
		}
		return p.Status.Sessions + " " + summary(p.Status.Conditions, v1beta1.ConditionReady)
	}
}

func rackNode(name string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"rack": "1"}}}
}

func sessionState(node, peer string) *v1beta1.BGPSessionState {
	return &v1beta1.BGPSessionState{ObjectMeta: metav1.ObjectMeta{Namespace: "metallb-system", Name: node + "-" + peer}}
}

// tell makes the state of a session say something, as the node's speaker does.
func tell(ctx context.Context, node, peer string, state v1beta1.SessionState, lastError string) {
	GinkgoHelper()
	tellAs(ctx, v1beta1.BGPSessionStateStatus{Node: node, Peer: peer, State: state, LastError: lastError})
}

func tellAs(ctx context.Context, status v1beta1.BGPSessionStateStatus) {
	GinkgoHelper()
	s := sessionState(status.Node, status.Peer)
	Expect(client.IgnoreAlreadyExists(server.Client.Create(ctx, s))).To(Succeed())
	Expect(server.Client.Get(ctx, client.ObjectKeyFromObject(s), s)).To(Succeed())
	before := s.DeepCopy()
	s.Status = status
	Expect(server.Client.Status().Patch(ctx, s, client.MergeFrom(before))).To(Succeed())
}

// told returns a function that reads state and last error of the node's session with "router".
func told(ctx context.Context, node string) func() string {
	return func() string {
		s := sessionState(node, "router")
		if err := server.Client.Get(ctx, client.ObjectKeyFromObject(s), s); err != nil {
			return err.Error()
		}
		return string(s.Status.State) + " " + s.Status.LastError
	}
}

func setReady(ctx context.Context, name string, ready corev1.ConditionStatus) {
	GinkgoHelper()
	n := &corev1.Node{}
	Expect(server.Client.Get(ctx, client.ObjectKey{Name: name}, n)).To(Succeed())
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}
	Expect(server.Client.Status().Update(ctx, n)).To(Succeed())
}
