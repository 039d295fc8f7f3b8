// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/cluster/clustertest"
	"metallb.io/metallb/plugin/explain"
	"metallb.io/metallb/plugin/terminal"
	"metallb.io/metallb/test/builder"
)

const v4, v6 = corev1.IPv4Protocol, corev1.IPv6Protocol

// lines is the chain as it is printed.
func lines(t *testing.T, c explain.Chain) []string {
	t.Helper()
	var text bytes.Buffer
	if err := c.Print(&text, terminal.Palette{}); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
}

func own(component, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: cluster.DefaultNamespace, Name: name, UID: "1", Labels: map[string]string{"app": "metallb", "component": component},
	}
}

// daemonSet is that of the speakers.
func daemonSet(change ...func(*appsv1.DaemonSet)) *appsv1.DaemonSet {
	d := &appsv1.DaemonSet{ObjectMeta: own("speaker", "speaker")}
	for _, f := range change {
		f(d)
	}
	return d
}

// speaker is the pod of the speaker on a node.
func speaker(node string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: own("speaker", "speaker-"+node), Spec: corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}
	for _, f := range change {
		f(p)
	}
	return p
}

// scene is a node that announces a service to a router; what is given replaces objects of the same kind and name.
func scene(changed ...client.Object) []client.Object {
	web := builder.MakeService("web").Holds("pool", "198.51.100.7")
	up := builder.MakeSession("node-1", "rack").Established(v4)
	up.Status.AdvertisedIPv4 = 1
	all := []client.Object{
		builder.MakeNode("node-1", "10.0.0.1").Label("rack", "a").Obj(), daemonSet(), speaker("node-1"),
		builder.MakePeer("rack", "192.0.2.1").Obj(), up.Obj(), builder.MakePool("pool", "198.51.100.0/24").Obj(), builder.MakeAdvertisement("everything").Obj(),
		web.Obj(), builder.MakeEndpoints(web, discoveryv1.AddressTypeIPv4).Ready("node-1").Obj(),
	}
	return replaced(all, changed)
}

// replaced returns the objects with those that have changed in the place of those of the same type and name.
func replaced(all, changed []client.Object) []client.Object {
	same := func(a, b client.Object) bool { return typeOf(a) == typeOf(b) && a.GetName() == b.GetName() }
	for _, c := range changed {
		all = slices.DeleteFunc(all, func(o client.Object) bool { return same(o, c) })
		all = append(all, c)
	}
	return all
}

// with returns the object after a change.
func with[T any](o T, change func(T)) T {
	change(o)
	return o
}

func typeOf(o client.Object) string { return fmt.Sprintf("%T", o) }

// troubles are the links that are not good, but for where the router is, each with its reason, text and remedies.
func troubles(c explain.Chain) []string {
	all := []string{}
	for _, l := range c.Links {
		if l.Mark == terminal.Good || l.Subject == "router" {
			continue
		}
		text := fmt.Sprintf("%s %s %s: %s", l.Mark, l.Subject, l.Reason, l.Text)
		for _, r := range l.Remedies {
			text += " → " + strings.Trim(r.Text+": "+r.Command, ": ")
		}
		all = append(all, strings.TrimSuffix(text, ": "))
	}
	return all
}

func TestANodeThatIsWellIsExplained(t *testing.T) {
	t.Parallel()
	c, found := explain.Node(clustertest.Of(t, scene()...), "node-1")
	if !found {
		t.Fatal("there is no such node")
	}
	want := []string{
		"Node node-1",
		"  ✓ node: is ready",
		"  ✓ speaker: pod speaker-node-1 is ready",
		"  ✓ in service: nothing takes the node out of service",
		"  ✓ network: is available, and the service proxy forwards connections",
		"  ✓ session with rack: established, 1 prefix advertised over IPv4",
		"  ✓ advertisements: select the node: everything",
		"  ✓ services: announces 1 of 1",
		"",
		"All is well.",
	}
	if diff := cmp.Diff(want, lines(t, c)); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
}

func TestANodeThatIsNotThereIsNotExplained(t *testing.T) {
	t.Parallel()
	if c, found := explain.Node(clustertest.Of(t, scene()...), "none"); found {
		t.Errorf("explanation: %+v", c)
	}
}

func TestWhatIsWrongWithANodeIsExplained(t *testing.T) {
	t.Parallel()
	node := func() *builder.Node { return builder.MakeNode("node-1", "10.0.0.1").Label("rack", "a") }
	session := func() *builder.Session { return builder.MakeSession("node-1", "rack") }
	tolerant := func(d *appsv1.DaemonSet) {
		d.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	}
	args := func(list ...string) func(*appsv1.DaemonSet) {
		return func(d *appsv1.DaemonSet) {
			d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "speaker", Args: list}}
		}
	}
	// elsewhere is where the pod of the speaker is instead.
	elsewhere := speaker("node-1", func(p *corev1.Pod) { p.Spec.NodeName = "node-2" })
	for name, tc := range map[string]struct {
		objects []client.Object
		want    []string
	}{
		"not ready": {objects: []client.Object{node().Condition(corev1.NodeReady, corev1.ConditionUnknown).Obj()}, want: []string{
			"bad node NodeNotReady: is not ready, so that its sessions do not count → see what it lacks: kubectl describe node node-1",
		}},
		"never ready": {objects: []client.Object{with(node(), func(n *builder.Node) { n.Status.Conditions = nil }).Obj()}, want: []string{
			"bad node NodeNotReady: has never said that it is ready → see what it lacks: kubectl describe node node-1",
		}},
		"network unavailable": {objects: []client.Object{node().Condition(corev1.NodeNetworkUnavailable, corev1.ConditionTrue).Obj()}, want: []string{
			"bad network NetworkUnavailable: the node's condition NetworkUnavailable is true, so that it announces nothing → see how the network plugin's pod on it fares: kubectl get pods -A -o wide --field-selector spec.nodeName=node-1",
			"none services : announces 0 of 1",
			"none services : does not announce 1, such as default/web, since the node's network is unavailable",
		}},
		"proxy not ready": {objects: []client.Object{session().Established(v4).Withheld(v4).Obj()}, want: []string{
			"doubtful network ProxyNotReady: the node's service proxy does not forward IPv4 connections yet, so that their addresses are not announced → see how its kube-proxy, or what replaces it, fares: kubectl get pods -A -o wide --field-selector spec.nodeName=node-1",
			"none services : announces 0 of 1",
			"none services : does not announce 1, such as default/web, since the node's service proxy does not forward connections yet",
		}},
		"drained by a label": {objects: []client.Object{
			node().Label(v1beta1.LabelDrain, "").Obj(), session().Established(v4).Withheld(v4).Drain(metav1.ConditionTrue, v1beta1.ReasonDrained, "the node announces nothing").Obj(),
		}, want: []string{
			"doubtful in service Drained: the node announces nothing → put it back into service: kubectl label node node-1 metallb.io/drain-",
			"none services : announces 0 of 1",
			"none services : does not announce 1, such as default/web, since the node is drained",
		}},
		"draining by a taint": {objects: []client.Object{
			node().Taint(corev1.TaintNodeOutOfService, corev1.TaintEffectNoExecute).Obj(), daemonSet(tolerant),
			session().Established(v4).Drain(metav1.ConditionFalse, v1beta1.ReasonDraining, "routers are asked").Obj(),
		}, want: []string{
			"doubtful in service Draining: routers are asked → put it back into service: kubectl taint node node-1 node.kubernetes.io/out-of-service-",
		}},
		"draining by a taint of one's own": {objects: []client.Object{
			node().Taint("example.com/off", corev1.TaintEffectNoExecute).Obj(), session().Established(v4).Obj(), daemonSet(tolerant, args("--drain-taints=example.com/off")),
		}, want: []string{
			"doubtful in service Draining: the node has the taint example.com/off, and its speaker has not reported that it drains → put it back into service: kubectl taint node node-1 example.com/off-",
		}},
		"cordoned, where that drains": {objects: []client.Object{
			with(node(), func(n *builder.Node) { n.Spec.Unschedulable = true }).Obj(), daemonSet(args("--drain-unschedulable")),
		}, want: []string{
			"doubtful in service Draining: the node is cordoned, and its speaker has not reported that it drains → put it back into service: kubectl uncordon node-1",
		}},
		"draining for its proxy": {objects: []client.Object{session().Established(v4).Drain(metav1.ConditionFalse, v1beta1.ReasonProxyFailing, "routers are asked").Obj()}, want: []string{
			"doubtful in service ProxyFailing: routers are asked → see how its kube-proxy, or what replaces it, fares: kubectl get pods -A -o wide --field-selector spec.nodeName=node-1",
		}},
		"a session that fails": {objects: []client.Object{session().Error("connection refused").Obj()}, want: []string{
			"bad session with rack NotEstablished: connection refused → compare with the router: its ASN 64512; its address and port 192.0.2.1:179; its neighbor 10.0.0.1 with ASN 64512; without a password",
			"doubtful services NotEstablished: announces 1 of 1, and routers are told of 0: sessions are not established, or do not carry the family",
		}},
		"a session that is refused": {objects: []client.Object{with(session(), func(s *builder.Session) { s.Status.LocalRouterID = "" }).Error("no Secret").Obj()}, want: []string{
			"bad session with rack PeerRefused: no Secret → see more: kubectl metallb explain peer rack",
			"doubtful services NotEstablished: announces 1 of 1, and routers are told of 0: sessions are not established, or do not carry the family",
		}},
		"a session without a speaker": {objects: []client.Object{with(session(), func(s *builder.Session) { s.Status.State = v1beta1.SessionUnknown }).Obj()}, want: []string{
			"bad session with rack SpeakerDown: the node or its speaker is down, so that the state of the session is not known → see what its speaker says: kubectl logs speaker-node-1 -n metallb-system",
			"doubtful services NotEstablished: announces 1 of 1, and routers are told of 0: sessions are not established, or do not carry the family",
		}},
		"a session that carries nothing": {objects: []client.Object{session().Established(v6).Error("the peer does not take IPv4").Obj()}, want: []string{
			"doubtful session with rack FamilyNotCarried: established, but the peer does not take IPv4 → on the router, activate this address family for the neighbor",
			"doubtful services NotEstablished: announces 1 of 1, and routers are told of 0: sessions are not established, or do not carry the family",
		}},
		"a session that is not reported": {objects: []client.Object{builder.MakePeer("other", "192.0.2.2").Obj()}, want: []string{
			"bad session with other NotReported: no report from its speaker → see what its speaker says: kubectl logs speaker-node-1 -n metallb-system",
		}},
		"a router that is not found": {objects: []client.Object{with(builder.MakePeer("fabric", ""), func(p *builder.Peer) { p.Spec.Interface = "eth1" }).Obj()}, want: []string{
			"bad session with fabric PeerRefused: the node's speaker has not reported the address of the router → see more: kubectl metallb explain peer fabric",
		}},
		"an invalid peer": {objects: []client.Object{with(builder.MakePeer("bad", "192.0.2.2"), func(p *builder.Peer) { p.Spec.MyASN = 0 }).Obj()}, want: []string{
			"bad peers Invalid: not in use, since invalid: bad → see more: kubectl metallb explain peer bad",
		}},
		"a peer of others": {objects: []client.Object{builder.MakePeer("elsewhere", "192.0.2.2").NodesWithLabel("rack", "b").Obj()}, want: []string{
			"none peers : do not select the node, by their spec.nodeSelectors: elsewhere",
		}},
		"peers of others only": {objects: []client.Object{builder.MakePeer("rack", "192.0.2.2").NodesWithLabel("rack", "b").Obj()}, want: []string{
			"bad peers NoPeers: no BGPPeer selects the node; these do not: rack → have rack select the node: kubectl label node node-1 rack=b --overwrite",
			"none services : announces 0 of 1",
			"none services : does not announce 1, such as default/web, since no BGPPeer of the address's family selects the node",
		}},
		"advertisements of others only": {objects: []client.Object{builder.MakeAdvertisement("everything").NodesWithLabel("rack", "b").Obj()}, want: []string{
			"bad advertisements NoAdvertisements: no BGPAdvertisement selects the node; these do not, by their spec.nodeSelectors: everything → have everything select the node: kubectl label node node-1 rack=b --overwrite",
			"none services : announces 0 of 1",
			"none services : does not announce 1, such as default/web, since no BGPAdvertisement for the address selects the node",
		}},
		"advertisements of another node by its name": {objects: []client.Object{
			node().Label(corev1.LabelHostname, "node-1").Obj(), builder.MakeAdvertisement("everything").NodesWithLabel(corev1.LabelHostname, "node-2").Obj(),
		}, want: []string{
			"bad advertisements NoAdvertisements: no BGPAdvertisement selects the node; these do not, by their spec.nodeSelectors: everything → change the nodeSelectors of everything: kubectl edit bgpadvertisement everything -n metallb-system",
			"none services : announces 0 of 1",
			"none services : does not announce 1, such as default/web, since no BGPAdvertisement for the address selects the node",
		}},
		"peers of another node by its name": {objects: []client.Object{
			node().Label(corev1.LabelHostname, "node-1").Obj(), builder.MakePeer("rack", "192.0.2.1").NodesWithLabel(corev1.LabelHostname, "node-2").Obj(),
		}, want: []string{
			"bad peers NoPeers: no BGPPeer selects the node; these do not: rack → change the nodeSelectors of rack: kubectl edit bgppeer.metallb.io rack -n metallb-system",
			"none services : announces 0 of 1",
			"none services : does not announce 1, such as default/web, since no BGPPeer of the address's family selects the node",
		}},
		"an advertisement of others": {objects: []client.Object{builder.MakeAdvertisement("elsewhere").NodesWithLabel("rack", "b").Obj()}, want: []string{
			"none advertisements : do not select the node, by their spec.nodeSelectors: elsewhere",
		}},
		"services that are not announced": {objects: []client.Object{builder.MakeService("idle").Holds("pool", "198.51.100.8").Obj(), builder.MakeService("local").Holds("pool", "198.51.100.9").Local().Obj()}, want: []string{
			"none services : does not announce 1, such as default/idle, since no endpoint is ready",
			"none services : does not announce 1, such as default/local, since externalTrafficPolicy is Local and no endpoint on the node is ready",
		}},
		"a pod that fails": {objects: []client.Object{speaker("node-1", func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off"}}}}
		})}, want: []string{
			"bad speaker SpeakerNotReady: pod speaker-node-1 is not ready: CrashLoopBackOff: back-off → see why: kubectl describe pod speaker-node-1 -n metallb-system → see what it says: kubectl logs speaker-node-1 -n metallb-system",
		}},
		"a taint": {objects: []client.Object{node().Taint("example.com/gpu", corev1.TaintEffectNoSchedule).Obj(), elsewhere}, want: []string{
			"bad speaker NoSpeaker: no speaker runs on the node: the node has the taint example.com/gpu:NoSchedule, which the speakers do not tolerate → remove the taint: kubectl taint node node-1 example.com/gpu:NoSchedule- → or have the speakers tolerate it, in the DaemonSet speaker or, with Helm, the value speaker.tolerations",
		}},
		"a taint that every DaemonSet tolerates": {objects: []client.Object{node().Taint(corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule).Obj(), elsewhere}, want: []string{
			"bad speaker NoSpeaker: no speaker runs on the node: its DaemonSet speaker is to have a pod there, and has not → see why: kubectl describe daemonset speaker -n metallb-system",
		}},
		"a selector of nodes": {objects: []client.Object{elsewhere, daemonSet(func(d *appsv1.DaemonSet) { d.Spec.Template.Spec.NodeSelector = map[string]string{"bgp": "yes"} })}, want: []string{
			"bad speaker NoSpeaker: no speaker runs on the node: its DaemonSet speaker has the nodeSelector bgp=yes, which the node does not match → have one there: kubectl label node node-1 bgp=yes",
		}},
		"a node with Windows": {objects: []client.Object{
			node().Label(corev1.LabelOSStable, "windows").Obj(), elsewhere,
			daemonSet(func(d *appsv1.DaemonSet) {
				d.Spec.Template.Spec.NodeSelector = map[string]string{corev1.LabelOSStable: "linux"}
			}),
		}, want: []string{
			"bad speaker NoSpeaker: no speaker runs on the node: its DaemonSet speaker has the nodeSelector kubernetes.io/os=linux, which the node does not match → if a speaker can run there, change the nodeSelector in the DaemonSet speaker or, with Helm, the value speaker.nodeSelector",
		}},
		"an affinity": {objects: []client.Object{elsewhere, daemonSet(func(d *appsv1.DaemonSet) {
			d.Spec.Template.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "bgp", Operator: corev1.NodeSelectorOpExists}}}},
			}}}
		})}, want: []string{
			"bad speaker NoSpeaker: no speaker runs on the node: its DaemonSet speaker has a nodeAffinity that the node does not match → see what it demands: kubectl get daemonset speaker -n metallb-system -o jsonpath='{.spec.template.spec.affinity}'",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := explain.Node(clustertest.Of(t, scene(tc.objects...)...), "node-1")
			if diff := cmp.Diff(tc.want, troubles(c)); diff != "" {
				t.Errorf("links that are not good (-want +got):\n%s", diff)
			}
		})
	}
}
