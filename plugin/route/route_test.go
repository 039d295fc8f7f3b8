// SPDX-License-Identifier: Apache-2.0

package route_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/plugin/cluster/clustertest"
	"metallb.io/metallb/plugin/route"
	"metallb.io/metallb/speaker/announce"
	"metallb.io/metallb/test/builder"
)

const (
	v4, v6 = corev1.IPv4Protocol, corev1.IPv6Protocol

	// asn is the local ASN of all peers.
	asn = 64512
)

// external makes the peer one of another autonomous system.
func external(p *builder.Peer) *v1beta2.BGPPeer {
	p.Spec.ASN = asn + 1
	return p.Obj()
}

// with returns the object after a change.
func with[T any](o T, change func(T)) T {
	change(o)
	return o
}

// web is a service with an address of each family, and an endpoint on node-1.
var web = builder.MakeService("web").Holds("pool", "198.51.100.7", "2001:db8:1::7")

// base is a node, a pool, an advertisement, and the service web with its endpoints.
func base(more ...client.Object) []client.Object {
	return append([]client.Object{
		builder.MakeNode("node-1", "10.0.0.1", "fd00::1").Label("rack", "a").Obj(),
		builder.MakePool("pool", "198.51.100.0/24", "2001:db8:1::/64").Obj(),
		web.Obj(),
		builder.MakeEndpoints(web, discoveryv1.AddressTypeIPv4).Ready("node-1").Obj(), builder.MakeEndpoints(web, discoveryv1.AddressTypeIPv6).Ready("node-1").Obj(),
	}, more...)
}

// lines are the routes in one line each.
func lines(t *route.Table) []string {
	all := []string{}
	for r := range t.All(route.Filter{}) {
		all = append(all, line(r))
	}
	return all
}

func line(r route.Route) string {
	told := "told"
	if !r.Told {
		told = fmt.Sprintf("%s: %s", r.Untold, r.Why())
	}
	hop := ""
	if r.NextHop != nil {
		hop = " via " + r.NextHop.String()
	}
	return fmt.Sprintf("%s→%s %s%s %s [%s] %s", r.Node, r.Peer, r.Prefix, hop, strings.Join(r.Services, "+"), r.Attributes, told)
}

func TestARouteHasTheAttributesThatItsPeerIsSent(t *testing.T) {
	t.Parallel()
	both := with(builder.MakePeer("rack", "192.0.2.1"), func(p *builder.Peer) { p.Spec.DualStackAddressFamily = true })
	up := builder.MakeSession("node-1", "rack").Established(v4, v6).Obj()
	v4only := external(builder.MakePeer("rack", "192.0.2.1"))
	everything := builder.MakeAdvertisement("everything").Obj()
	attributes := builder.MakeAdvertisement("special").LocalPref(200).ASPathPrepend(2).MED(50).Communities("65000:1", "large:1:2:3", "no-export").Obj()
	local := builder.MakeService("local").Holds("pool", "198.51.100.8").Local()
	localOn := func(change func(*builder.Endpoints)) []client.Object {
		e := builder.MakeEndpoints(local, discoveryv1.AddressTypeIPv4)
		change(e)
		return []client.Object{local.Obj(), e.Obj()}
	}
	weights := builder.MakeAdvertisement("weights").WeightByEndpoints().Obj()
	for name, tc := range map[string]struct {
		objects []client.Object
		want    []string
	}{
		"both families over one session": {
			objects: []client.Object{both.Obj(), everything, up},
			want: []string{
				"node-1→rack 198.51.100.7/32 default/web [localPref=100] told",
				"node-1→rack 2001:db8:1::7/128 default/web [localPref=100] told",
			},
		},
		"to an internal peer": {
			objects: []client.Object{builder.MakePeer("rack", "192.0.2.1").Obj(), attributes, up},
			want:    []string{"node-1→rack 198.51.100.7/32 default/web [localPref=200 med=50 communities=65000:1,65535:65281,large:1:2:3] told"},
		},
		"to an external peer": {
			objects: []client.Object{v4only, attributes, up},
			want:    []string{"node-1→rack 198.51.100.7/32 default/web [asPathPrepend=2 med=50 communities=65000:1,65535:65281,large:1:2:3] told"},
		},
		"with a source address": {
			objects: []client.Object{with(builder.MakePeer("rack", "192.0.2.1"), func(p *builder.Peer) { p.Spec.SrcAddress = "192.0.2.9" }).Obj(), everything, up},
			want:    []string{"node-1→rack 198.51.100.7/32 via 192.0.2.9 default/web [localPref=100] told"},
		},
		"weighted by endpoints": {
			objects: append(localOn(func(e *builder.Endpoints) { e.Ready("node-1", "node-1", "node-2") }), v4only, weights, up),
			want: []string{
				"node-1→rack 198.51.100.7/32 default/web [] told",
				"node-1→rack 198.51.100.8/32 default/local [weight=2 communities=bandwidth:64512:250000] told",
			},
		},
		"of a service whose endpoints on the node terminate": {
			objects: append(localOn(func(e *builder.Endpoints) { e.Terminating("node-1").Ready("node-2") }), v4only, everything, up),
			want: []string{
				"node-1→rack 198.51.100.7/32 default/web [] told",
				"node-1→rack 198.51.100.8/32 default/local [draining asPathPrepend=3 med=4294967294 communities=65535:0] told",
			},
		},
		"of a node that drains": {
			objects: []client.Object{
				builder.MakePeer("rack", "192.0.2.1").Obj(), everything,
				builder.MakeSession("node-1", "rack").Established(v4).Drain(metav1.ConditionFalse, v1beta1.ReasonDraining, "").Obj(),
			},
			want: []string{"node-1→rack 198.51.100.7/32 default/web [draining localPref=0 med=4294967294 communities=65535:0] told"},
		},
		"of services that share an address": {
			objects: []client.Object{
				v4only, up, builder.MakeAdvertisement("blue").ServicesWithLabel("color", "blue").LocalPref(300).Communities("65000:2").ASPathPrepend(1).Obj(),
				everything, builder.MakeService("blue").Label("color", "blue").Holds("pool", "198.51.100.7").Obj(),
				builder.MakeEndpoints(builder.MakeService("blue"), discoveryv1.AddressTypeIPv4).Ready("node-1").Obj(),
			},
			want: []string{"node-1→rack 198.51.100.7/32 default/blue+default/web [communities=65000:2] told"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := route.New(clustertest.Of(t, base(tc.objects...)...))
			if diff := cmp.Diff(tc.want, lines(table)); diff != "" {
				t.Errorf("routes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARouteSaysWhyItsPeerIsNotTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		session *builder.Session
		want    string
	}{
		"no report":                          {want: "NotReported: no report from its speaker"},
		"no session":                         {session: builder.MakeSession("node-1", "rack").Error("connection refused"), want: "NotEstablished: connection refused"},
		"no session, no word":                {session: builder.MakeSession("node-1", "rack"), want: "NotEstablished: session is Active"},
		"the other family":                   {session: builder.MakeSession("node-1", "rack").Established(v6), want: "FamilyNotCarried: the session does not carry IPv4"},
		"a family":                           {session: builder.MakeSession("node-1", "rack").Established(v4), want: "told"},
		"an earlier report without families": {session: builder.MakeSession("node-1", "rack").Established(), want: "told"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := base(builder.MakePeer("rack", "192.0.2.1").Obj(), builder.MakeAdvertisement("everything").Obj())
			if tc.session != nil {
				objects = append(objects, tc.session.Obj())
			}
			want := []string{"node-1→rack 198.51.100.7/32 default/web [localPref=100] " + tc.want}
			if diff := cmp.Diff(want, lines(route.New(clustertest.Of(t, objects...)))); diff != "" {
				t.Errorf("routes (-want +got):\n%s", diff)
			}
		})
	}
}

// refusals are those of the service web, as "node address reason".
func refusals(t *route.Table, service string) []string {
	refused := t.Refusals(types.NamespacedName{Namespace: "default", Name: service})
	all := make([]string, 0, len(refused))
	for _, r := range refused {
		address := "all"
		if r.Address.IsValid() {
			address = r.Address.String()
		}
		all = append(all, fmt.Sprintf("%s %s %s", r.Node, address, r.Reason))
	}
	return all
}

func TestWhatIsNotAnnouncedHasTheReasonOfTheSpeaker(t *testing.T) {
	t.Parallel()
	peer, everything := builder.MakePeer("rack", "192.0.2.1").Obj(), builder.MakeAdvertisement("everything").Obj()
	up := builder.MakeSession("node-1", "rack").Established(v4)
	node := func() *builder.Node { return builder.MakeNode("node-1", "10.0.0.1").Label("rack", "a") }
	const address = "198.51.100.7"
	for reason, tc := range map[announce.Reason]struct {
		node    *builder.Node
		service *builder.Service
		objects []client.Object
		none    bool
	}{
		announce.NoIPAllocated:          {service: builder.MakeService("web"), none: true},
		announce.InvalidIP:              {service: builder.MakeService("web").Holds("pool", "fe80::1%eth0"), none: true},
		announce.OtherLoadBalancerClass: {service: builder.MakeService("web").Class("other").Holds("pool", address), none: true},
		announce.IPNotAllowed: {service: with(builder.MakeService("web").Holds("", "192.0.2.200"), func(s *builder.Service) {
			delete(s.Annotations, v1beta1.AnnotationIPAllocatedFromPool)
		})},
		announce.NotOwner:                {objects: []client.Object{peer, up.Obj(), builder.MakeAdvertisement("elsewhere").NodesWithLabel("rack", "b").Obj()}},
		announce.NoMatchingAdvertisement: {objects: []client.Object{peer, up.Obj(), builder.MakeAdvertisement("blue").ServicesWithLabel("color", "blue").Obj()}},
		announce.NodeNetworkUnavailable:  {node: node().Condition(corev1.NodeNetworkUnavailable, corev1.ConditionTrue)},
		announce.NodeExcluded: {
			node:    node().Label(corev1.LabelNodeExcludeBalancers, ""),
			objects: []client.Object{peer, everything, builder.MakeSession("node-1", "rack").Withheld(v4, v6).Drain(metav1.ConditionTrue, v1beta1.ReasonDrained, "").Obj()},
		},
		announce.NodeDrained: {
			node:    node().Taint(corev1.TaintNodeOutOfService, corev1.TaintEffectNoExecute),
			objects: []client.Object{peer, everything, builder.MakeSession("node-1", "rack").Drain(metav1.ConditionTrue, v1beta1.ReasonDrained, "").Obj()},
		},
		announce.NodeProxyNotReady: {objects: []client.Object{peer, everything, builder.MakeSession("node-1", "rack").Established(v4).Withheld(v4).Obj()}},
		announce.NoLocalEndpoints: {
			service: builder.MakeService("web").Holds("pool", address).Local(),
			objects: []client.Object{peer, everything, up.Obj(), builder.MakeEndpoints(web, discoveryv1.AddressTypeIPv4).NotReady("node-1").Ready("node-2").Obj()},
		},
		announce.NoEndpoints: {objects: []client.Object{peer, everything, up.Obj(), builder.MakeEndpoints(web, discoveryv1.AddressTypeIPv4).NotReady("node-1").Obj()}},
		announce.NoPeer:      {objects: []client.Object{everything, builder.MakePeer("rack", "2001:db8::1").Obj()}},
	} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			if tc.node == nil {
				tc.node = node()
			}
			if tc.service == nil {
				tc.service = builder.MakeService("web").Holds("pool", address)
			}
			if tc.objects == nil {
				tc.objects = []client.Object{peer, everything, up.Obj()}
			}
			objects := append(slices.Clone(tc.objects), tc.node.Obj(), tc.service.Obj(), builder.MakePool("pool", "198.51.100.0/24").Obj())
			if !slices.ContainsFunc(objects, func(o client.Object) bool { _, is := o.(*discoveryv1.EndpointSlice); return is }) {
				objects = append(objects, builder.MakeEndpoints(web, discoveryv1.AddressTypeIPv4).Ready("node-1").Obj())
			}
			table := route.New(clustertest.Of(t, objects...))
			want := fmt.Sprintf("node-1 %s %s", address, reason)
			switch {
			case tc.none:
				want = fmt.Sprintf("node-1 all %s", reason)
			case reason == announce.IPNotAllowed:
				want = fmt.Sprintf("node-1 192.0.2.200 %s", reason)
			}
			if diff := cmp.Diff([]string{want}, refusals(table, "web")); diff != "" {
				t.Errorf("refusals (-want +got):\n%s", diff)
			}
			if routes := lines(table); len(routes) > 0 {
				t.Errorf("routes %q", routes)
			}
		})
	}
}

func TestWhatOnlyANodeKnowsIsTakenFromItsSessions(t *testing.T) {
	t.Parallel()
	onInterface := with(builder.MakePeer("fabric", ""), func(p *builder.Peer) { p.Spec.Interface = "eth1" }).Obj()
	gateway := with(builder.MakePeer("gateway", ""), func(p *builder.Peer) { p.Spec.DefaultGateway = v1beta2.IPv4Gateway }).Obj()
	objects := base(onInterface, gateway, builder.MakeAdvertisement("everything").Obj(), builder.MakeNode("node-2", "10.0.0.2").Obj(),
		builder.MakeSession("node-1", "fabric").Address("fe80::1%eth1").Established(v4, v6).Obj(),
		builder.MakeSession("node-1", "gateway").Address("10.0.0.254").Established(v4).Obj(),
	)
	table := route.New(clustertest.Of(t, objects...))
	want := []string{
		"node-1→fabric 198.51.100.7/32 default/web [localPref=100] told", "node-1→fabric 2001:db8:1::7/128 default/web [localPref=100] told",
		"node-1→gateway 198.51.100.7/32 default/web [localPref=100] told",
	}
	if diff := cmp.Diff(want, lines(table)); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	// The other node has not found a router.
	wantRefused := []string{"node-2 198.51.100.7 noPeer", "node-2 2001:db8:1::7 noPeer"}
	if diff := cmp.Diff(wantRefused, refusals(table, "web")); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
}

func TestNoSecretIsNeededToKnowThatAPeerHasOne(t *testing.T) {
	t.Parallel()
	secret := func(p *builder.Peer) { p.Spec.PasswordSecret.Name = p.Name }
	perNode := func(p *builder.Peer) { p.Spec.PerNode = &v1beta2.PerNode{PasswordSecret: "bgp-{label:rack}"} }
	table := route.New(clustertest.Of(t, base(builder.MakeAdvertisement("everything").Obj(),
		with(builder.MakePeer("one", "192.0.2.1"), secret).Obj(), with(builder.MakePeer("two", "192.0.2.2"), perNode).Obj())...))
	if refused := table.Node("node-1").Refused; len(refused) > 0 {
		t.Errorf("refused: %+v", refused)
	}
	if got := lines(table); len(got) != 2 {
		t.Errorf("routes %q", got)
	}
}

func TestRoutesAreThoseOfTheConfigurationInUse(t *testing.T) {
	t.Parallel()
	held, err := active.Make(builder.MakeAdvertisement("everything").MED(1).Obj())
	if err != nil {
		t.Fatal(err)
	}
	table := route.New(clustertest.Of(t, base(held, builder.MakeAdvertisement("everything").MED(2).Obj(), builder.MakePeer("rack", "192.0.2.1").Obj())...))
	want := []string{"node-1→rack 198.51.100.7/32 default/web [localPref=100 med=1] NotReported: no report from its speaker"}
	if diff := cmp.Diff(want, lines(table)); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}

func TestRoutesAreFilteredByNodePeerAndService(t *testing.T) {
	t.Parallel()
	other := builder.MakeService("other").In("shop").Holds("pool", "198.51.100.8")
	table := route.New(clustertest.Of(t, base(
		builder.MakeNode("node-2", "10.0.0.2").Obj(), builder.MakePeer("a", "192.0.2.1").Obj(), builder.MakePeer("b", "192.0.2.2").Obj(),
		builder.MakeAdvertisement("everything").Obj(), other.Obj(), builder.MakeEndpoints(other, discoveryv1.AddressTypeIPv4).Ready("node-2").Obj())...))
	for name, tc := range map[string]struct {
		filter route.Filter
		want   []string
	}{
		"all": {want: []string{
			"node-1 a 198.51.100.7/32", "node-1 a 198.51.100.8/32", "node-1 b 198.51.100.7/32", "node-1 b 198.51.100.8/32",
			"node-2 a 198.51.100.7/32", "node-2 a 198.51.100.8/32", "node-2 b 198.51.100.7/32", "node-2 b 198.51.100.8/32",
		}},
		"one service": {filter: route.Filter{Service: types.NamespacedName{Namespace: "shop", Name: "other"}}, want: []string{
			"node-1 a 198.51.100.8/32", "node-1 b 198.51.100.8/32", "node-2 a 198.51.100.8/32", "node-2 b 198.51.100.8/32",
		}},
		"one of each": {
			filter: route.Filter{Node: "node-2", Peer: "b", Service: types.NamespacedName{Namespace: "default", Name: "web"}},
			want:   []string{"node-2 b 198.51.100.7/32"},
		},
		"a node and a peer":            {filter: route.Filter{Node: "node-1", Peer: "a"}, want: []string{"node-1 a 198.51.100.7/32", "node-1 a 198.51.100.8/32"}},
		"a service that is not there":  {filter: route.Filter{Service: types.NamespacedName{Namespace: "default", Name: "none"}}, want: []string{}},
		"a node that is not there":     {filter: route.Filter{Node: "none"}, want: []string{}},
		"a peer that is not there too": {filter: route.Filter{Peer: "none"}, want: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := []string{}
			for r := range table.All(tc.filter) {
				got = append(got, fmt.Sprintf("%s %s %s", r.Node, r.Peer, r.Prefix))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("routes (-want +got):\n%s", diff)
			}
		})
	}
}

// The endpoints of one service terminate, and its route does not drain: the other one relies on it.
func TestRoutesOfAServiceAreThoseThatOthersHaveAPartIn(t *testing.T) {
	t.Parallel()
	other := builder.MakeService("other").Holds("pool", "198.51.100.200").Local()
	table := route.New(clustertest.Of(t, base(
		builder.MakePeer("rack", "192.0.2.1").Obj(), builder.MakeAdvertisement("everything").Aggregation(24).Obj(), other.Obj(),
		builder.MakeEndpoints(other, discoveryv1.AddressTypeIPv4).Terminating("node-1").Ready("node-2").Obj())...))
	want := []string{"node-1→rack 198.51.100.0/24 default/other+default/web [localPref=100] NotReported: no report from its speaker"}
	routes := table.Of(types.NamespacedName{Namespace: "default", Name: "other"})
	got := make([]string, 0, len(routes))
	for _, r := range routes {
		got = append(got, line(r))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}
