// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

var _ = Describe("The condition Valid", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	It("follows the spec of a BGPPeer", func(ctx SpecContext) {
		startController()
		peer := &v1beta2.BGPPeer{
			ObjectMeta: metav1.ObjectMeta{Namespace: "metallb-system", Name: "router"},
			Spec:       v1beta2.BGPPeerSpec{MyASN: 64512, ASN: 64512, Address: "10.96.0.100"},
		}
		create(ctx, peer)
		Eventually(peerValid(ctx, "router")).Should(Equal("True Accepted: valid as written"))
		// What the schema does not tell: the operator of a selector.
		change(ctx, peer, func(p *v1beta2.BGPPeer) {
			p.Spec.NodeSelectors = []metav1.LabelSelector{{
				MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "rack", Operator: "Like", Values: []string{"1"}}},
			}}
		})
		Eventually(peerValid(ctx, "router")).Should(HavePrefix("False InvalidConfig: spec.nodeSelectors[0]"))
		Eventually(events(ctx, "BGPPeer", "router")).Should(ConsistOf(HavePrefix("Warning InvalidConfig: spec.nodeSelectors[0]")))
	})
})

func peerValid(ctx context.Context, name string) func() string {
	return func() string {
		p := &v1beta2.BGPPeer{}
		if err := server.Client.Get(ctx, client.ObjectKey{Namespace: "metallb-system", Name: name}, p); err != nil {
			return err.Error()
		}
		return summary(p.Status.Conditions, v1beta1.ConditionValid)
	}
}

func communityValid(ctx context.Context, name string) func() string {
	return func() string {
		c := &v1beta1.Community{}
		if err := server.Client.Get(ctx, client.ObjectKey{Namespace: "metallb-system", Name: name}, c); err != nil {
			return err.Error()
		}
		return summary(c.Status.Conditions, v1beta1.ConditionValid)
	}
}
