// SPDX-License-Identifier: Apache-2.0

package announcement_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/announcement"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/test/builder"
)

func TestTheConditionSaysHowAServiceIsAnnouncedOrWhyNot(t *testing.T) {
	t.Parallel()
	web := func() *builder.Service { return builder.MakeService("web").Holds("a", "198.18.0.1") }
	dual := func() *builder.Service { return builder.MakeService("web").Holds("a,six", "198.18.0.1", "2001:db8::1") }
	local := func() *builder.Service { return web().Local() }
	const all = `True Announced: from 3 nodes to peers "tor-a", "tor-b"`
	for name, tc := range map[string]struct {
		service *builder.Service
		// but is what differs from three nodes that have all their sessions and serve.
		but  func(*world)
		want string
	}{
		"all sessions are established": {web(), func(*world) {}, all},
		"a node has none": {web(), func(w *world) { w.down("node-0002") },
			`True Announced: from 2 of 3 nodes to peers "tor-a", "tor-b"; not established: "tor-a" on 1 of 3 nodes, "tor-b" on 1 of 3 nodes`},
		"a node lacks one": {web(), func(w *world) { w.report("node-0002", "tor-b", v1beta1.SessionActive, "") },
			`True Announced: from 3 nodes to peers "tor-a", "tor-b"; not established: "tor-b" on 1 of 3 nodes`},
		"a peer is away": {web(), func(w *world) {
			for _, n := range []string{"node-0001", "node-0002", "node-0003"} {
				w.report(n, "tor-b", v1beta1.SessionConnect, "connection refused")
			}
		}, `True Announced: from 3 nodes to peer "tor-a"; not established: "tor-b" on 3 of 3 nodes`},
		"no session is established": {web(), func(w *world) {
			for _, n := range []string{"node-0001", "node-0002", "node-0003"} {
				w.down(n)
			}
		}, `False SessionsNotEstablished: no session is established with peers "tor-a", "tor-b"; node-0001 with "tor-a": connection lost`},
		"nobody tells of sessions": {web(), func(w *world) {
			for _, n := range []string{"node-0001", "node-0002", "node-0003"} {
				w.SetSession(n+"-tor-a", nil)
				w.SetSession(n+"-tor-b", nil)
			}
		}, `False SessionsNotEstablished: no session is established with peers "tor-a", "tor-b"; node-0001 with "tor-a": no report from its speaker`},
		"the only session does not carry the family": {web(), func(w *world) {
			w.advertise(builder.MakeAdvertisement("adv").Peers("tor-a"))
			for _, n := range []string{"node-0001", "node-0002", "node-0003"} {
				w.report(n, "tor-a", v1beta1.SessionEstablished, "", corev1.IPv6Protocol)
			}
			w.configure()
		}, `False SessionsNotEstablished: no session is established with peer "tor-a"; node-0001 with "tor-a": the session does not carry IPv4`},
		"a node that boots": {web(), func(w *world) { w.withhold("node-0002", corev1.IPv4Protocol) },
			`True Announced: from 2 of 3 nodes to peers "tor-a", "tor-b"; not established: "tor-a" on 1 of 3 nodes, "tor-b" on 1 of 3 nodes`},
		"a node that boots, and serves the other family": {web(), func(w *world) { w.withhold("node-0002", corev1.IPv6Protocol) }, all},
		"all nodes boot": {web(), func(w *world) {
			for _, n := range []string{"node-0001", "node-0002", "node-0003"} {
				w.withhold(n, corev1.IPv4Protocol, corev1.IPv6Protocol)
			}
		}, `False SessionsNotEstablished: no session is established with peers "tor-a", "tor-b"; node-0001 with "tor-a": the node's service proxy does not forward IPv4 connections yet`},
		"a session is Idle": {web(), func(w *world) {
			w.advertise(builder.MakeAdvertisement("adv").Peers("tor-a").NodesWithLabel("rack", "1"))
			w.nodes[2].Labels = map[string]string{"rack": "1"}
			w.report("node-0003", "tor-a", v1beta1.SessionIdle, "")
			w.configure()
		}, `False SessionsNotEstablished: no session is established with peer "tor-a"; node-0003 with "tor-a": session is Idle`},
		"both families": {dual(), func(*world) {},
			`True Announced: 198.18.0.1 from 3 nodes to peers "tor-a", "tor-b"; 2001:db8::1 from 3 nodes to peer "tor-6"`},
		"one family of two": {dual(), func(w *world) {
			w.peer(builder.MakePeer("tor-a", "192.0.2.1"))
			w.configure()
		}, `True PartlyAnnounced: 198.18.0.1 from 3 nodes to peer "tor-a"; 2001:db8::1 not: no BGPPeer with an IPv6 address connects nodes for BGPAdvertisement "adv"`},
		"neither family, for one reason": {dual(), func(w *world) { w.serve("web") }, "False NoEndpoints: no endpoint is ready"},
		"neither family, for two reasons": {dual(), func(w *world) {
			w.peer(builder.MakePeer("tor-a", "192.0.2.1"))
			w.configure()
			for _, n := range []string{"node-0001", "node-0002", "node-0003"} {
				w.down(n)
			}
		}, `False SessionsNotEstablished: 198.18.0.1 not: no session is established with peer "tor-a"; node-0001 with "tor-a": connection lost; ` +
			`2001:db8::1 not: no BGPPeer with an IPv6 address connects nodes for BGPAdvertisement "adv"`},
		"no endpoint": {web(), func(w *world) { w.serve("web") }, "False NoEndpoints: no endpoint is ready"},
		"no slice": {web(), func(w *world) {
			slice := &discoveryv1.EndpointSlice{}
			slice.Namespace, slice.Name, slice.Labels = "default", "web-ipv4", map[string]string{discoveryv1.LabelServiceName: "web"}
			w.DeleteEndpointSlice(slice)
		}, "False NoEndpoints: no endpoint is ready"},
		"endpoints without the port": {web(), func(w *world) {
			slice := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}}}}
			slice.Namespace, slice.Name, slice.Labels = "default", "web-ipv4", map[string]string{discoveryv1.LabelServiceName: "web"}
			w.serve("web")
			w.setSlice(slice)
		}, "False NoEndpoints: no endpoint is ready"},
		"an endpoint of the other family only": {web(), func(w *world) { w.serveIn(discoveryv1.AddressTypeIPv4, "web") },
			"False NoEndpoints: no endpoint is ready"},
		"both families, endpoints of one": {dual(), func(w *world) { w.serveIn(discoveryv1.AddressTypeIPv6, "web") },
			`True PartlyAnnounced: 198.18.0.1 from 3 nodes to peers "tor-a", "tor-b"; 2001:db8::1 not: no endpoint is ready`},
		"an endpoint without a node": {web(), func(w *world) { w.serve("web", "") }, all},
		"traffic policy Local": {local(), func(w *world) { w.serve("web", "node-0001", "node-0003", "node-0003") },
			`True Announced: from 2 nodes to peers "tor-a", "tor-b"`},
		"traffic policy Local, one of two down": {local(), func(w *world) {
			w.serve("web", "node-0001", "node-0003")
			w.down("node-0003")
		}, `True Announced: from 1 of 2 nodes to peers "tor-a", "tor-b"; not established: "tor-a" on 1 of 2 nodes, "tor-b" on 1 of 2 nodes`},
		"traffic policy Local, one of three down": {local(), func(w *world) { w.down("node-0003") },
			`True Announced: from 2 of 3 nodes to peers "tor-a", "tor-b"; not established: "tor-a" on 1 of 3 nodes, "tor-b" on 1 of 3 nodes`},
		"traffic policy Local, at last no node has a network": {local(), func(w *world) {
			w.serve("web", "node-0001")
			w.SetNode("node-0001", true)
			w.pass(time.Minute)
			w.SetNode("node-0002", true)
			w.SetNode("node-0003", true)
		}, "False NoNodes: all 3 nodes selected are without network: condition NetworkUnavailable is True"},
		"traffic policy Local, endpoints elsewhere": {local(), func(w *world) {
			w.advertise(builder.MakeAdvertisement("adv").NodesWithLabel("rack", "1"))
			w.nodes[0].Labels = map[string]string{"rack": "1"}
			w.serve("web", "node-0002")
			w.configure()
		}, "False NoEndpoints: externalTrafficPolicy is Local and no endpoint is ready on a node that could announce"},
		"traffic policy Local, no endpoint": {local(), func(w *world) { w.serve("web") }, "False NoEndpoints: no endpoint is ready"},
		"an address of nobody": {builder.MakeService("web").Holds("", "203.0.113.1"), func(*world) {},
			"False NoPool: the address is in no IPAddressPool"},
		"no advertisement of the pool": {web(), func(w *world) {
			w.advertise(builder.MakeAdvertisement("adv", "six"))
			w.configure()
		}, `False NoAdvertisement: no BGPAdvertisement selects IPAddressPool "a"`},
		"no advertisement of the service": {web(), func(w *world) {
			w.advertise(builder.MakeAdvertisement("adv").ServicesWithLabel("app", "other"))
			w.configure()
		}, `False NoAdvertisement: no BGPAdvertisement that selects IPAddressPool "a" selects the service`},
		"no node of the advertisements": {web(), func(w *world) {
			w.advertise(builder.MakeAdvertisement("one").NodesWithLabel("rack", "1"), builder.MakeAdvertisement("two").NodesWithLabel("rack", "2"))
			w.configure()
		}, `False NoNodes: no node matches nodeSelectors of BGPAdvertisements "one", "two"`},
		"no nodes": {web(), func(w *world) {
			w.nodes = nil
			w.configure()
		}, "False NoNodes: there are no nodes"},
		"no node has a network": {web(), func(w *world) {
			for _, n := range w.nodes {
				w.SetNode(n.Name, true)
			}
		}, "False NoNodes: all 3 nodes selected are without network: condition NetworkUnavailable is True"},
		"a node has no network": {web(), func(w *world) { w.SetNode("node-0001", true) }, `True Announced: from 2 nodes to peers "tor-a", "tor-b"`},
		"a node has its network back": {web(), func(w *world) {
			w.SetNode("node-0001", true)
			w.pass(time.Minute)
			w.SetNode("node-0001", false)
		}, all},
		"no peer of the family": {web(), func(w *world) {
			w.peer(builder.MakePeer("tor-6", "2001:db8:1::1"))
			w.configure()
		}, `False NoPeers: no BGPPeer with an IPv4 address connects nodes for BGPAdvertisement "adv"`},
		"a node of no peer": {web(), func(w *world) {
			w.peer(builder.MakePeer("tor-a", "192.0.2.1").NodesWithLabel("rack", "1"))
			w.nodes[0].Labels = map[string]string{"rack": "1"}
			w.configure()
		}, `True Announced: from 1 node to peer "tor-a"`},
		"by two advertisements": {web(), func(w *world) {
			w.advertise(builder.MakeAdvertisement("one").NodesWithLabel("rack", "1").Peers("tor-a"),
				builder.MakeAdvertisement("two").NodesWithLabel("rack", "2").Peers("tor-b"))
			w.nodes[0].Labels, w.nodes[1].Labels = map[string]string{"rack": "1"}, map[string]string{"rack": "2"}
			w.configure()
		}, `True Announced: from 2 nodes to peers "tor-a", "tor-b"`},
		"more peers than are named": {web(), func(w *world) {
			peers := make([]*builder.Peer, 0, 8)
			for i := range 8 {
				peers = append(peers, builder.MakePeer(fmt.Sprintf("p%d", i), fmt.Sprintf("192.0.2.%d", i+1)))
			}
			w.peer(peers...)
			w.configure()
			for _, n := range w.nodes {
				w.up(n.Name)
			}
			w.report("node-0001", "p0", v1beta1.SessionIdle, "")
		}, `True Announced: from 3 nodes to peers "p0", "p1", "p2", "p3", "p4" and 3 more; not established: "p0" on 1 of 3 nodes`},
		"no address any more": {web(), func(w *world) {
			svc := w.services[types.NamespacedName{Namespace: "default", Name: "web"}].DeepCopy()
			svc.Status.LoadBalancer.Ingress = nil
			w.set(svc)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustSay(t, tc.service, tc.but, tc.want)
		})
	}
}

// mustSay checks the condition of a service when something differs from three nodes that have all their sessions and serve.
func mustSay(t *testing.T, service *builder.Service, but func(*world), want string) {
	t.Helper()
	w := newWorld(t)
	w.node(3)
	w.set(service.Obj())
	w.serve("web", "node-0001", "node-0002", "node-0003")
	for _, n := range w.nodes {
		w.up(n.Name)
	}
	w.start()
	w.pass(time.Minute) // All is well, and told.
	but(w)
	w.pass(time.Minute)
	if diff := cmp.Diff(want, w.reported("web")); diff != "" {
		t.Errorf("condition (-want +got):\n%s", diff)
	}
}

func TestASessionOfWhichTwoObjectsTellIsAsTheLastOneSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node(1)
	w.up("node-0001")
	w.set(builder.MakeService("web").Holds("a", "198.18.0.1").Obj())
	w.serve("web", "node-0001")
	w.start()
	idle := &v1beta1.BGPSessionStateStatus{Node: "node-0001", Peer: "tor-b", State: v1beta1.SessionIdle}
	w.SetSession("leftover", idle)
	w.report("node-0001", "tor-b", v1beta1.SessionEstablished, "")
	w.SetSession("leftover", nil)
	w.pass(time.Minute)
	if want := `True Announced: from 1 node to peers "tor-a", "tor-b"`; w.reported("web") != want {
		t.Errorf("with one left it says %s", w.reported("web"))
	}
	w.SetSession("leftover", idle)
	w.SetSession("leftover", nil)
	w.SetSession("node-0001-tor-b", nil)
	w.pass(time.Minute)
	if want := `True Announced: from 1 node to peer "tor-a"; not established: "tor-b" on 1 of 1 node`; w.reported("web") != want {
		t.Errorf("with none left it says %s", w.reported("web"))
	}
}

func TestTheMessageIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node(1)
	w.set(builder.MakeService("web").Holds("a", "198.18.0.1").Obj())
	w.serve("web", "node-0001")
	w.report("node-0001", "tor-a", v1beta1.SessionIdle, strings.Repeat("long ", 1000))
	w.start()
	w.pass(time.Minute)
	if got := len(w.reported("web")); got > message.MaxLength+len("False SessionsNotEstablished: ") || got < 1000 {
		t.Errorf("it has %d bytes", got)
	}
}

func TestNothingIsSaidBeforeAllIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node(1)
	w.set(builder.MakeService("web").Holds("a", "198.18.0.1").Obj())
	w.pass(time.Minute)
	w.Complete()
	w.pass(time.Minute)
	if got := w.reported("web"); got != "" {
		t.Errorf("said without a configuration: %s", got)
	}
	w = newWorld(t)
	w.set(builder.MakeService("web").Holds("a", "198.18.0.1").Obj())
	w.configure()
	w.pass(time.Minute)
	if got := w.reported("web"); got != "" {
		t.Errorf("said without knowing endpoints: %s", got)
	}
}

func TestAnEndpointSliceIsStrippedToWhereItServes(t *testing.T) {
	t.Parallel()
	no, node, other := false, "node-1", "node-2"
	slice := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv6, Ports: []discoveryv1.EndpointPort{{Name: new("http"), Port: new(int32(8080))}, {Name: new("metrics"), Port: new(int32(9090))}}}
	slice.Namespace, slice.Name, slice.Annotations = "default", "web-1", map[string]string{"large": "value"}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: "web", "app": "web"}
	slice.Endpoints = []discoveryv1.Endpoint{
		{Addresses: []string{"10.0.0.1"}, NodeName: &node}, {Addresses: []string{"10.0.0.2"}, NodeName: &node},
		{Addresses: []string{"10.0.0.3"}}, {Addresses: []string{"10.0.0.4"}, NodeName: &other, Conditions: discoveryv1.EndpointConditions{Ready: &no}},
	}
	want := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv6, Ports: []discoveryv1.EndpointPort{{Port: new(int32(1))}}}
	want.Namespace, want.Name, want.Labels = "default", "web-1", map[string]string{discoveryv1.LabelServiceName: "web"}
	want.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{""}, NodeName: &node}, {Addresses: []string{""}}}
	var got any = slice
	for _, times := range []string{"once", "twice"} {
		var err error
		if got, err = announcement.EndpointSlices().Transform(got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stripped %s (-want +got):\n%s", times, diff)
		}
	}
}
