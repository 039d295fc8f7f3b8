// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/cluster/clustertest"
	"metallb.io/metallb/plugin/explain"
	"metallb.io/metallb/test/builder"
)

func TestAPeerThatIsWellIsExplained(t *testing.T) {
	t.Parallel()
	c, found := explain.Peer(clustertest.Of(t, scene()...), nil, "rack")
	if !found {
		t.Fatal("there is no such peer")
	}
	want := []string{
		"BGPPeer rack",
		"  ✓ configuration: is in use as written",
		"  · router: 192.0.2.1, port 179, is to have ASN 64512 and gets sessions for IPv4 routes",
		"  ✓ nodes: 1 of 1 are to have a session",
		"  ✓ sessions: 1 of 1 are established",
		"  ✓ families: the sessions carry IPv4, 1 prefix in all",
		"  ✓ advertisements: are for the peer: everything",
		"",
		"All is well.",
	}
	if diff := cmp.Diff(want, lines(t, c)); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
}

func TestAPeerThatIsNotThereIsNotExplained(t *testing.T) {
	t.Parallel()
	if c, found := explain.Peer(clustertest.Of(t, scene()...), nil, "none"); found {
		t.Errorf("explanation: %+v", c)
	}
}

// heldVersion is the version of the peer that stays in use.
func heldVersion(t *testing.T, p *v1beta2.BGPPeer) *v1beta1.ActiveConfiguration {
	t.Helper()
	a, err := active.Make(p)
	if err != nil {
		t.Fatal(err)
	}
	a.Status = v1beta1.ActiveConfigurationStatus{Held: true, Reason: v1beta1.ReasonNotCompatibleWithAssignedIPs, Message: "the change takes the last route from default/web"}
	return a
}

func TestWhatIsWrongWithAPeerIsExplained(t *testing.T) {
	t.Parallel()
	peer := func() *builder.Peer { return builder.MakePeer("rack", "192.0.2.1") }
	session := func() *builder.Session { return builder.MakeSession("node-1", "rack") }
	secret := func(p *builder.Peer) { p.Spec.PasswordSecret.Name = "rack-bgp" }
	ref := types.NamespacedName{Namespace: cluster.DefaultNamespace, Name: "rack-bgp"}
	external := func(p *builder.Peer) { p.Spec.ASN = 64513 }
	// others are more nodes, whose sessions fail in two ways.
	var others []client.Object
	for i := 2; i < 10; i++ {
		node := fmt.Sprintf("node-%d", i)
		text := "connection refused"
		if i%4 == 0 {
			text = "no route to host"
		}
		others = append(others, builder.MakeNode(node, fmt.Sprintf("10.0.0.%d", i)).Obj(), builder.MakeSession(node, "rack").Error(text).Obj())
	}
	for name, tc := range map[string]struct {
		objects []client.Object
		secrets explain.Secrets
		want    []string
	}{
		"invalid": {objects: []client.Object{with(peer(), func(p *builder.Peer) { p.Spec.MyASN = 0 }).Obj()}, want: []string{
			"bad configuration Invalid: it is not used, since it is invalid: spec.myASN: Required value: missing local ASN; set it to a number from 1 to 4294967295 → correct it: kubectl edit bgppeer.metallb.io rack -n metallb-system",
		}},
		"found invalid": {objects: []client.Object{with(peer(), func(p *builder.Peer) {
			p.Status.Conditions = []metav1.Condition{{Type: v1beta1.ConditionValid, Status: metav1.ConditionFalse, Reason: v1beta1.ReasonInvalidConfig, Message: "it contradicts another"}}
		}).Obj()}, want: []string{
			"bad configuration Invalid: it contradicts another → correct it: kubectl edit bgppeer.metallb.io rack -n metallb-system",
		}},
		"held": {objects: []client.Object{heldVersion(t, peer().Obj()), peer().NodesWithLabel("rack", "z").Obj()}, want: []string{
			"bad configuration Held: an earlier version is used: the change takes the last route from default/web → correct it: kubectl edit bgppeer.metallb.io rack -n metallb-system → use what is written, at the expense of the services: kubectl delete activeconfiguration bgppeer.rack -n metallb-system",
		}},
		"no nodes": {objects: []client.Object{peer().NodesWithLabel("bgp", "yes").Obj()}, want: []string{
			"bad nodes NoNodes: no node matches spec.nodeSelectors → label the nodes that are to connect: kubectl label node node-1 bgp=yes → change spec.nodeSelectors: kubectl edit bgppeer.metallb.io rack -n metallb-system",
		}},
		"no nodes, by expressions": {objects: []client.Object{with(peer(), func(p *builder.Peer) {
			p.Spec.NodeSelectors = []metav1.LabelSelector{{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "rack", Operator: metav1.LabelSelectorOpIn, Values: []string{"b", "c"}}, {Key: "bgp", Operator: metav1.LabelSelectorOpExists},
				{Key: "off", Operator: metav1.LabelSelectorOpDoesNotExist},
			}}}
		}).Obj()}, want: []string{
			"bad nodes NoNodes: no node matches spec.nodeSelectors → label the nodes that are to connect: kubectl label node node-1 bgp= rack=b --overwrite → change spec.nodeSelectors: kubectl edit bgppeer.metallb.io rack -n metallb-system",
		}},
		"a Secret that is there": {objects: []client.Object{with(peer(), secret).Obj()}, secrets: explain.Secrets{ref: cluster.Present}, want: []string{}},
		"a Secret that is not there": {
			objects: []client.Object{with(peer(), secret).Obj(), with(session(), func(s *builder.Session) { s.Status.LocalRouterID = "" }).Error("no Secret").Obj()},
			secrets: explain.Secrets{ref: cluster.Absent},
			want: []string{
				"bad password NoSecret: the Secret rack-bgp is not there, and without it no node connects → create it, with the password that the router has: kubectl create secret generic rack-bgp -n metallb-system --type=kubernetes.io/basic-auth --from-literal=password=PASSWORD",
				"bad sessions NotEstablished: 0 of 1 are established",
				"bad no session on node-1 PeerRefused: no Secret → see more: kubectl metallb explain node node-1",
			},
		},
		"a Secret that may not be asked for": {objects: []client.Object{with(peer(), secret).Obj()}, want: []string{
			"none password : it is to be in the Secret rack-bgp; whether that is there is not known, since you may not get secrets in namespace metallb-system",
		}},
		"sessions that fail": {objects: others, want: []string{
			"bad sessions NotEstablished: 1 of 9 are established",
			"bad no session on node-2, node-3, node-5, node-6, node-7 and 1 more NotEstablished: connection refused → compare with the router: its ASN 64512; its address and port 192.0.2.1:179; its neighbor 10.0.0.2 with ASN 64512; without a password",
			"bad no session on node-4, node-8 NotEstablished: no route to host → compare with the router: its ASN 64512; its address and port 192.0.2.1:179; its neighbor 10.0.0.4 with ASN 64512; without a password",
		}},
		"a session to an external router that fails": {objects: []client.Object{with(with(peer(), external), secret).Obj(), session().Error("connection refused").Obj()}, secrets: explain.Secrets{ref: cluster.Present}, want: []string{
			"bad sessions NotEstablished: 0 of 1 are established",
			"bad no session on node-1 NotEstablished: connection refused → compare with the router: its ASN 64513; its address and port 192.0.2.1:179; its neighbor 10.0.0.1 with ASN 64512; with the password of the Secret; directly connected (else multihop on both sides: spec.ebgpMultiHop)",
		}},
		"a session over several hops that fails": {objects: []client.Object{
			with(with(peer(), external), func(p *builder.Peer) { p.Spec.EBGPMultiHop, p.Spec.Password = true, "secret" }).Obj(), session().Error("connection refused").Obj(),
		}, want: []string{
			"bad sessions NotEstablished: 0 of 1 are established",
			"bad no session on node-1 NotEstablished: connection refused → compare with the router: its ASN 64513; its address and port 192.0.2.1:179; its neighbor 10.0.0.1 with ASN 64512; with the password of spec.password; multihop, with a TTL of 255",
		}},
		"a session with TTL security that fails": {objects: []client.Object{
			with(with(peer(), external), func(p *builder.Peer) { p.Spec.TTLSecurityHops, p.Spec.SrcAddress = new(int32(2)), "10.0.0.9" }).Obj(), session().Error("connection refused").Obj(),
		}, want: []string{
			"bad sessions NotEstablished: 0 of 1 are established",
			"bad no session on node-1 NotEstablished: connection refused → compare with the router: its ASN 64513; its address and port 192.0.2.1:179; its neighbor 10.0.0.9 with ASN 64512; without a password; TTL security with at most 2 hops",
		}},
		"a session without a speaker": {objects: []client.Object{with(session(), func(s *builder.Session) { s.Status.State = v1beta1.SessionUnknown }).Obj()}, want: []string{
			"bad sessions NotEstablished: 0 of 1 are established",
			"bad no session on node-1 SpeakerDown: the node or its speaker is down, so that the state of the session is not known → see more: kubectl metallb explain node node-1",
		}},
		"a node without a speaker": {objects: []client.Object{builder.MakeNode("node-2", "10.0.0.2").Taint("example.com/gpu", "NoSchedule").Obj()}, want: []string{
			"bad sessions NotEstablished: 1 of 2 are established",
			"bad no session on node-2 NoSpeaker: no speaker runs on the node: the node has the taint example.com/gpu:NoSchedule, which the speakers do not tolerate → remove the taint: kubectl taint node node-2 example.com/gpu:NoSchedule- → or have the speakers tolerate it, in the DaemonSet speaker or, with Helm, the value speaker.tolerations → see more: kubectl metallb explain node node-2",
		}},
		"a node whose speaker says nothing": {objects: []client.Object{builder.MakeNode("node-2", "10.0.0.2").Obj(), speaker("node-2")}, want: []string{
			"bad sessions NotEstablished: 1 of 2 are established",
			"bad no session on node-2 NotReported: no report from its speaker → see more: kubectl metallb explain node node-2",
		}},
		"a family that is not carried": {objects: []client.Object{with(peer(), func(p *builder.Peer) { p.Spec.DualStackAddressFamily = true }).Obj(), session().Established(v4).Error("the peer does not take IPv6").Obj()}, want: []string{
			"doubtful families FamilyNotCarried: sessions do not carry IPv6 of node-1: the peer does not take IPv6 → on the router, activate this address family for the neighbors",
		}},
		"no BFD profile": {objects: []client.Object{peer().BFDProfile("fast").Obj()}, want: []string{
			"bad BFD NoBFDProfile: there is no BFDProfile \"fast\", so that sessions have no BFD → create it, or remove spec.bfdProfile: kubectl edit bgppeer.metallb.io rack -n metallb-system",
		}},
		"BFD that is not up": {objects: []client.Object{with(peer(), external).BFDProfile("fast").Obj(), builder.MakeBFDProfile("fast").Obj()}, want: []string{
			"bad BFD BFDNotUp: is not up on node-1 → on the router, enable BFD for the neighbors, and let UDP port 3784 through both ways",
		}},
		"no advertisement": {objects: []client.Object{builder.MakeAdvertisement("everything").Peers("other").Obj()}, want: []string{
			"bad advertisements NoAdvertisements: no BGPAdvertisement is for the peer, so that it is told nothing → add it to spec.peers of a BGPAdvertisement, or create one",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := explain.Peer(clustertest.Of(t, scene(tc.objects...)...), tc.secrets, "rack")
			if diff := cmp.Diff(tc.want, troubles(c)); diff != "" {
				t.Errorf("links that are not good (-want +got):\n%s", diff)
			}
		})
	}
}
