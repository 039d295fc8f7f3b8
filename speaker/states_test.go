// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/publisher"
	"metallb.io/metallb/speaker/status"
	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/envtest"
)

func TestTheStatesOfSessionsAreKeptApart(t *testing.T) {
	bgptest.Require(t)
	g := newGomega(t)
	server := newKubectl(t, lab.NewNode(t))
	of := func(node string) *publisher.Cluster[*v1beta1.BGPSessionState] {
		return publisher.NewCluster(server.Client, server.Client, node, envtest.Namespace, &v1beta1.BGPSessionState{}, &v1beta1.BGPSessionStateList{})
	}
	create := func(node string, uid types.UID, peer string) string {
		name, err := of(node).Create(t.Context(), uid, status.Objects(node, peer)...)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(of(node).Write(t.Context(), name, &v1beta1.BGPSessionStateStatus{Node: node, Peer: peer})).To(Succeed())
		return name
	}
	uids := func(node string) map[types.UID]string {
		list, err := of(node).List(t.Context())
		g.Expect(err).NotTo(HaveOccurred())
		found := map[types.UID]string{}
		for i := range list {
			found[list[i].OwnerReferences[0].UID] = list[i].Status.Peer
		}
		return found
	}

	t.Log("two sessions whose names would be the same")
	first := create("rack", "uid-rack", "1-tor")
	second := create("rack-1", "uid-rack-1", "tor")
	g.Expect(first).To(Equal("rack-1-tor"))
	g.Expect(second).To(HavePrefix("rack-1-tor-"))
	g.Expect(uids("rack")).To(Equal(map[types.UID]string{"uid-rack": "1-tor"}))
	g.Expect(uids("rack-1")).To(Equal(map[types.UID]string{"uid-rack-1": "tor"}))

	t.Log("one that is there already, and one of an earlier node of the name")
	g.Expect(create("rack", "uid-rack", "1-tor")).To(Equal(first))
	g.Expect(create("rack-1", "uid-rack-1", "tor")).To(Equal(second))
	g.Expect(create("rack", "uid-of-the-next", "1-tor")).To(Equal(first))
	g.Expect(uids("rack")).To(Equal(map[types.UID]string{"uid-of-the-next": "1-tor"}))

	t.Log("the status is replaced as a whole")
	g.Expect(of("rack").Write(t.Context(), first, &v1beta1.BGPSessionStateStatus{Node: "rack", State: v1beta1.SessionIdle})).To(Succeed())
	g.Expect(uids("rack")).To(Equal(map[types.UID]string{"uid-of-the-next": ""}))

	g.Expect(of("rack").Delete(t.Context(), first)).To(Succeed())
	g.Expect(of("rack").Delete(t.Context(), first)).To(Succeed(), "once more")
	err := of("rack").Write(t.Context(), first, &v1beta1.BGPSessionStateStatus{})
	g.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)
}
