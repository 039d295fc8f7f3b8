// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/test/builder"
)

// contradiction is one between two objects that are created one after the other.
type contradiction struct {
	older, younger client.Object
	// there is what the contradiction is about.
	there []client.Object
	// kind of the younger one, its condition, and how that begins.
	kind string
	said func(context.Context, string) func() string
	want string
	// others say that they are valid.
	others func(context.Context, string) func() string
}

var _ = Describe("The condition Valid", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	It("follows the spec of a BGPPeer", func(ctx SpecContext) {
		startController()
		peer := builder.MakePeer("router", "10.96.0.100").Obj()
		create(ctx, peer)
		Eventually(peerValid(ctx, "router")).Should(Equal("True Accepted: in use as written"))
		// What the schema does not tell: the operator of a selector.
		change(ctx, peer, func(p *v1beta2.BGPPeer) {
			p.Spec.NodeSelectors = []metav1.LabelSelector{{
				MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "rack", Operator: "Like", Values: []string{"1"}}},
			}}
		})
		Eventually(peerValid(ctx, "router")).Should(HavePrefix("False InvalidConfig: spec.nodeSelectors[0]"))
		Eventually(events(ctx, "BGPPeer", "router")).Should(ConsistOf(HavePrefix("Warning InvalidConfig: spec.nodeSelectors[0]")))
	})

	DescribeTable("tells the younger of two objects that contradict each other, once, until the older is gone",
		func(ctx SpecContext, c contradiction) {
			startController(intrusionFlags()...)
			create(ctx, c.there...)
			create(ctx, c.older)
			Eventually(c.others(ctx, c.older.GetName())).Should(HavePrefix("True Accepted"))
			create(ctx, c.younger)
			name := c.younger.GetName()
			Eventually(c.said(ctx, name)).Should(HavePrefix("False InvalidConfig: " + c.want))
			reported := eventsAbout(ctx, c.kind, name)
			Eventually(reported).Should(ConsistOf(HavePrefix("Warning InvalidConfig: " + c.want)))
			Eventually(stale(ctx)).Should(Equal("1"))
			Consistently(reported).Should(HaveLen(1))
			Expect(c.others(ctx, c.older.GetName())()).To(HavePrefix("True Accepted"))

			remove(ctx, c.older)
			Eventually(c.said(ctx, name)).Should(HavePrefix("True Accepted"))
			Eventually(stale(ctx)).Should(Equal("0"))
			Expect(reported()).To(HaveLen(1))
		},
		Entry("pools that overlap", contradiction{
			older: builder.MakePool("a", "198.51.100.0/24").Obj(), younger: builder.MakePool("b", "198.51.100.128/25").Obj(),
			kind: "IPAddressPool", said: valid, others: valid,
			want: `spec.addresses[0]: Invalid value: "198.51.100.128/25": CIDR "198.51.100.128/25" in pool "b" overlaps with already defined CIDR "198.51.100.0/24" in pool "a"`,
		}),
		Entry("peers that are one and the same", contradiction{
			older: builder.MakePeer("a", "192.0.2.1").Obj(), younger: builder.MakePeer("b", "192.0.2.1").Obj(),
			kind: "BGPPeer", said: peerValid, others: peerValid,
			want: `spec.peerAddress: Invalid value: "192.0.2.1": peer 192.0.2.1 already exists: BGPPeer "a"`,
		}),
		Entry("Communities that define one alias", contradiction{
			older: builder.MakeCommunity("a").Alias("blue", "64512:1").Obj(), younger: builder.MakeCommunity("b").Alias("blue", "64512:2").Obj(),
			kind: "Community", said: communityValid, others: communityValid,
			want: `spec.communities[0].name: Duplicate value: "blue": duplicate definition of community "blue"`,
		}),
		Entry("a pool and an advertisement whose prefixes it has no room for", contradiction{
			older: builder.MakePool("small", "198.51.100.0/28").Obj(), younger: builder.MakeAdvertisement("b").Aggregation(26).Obj(),
			kind: "BGPAdvertisement", said: advertisementValid, others: valid,
			want: `spec.aggregationLength: Invalid value: 26: IPAddressPool "small": invalid aggregation length 26: prefix 28 in this pool is more specific`,
		}),
		Entry("advertisements with other local preferences", contradiction{
			there: []client.Object{tutorialPool()},
			older: builder.MakeAdvertisement("a").LocalPref(100).Obj(), younger: builder.MakeAdvertisement("b").LocalPref(200).Obj(),
			kind: "BGPAdvertisement", said: advertisementValid, others: advertisementValid,
			want: `spec.localPref: Invalid value: 200: invalid local preference 200: local preference 100 was already set for the same type of BGP update by BGPAdvertisement "a"`,
		}),
		Entry("advertisements with other AS paths", contradiction{
			there: []client.Object{tutorialPool()},
			older: builder.MakeAdvertisement("a").Obj(), younger: builder.MakeAdvertisement("b").ASPathPrepend(2).Obj(),
			kind: "BGPAdvertisement", said: advertisementValid, others: advertisementValid,
			want: `spec.asPathPrepend: Invalid value: 2: invalid AS path prepend 2: AS path prepend 0 was already set for the same type of BGP update by BGPAdvertisement "a"`,
		}),
	)

	It("of an advertisement asks for the aliases that it names", func(ctx SpecContext) {
		startController()
		blue := builder.MakeCommunity("colours").Alias("blue", "64512:1").Obj()
		create(ctx, builder.MakeAdvertisement("adv").Communities("blue").Obj())
		const want = `InvalidConfig: spec.communities: Invalid value: no Community object defines the alias "blue"; define it or write the community's value`
		Eventually(advertisementValid(ctx, "adv")).Should(Equal("False " + want))
		Eventually(eventsAbout(ctx, "BGPAdvertisement", "adv")).Should(ConsistOf("Warning " + want))
		create(ctx, blue.DeepCopy())
		Eventually(advertisementValid(ctx, "adv")).Should(HavePrefix("True Accepted"))
		remove(ctx, blue)
		Eventually(advertisementValid(ctx, "adv")).Should(Equal("False " + want))
		Eventually(eventsAbout(ctx, "BGPAdvertisement", "adv")).Should(HaveLen(2), "it became invalid twice")
	})

	It("of a peer asks for the BFD profile that it names", func(ctx SpecContext) {
		startController()
		table := func() []string {
			out, err := server.Kubectl(GinkgoTB(), "", "get", "bfdprofiles", "-n", "metallb-system")
			Expect(err).NotTo(HaveOccurred(), out)
			return columns(out)
		}
		create(ctx, builder.MakePeer("tor", "192.0.2.1").BFDProfile("fast").Obj())
		const want = `InvalidConfig: spec.bfdProfile: Invalid value: "fast": the BFDProfile does not exist; create it: until then, ` +
			"sessions with the peer keep the BFD profile that they have, or have no BFD"
		Eventually(peerValid(ctx, "tor")).Should(Equal("False " + want))
		Eventually(eventsAbout(ctx, "BGPPeer", "tor")).Should(ConsistOf("Warning " + want))
		create(ctx, builder.MakeBFDProfile("fast").Intervals(50).Obj())
		Eventually(peerValid(ctx, "tor")).Should(HavePrefix("True Accepted"))
		Eventually(table).Should(HaveExactElements(
			"NAME|PASSIVE MODE|TRANSMIT INTERVAL|RECEIVE INTERVAL|MULTIPLIER|USED BY|VALID",
			"fast|false|50|50|3|1|True",
		))
		remove(ctx, builder.MakePeer("tor", "192.0.2.1").Obj())
		Eventually(table).Should(ContainElement("fast|false|50|50|3|0|True"))
	})

	It("comes with the number of advertisements that use a community's aliases", func(ctx SpecContext) {
		startController()
		table := func() []string {
			out, err := server.Kubectl(GinkgoTB(), "", "get", "communities", "-n", "metallb-system")
			Expect(err).NotTo(HaveOccurred(), out)
			return columns(out)
		}
		create(ctx, builder.MakeCommunity("colours").Alias("blue", "1:1").Alias("red", "1:2").Obj(),
			builder.MakeAdvertisement("one").Communities("blue", "red").Obj(), builder.MakeAdvertisement("two").Communities("red", "64500:1").Obj(),
			builder.MakeAdvertisement("none").Communities("64500:1").Obj())
		Eventually(table).Should(HaveExactElements(
			"NAME|COMMUNITIES|USED BY|VALID",
			`colours|[{"name":"blue","value":"1:1"},{"name":"red","value":"1:2"}]|2|True`,
		))
		remove(ctx, builder.MakeAdvertisement("one").Obj())
		Eventually(table).Should(ContainElement(HaveSuffix("|1|True")))
		remove(ctx, builder.MakeAdvertisement("two").Obj())
		Eventually(table).Should(ContainElement(HaveSuffix("|0|True")))
	})

	It("comes with the number of nodes that can announce by an advertisement", func(ctx SpecContext) {
		startController()
		create(ctx, nodeOfRack("1"), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node2"}}, router().Obj(),
			builder.MakeAdvertisement("all").Obj(), builder.MakeAdvertisement("rack").NodesWithLabel("rack", "1").Obj())
		Eventually(nodes(ctx, "all")).Should(Equal([]int32{2, 0}))
		Eventually(nodes(ctx, "rack")).Should(Equal([]int32{1, 0}))
		label(nodeOfRack("1"), "rack", "2")(ctx)
		Eventually(nodes(ctx, "rack")).Should(Equal([]int32{0, 0}))
		create(ctx, builder.MakePeer("six", "2001:db8::1").Obj())
		Eventually(nodes(ctx, "all")).Should(Equal([]int32{2, 2}))
		remove(ctx, nodeOfRack("2"))
		Eventually(nodes(ctx, "all")).Should(Equal([]int32{1, 1}))
	})
})

// nodes returns a function that reads the numbers of nodes of an advertisement, IPv4 and IPv6.
func nodes(ctx context.Context, name string) func() ([]int32, error) {
	return func() ([]int32, error) {
		a := &v1beta1.BGPAdvertisement{}
		err := server.Client.Get(ctx, client.ObjectKey{Namespace: "metallb-system", Name: name}, a)
		return []int32{a.Status.NodesIPv4, a.Status.NodesIPv6}, err
	}
}

func advertisementValid(ctx context.Context, name string) func() string {
	return func() string {
		a := &v1beta1.BGPAdvertisement{}
		if err := server.Client.Get(ctx, client.ObjectKey{Namespace: "metallb-system", Name: name}, a); err != nil {
			return err.Error()
		}
		return summary(a.Status.Conditions, v1beta1.ConditionValid)
	}
}

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
