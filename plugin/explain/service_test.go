// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/cluster/clustertest"
	"metallb.io/metallb/plugin/explain"
	"metallb.io/metallb/plugin/terminal"
	"metallb.io/metallb/test/builder"
)

// served returns the Service with the conditions that the controller writes to one that holds an address and is announced or not.
func served(s *builder.Service, announced metav1.ConditionStatus, reason, message string) *corev1.Service {
	svc := s.Obj()
	svc.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	svc.Status.Conditions = []metav1.Condition{
		{Type: v1beta1.ConditionAllocated, Status: metav1.ConditionTrue, Reason: v1beta1.ReasonIPAllocated},
		{Type: v1beta1.ConditionAnnounced, Status: announced, Reason: reason, Message: message},
	}
	return svc
}

func established(node, peer string) *v1beta1.BGPSessionState {
	s := &v1beta1.BGPSessionState{ObjectMeta: metav1.ObjectMeta{Namespace: "metallb-system", Name: node + "-" + peer}}
	s.Status = v1beta1.BGPSessionStateStatus{Node: node, Peer: peer, Address: "192.0.2.254", State: v1beta1.SessionEstablished, Families: []corev1.IPFamily{corev1.IPv4Protocol}}
	return s
}

// network is what there is besides Services: two nodes with sessions, and a pool that is announced.
func network(more ...client.Object) []client.Object {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	return append([]client.Object{
		namespace, builder.MakeNode("node-1", "10.0.0.1").Obj(), builder.MakeNode("node-2", "10.0.0.2").Obj(), builder.MakePool("pool", "198.51.100.0/24").Obj(),
		builder.MakePeer("tor", "192.0.2.254").Obj(), builder.MakeAdvertisement("adv", "pool").Communities("64512:7").Obj(), established("node-1", "tor"), established("node-2", "tor"),
	}, more...)
}

// told returns what is told, one line for each link.
func told(c explain.Chain) []string {
	all := make([]string, 0, len(c.Links))
	for _, l := range c.Links {
		line := string(l.Mark) + " " + l.Subject + ": " + l.Text
		for _, r := range l.Remedies {
			line += " → " + r.Text + ": " + r.Command
		}
		all = append(all, line)
	}
	return all
}

func explained(t *testing.T, objects ...client.Object) explain.Chain {
	t.Helper()
	c := clustertest.Of(t, objects...)
	svc, found := c.Service(types.NamespacedName{Namespace: "default", Name: "web"})
	if !found {
		svc = objects[len(objects)-1].(*corev1.Service)
	}
	return explain.Service(c, svc)
}

func TestAServiceThatIsAnnouncedIsFollowedFromItsRequestToTheRouters(t *testing.T) {
	t.Parallel()
	web := builder.MakeService("web").Holds("pool", "198.51.100.7")
	got := explained(t, network(
		builder.MakePool("reserved", "203.0.113.0/24").NoAutoAssign().Obj(), builder.MakePool("gold", "192.0.2.0/28").ServicesWithLabel("tier", "gold").Obj(),
		builder.MakeAdvertisement("gold", "gold").Obj(), builder.MakeEndpoints(web, discoveryv1.AddressTypeIPv4).Ready("node-1").Terminating("node-2").NotReady("node-2").Obj(),
		served(web, metav1.ConditionTrue, v1beta1.ReasonAnnounced, `from 2 nodes to peer "tor"`))...)
	want := []string{
		`good service: of type LoadBalancer, externalTrafficPolicy Cluster; requests IPv4`,
		`none pool gold: serviceAllocation does not admit the Service: the Service's labels do not match serviceSelectors tier=gold`,
		`none pool reserved: only for Services that name it: autoAssign is false`,
		`good address: 198.51.100.7 of pool "pool"`,
		`good advertisement: BGPAdvertisement "adv" selects pool "pool" and the Service`,
		`none advertisement: "gold" does not announce it: ipAddressPools has gold and not "pool"`,
		`good nodes: 2 of 2 nodes can announce`,
		`good endpoints: 1 ready, 1 terminating and still serving, 1 not ready`,
		`good peer tor: session established on 2 of 2 nodes`,
		`none route 198.51.100.7/32: to tor from 2 nodes, localPref=100 communities=64512:7`,
		`good announced: from 2 nodes to peer "tor"`,
	}
	if diff := cmp.Diff(want, told(got)); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	if got.Broken() {
		t.Error("it is called broken")
	}
}

func TestWhatIsWrongIsNamedWithWhatMendsIt(t *testing.T) {
	t.Parallel()
	holding := func() *builder.Service { return builder.MakeService("web").Holds("pool", "198.51.100.7") }
	ready := builder.MakeEndpoints(holding(), discoveryv1.AddressTypeIPv4).Ready("node-1").Obj()
	clusterIP := builder.MakeService("web").Obj()
	clusterIP.Spec.Type = corev1.ServiceTypeClusterIP
	without := func(objects []client.Object, names ...string) []client.Object {
		kept := []client.Object{}
		for _, o := range objects {
			gone := false
			for _, name := range names {
				gone = gone || o.GetName() == name
			}
			if !gone {
				kept = append(kept, o)
			}
		}
		return kept
	}
	tests := map[string]struct {
		objects []client.Object
		// want are the links that are not good, or the beginning of each.
		want []string
	}{
		"a Service of another type": {network(clusterIP), []string{
			`bad service: spec.type is ClusterIP: only a Service of type LoadBalancer is given an address → make it one: kubectl patch service web -n default --type=merge -p '{"spec":{"type":"LoadBalancer"}}'`,
		}},
		"a Service of another class": {network(builder.MakeService("web").Class("example.com/other").Obj()), []string{
			`bad service: spec.loadBalancerClass is "example.com/other", and this load balancer serves Services without a class → the class of a Service cannot be changed: delete the Service and create it without spec.loadBalancerClass: `,
		}},
		"a deprecated annotation": {network(ready, served(holding().Annotation("metallb.universe.tf/address-pool", "pool"), metav1.ConditionTrue, v1beta1.ReasonAnnounced, "")), []string{
			`doubtful annotation: metallb.universe.tf/address-pool is deprecated → rename it: kubectl annotate service web -n default metallb.io/address-pool=pool metallb.universe.tf/address-pool- --overwrite`,
		}},
		"a deprecated annotation from a block of YAML": {network(ready, served(holding().Annotation("metallb.universe.tf/loadBalancerIPs", "198.51.100.7\n"), metav1.ConditionTrue, v1beta1.ReasonAnnounced, "")), []string{
			`doubtful annotation: metallb.universe.tf/loadBalancerIPs is deprecated → rename it: kubectl annotate service web -n default metallb.io/loadBalancerIPs=198.51.100.7 metallb.universe.tf/loadBalancerIPs- --overwrite`,
		}},
		"an advertisement for a node that is gone": {replaced(network(ready, served(holding(), metav1.ConditionFalse, v1beta1.ReasonNoNodes, "…")), []client.Object{builder.MakeAdvertisement("adv", "pool").NodesWithLabel("kubernetes.io/hostname", "node-0").Obj()}), []string{
			`bad nodes: nodeSelectors kubernetes.io/hostname=node-0 match no node → change them: kubectl edit bgpadvertisement adv -n metallb-system`, `bad announced: …`,
		}},
		"a pool for another namespace by its name": {replaced(network(unserved()), []client.Object{builder.MakePool("pool", "198.51.100.0/24").NamespacesWithLabel("kubernetes.io/metadata.name", "shop").Obj()}), []string{
			`bad allocation: no IPv4 address available: no auto-assigned pool selects the service → change its serviceAllocation: kubectl edit ipaddresspool pool -n metallb-system`, `none pool pool: `,
		}},
		"an address that its pool has lost": {network(ready, served(builder.MakeService("web").Holds("pool", "203.0.113.9"), metav1.ConditionTrue, v1beta1.ReasonAnnounced, "")), []string{
			`none pool pool: would serve the Service as well`,
			`doubtful address: 203.0.113.9 is in no pool any more; the Service keeps it → add it to the pool again: kubectl patch ipaddresspool pool -n metallb-system --type=json -p '[{"op":"add","path":"/spec/addresses/-","value":"203.0.113.9/32"}]' → `,
		}},
		"an address of a pool that is deleted": {network(builder.MakeAdvertisement("all").Obj(), ready, served(builder.MakeService("web").Holds("gone", "203.0.113.9"), metav1.ConditionTrue, v1beta1.ReasonAnnounced, "")), []string{
			`none pool pool: `, `doubtful address: 203.0.113.9 is of pool "gone", which is deleted; the Service keeps it → create the pool again`, `none advertisement: "adv" does not announce it`,
		}},
		"a pod without the port": {network(builder.MakeEndpoints(holding(), discoveryv1.AddressTypeIPv4).Ready("node-1").WithoutPort().Obj(), served(holding(), metav1.ConditionFalse, v1beta1.ReasonNoEndpoints, "no endpoint is ready")), []string{
			`bad endpoints: no endpoint is ready: 0 ready, 1 without the port that spec.ports[].targetPort of the Service names: their EndpointSlices have no ports → give the containers of the pods a port of that name, or set targetPort to a number`, `bad announced: no endpoint is ready`,
		}},
		"a pod that is not ready": {network(builder.MakeEndpoints(holding(), discoveryv1.AddressTypeIPv4).NotReady("node-1").Obj(), served(holding(), metav1.ConditionFalse, v1beta1.ReasonNoEndpoints, "no endpoint is ready")), []string{
			`bad endpoints: no endpoint is ready: 0 ready, 1 not ready → see why: kubectl describe pods -n default -l app=web`, `bad announced: no endpoint is ready`,
		}},
		"a node whose service proxy is not ready": {network(ready, withheld("node-1"), withheld("node-2"), served(holding(), metav1.ConditionFalse, v1beta1.ReasonSessionsNotEstablished, "…")), []string{
			`bad nodes: node-1, node-2: the service proxy does not forward IPv4 connections yet → on the node, ask the service proxy`, `bad announced: …`,
		}},
		"no node": {without(network(ready, served(holding(), metav1.ConditionFalse, v1beta1.ReasonNoNodes, "there are no nodes")), "node-1", "node-2"), []string{
			`bad nodes: there are no nodes`, `bad announced: there are no nodes`,
		}},
		"no peer at all": {without(network(ready, served(holding(), metav1.ConditionFalse, v1beta1.ReasonNoPeers, "…")), "tor"), []string{
			`bad peers: there is no BGPPeer → create a BGPPeer for each router`, `bad announced: …`,
		}},
		"one session of two": {without(network(ready, served(holding(), metav1.ConditionTrue, v1beta1.ReasonAnnounced, "")), "node-2-tor"), []string{
			`bad peer tor: session established on 1 of 2 nodes; node-2: no report from its speaker → see why: kubectl metallb explain peer tor`, `none route`,
		}},
		"a controller that has said nothing": {network(builder.MakeService("web").Families(corev1.IPFamilyPolicySingleStack, corev1.IPv4Protocol).Obj()), []string{
			`bad allocation: the controller has not looked at the Service yet → see what it does: kubectl logs -n metallb-system -l app=metallb,component=controller --tail=50`,
			`none pool pool: would serve the Service`,
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			chain := explained(t, tc.objects...)
			for i, line := range told(chain) {
				if chain.Links[i].Mark != terminal.Good && (len(tc.want) > len(got) || !strings.HasPrefix(line, "none route")) {
					got = append(got, line)
				}
			}
			if len(got) != len(tc.want) {
				t.Fatalf("told:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tc.want[i]) {
					t.Errorf("told:\n%s\nwant:\n%s", got[i], tc.want[i])
				}
			}
		})
	}
}

// unserved is a Service that wants an IPv4 address and holds none.
func unserved(change ...func(*builder.Service)) *corev1.Service {
	web := builder.MakeService("web").Families(corev1.IPFamilyPolicySingleStack, corev1.IPv4Protocol)
	for _, f := range change {
		f(web)
	}
	return web.Obj()
}

func TestACommandThatCreatesAnObjectReplacesNone(t *testing.T) {
	t.Parallel()
	full := func(name string) []client.Object {
		return []client.Object{builder.MakePool(name, "198.51.100.1/32").NoAutoAssign().Obj(), builder.MakeService("other").Holds(name, "198.51.100.1").Obj()}
	}
	asksFor := func(pool string) client.Object {
		return unserved(func(s *builder.Service) { s.Pool(pool) })
	}
	stray := served(builder.MakeService("web").Holds("", "203.0.113.9"), metav1.ConditionFalse, v1beta1.ReasonNoPool, "…")
	invalid := func(name string) client.Object {
		p := builder.MakePool(name, "nowhere").Obj()
		p.Status.Conditions = []metav1.Condition{{Type: v1beta1.ConditionValid, Status: metav1.ConditionFalse, Reason: v1beta1.ReasonInvalidConfig, Message: "…"}}
		return p
	}
	creates := func(kind, name string) string { return fmt.Sprintf(`"kind":%q,"metadata":{"name":%q,`, kind, name) }
	for name, tc := range map[string]struct {
		objects []client.Object
		want    string
	}{
		"no pool":                                       {[]client.Object{unserved()}, creates("IPAddressPool", "default")},
		"a pool of the usual name":                      {append(full("default"), unserved()), creates("IPAddressPool", "default-2")},
		"the pool that is requested":                    {[]client.Object{asksFor("gold")}, creates("IPAddressPool", "gold")},
		"one that is requested beside another":          {append(full("default"), asksFor("gold")), creates("IPAddressPool", "gold")},
		"one that is requested and invalid":             {[]client.Object{invalid("a"), invalid("gold"), asksFor("gold")}, "kubectl edit ipaddresspool gold -n metallb-system"},
		"one that is requested, another one is invalid": {[]client.Object{invalid("a"), asksFor("gold")}, creates("IPAddressPool", "gold")},
		"an address of no pool":                         {[]client.Object{stray}, creates("IPAddressPool", "adopted")},
		"a second address of no pool": {
			[]client.Object{builder.MakePool("adopted", "203.0.113.8/32").Obj(), stray},
			`kubectl patch ipaddresspool adopted -n metallb-system --type=json -p '[{"op":"add","path":"/spec/addresses/-","value":"203.0.113.9-203.0.113.9"}]'`,
		},
		"advertisements of the usual names": {
			network(builder.MakeAdvertisement("gold", "pool").Obj(), builder.MakeAdvertisement("gold-all", "pool").Obj(), builder.MakePool("gold", "203.0.113.0/24").Obj(),
				served(builder.MakeService("web").Holds("gold", "203.0.113.9"), metav1.ConditionFalse, v1beta1.ReasonNoAdvertisement, "…")),
			creates("BGPAdvertisement", "gold-all-2"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var commands []string
			for _, l := range explained(t, tc.objects...).Links {
				for _, r := range l.Remedies {
					if strings.Contains(r.Command, tc.want) {
						return
					}
					commands = append(commands, r.Command)
				}
			}
			t.Errorf("commands:\n%s\nwant one with %s", strings.Join(commands, "\n"), tc.want)
		})
	}
}

func withheld(node string) *v1beta1.BGPSessionState {
	s := established(node, "other")
	s.Status.WithheldFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	return s
}

func TestAnAddressIsFollowedFromItsPoolToItsHolder(t *testing.T) {
	t.Parallel()
	web := builder.MakeService("web").SharingKey("k").Holds("pool", "198.51.100.7")
	c := clustertest.Of(t, network(
		builder.MakePool("careful", "192.0.2.0/28").AvoidBuggyIPs().Obj(), builder.MakeEndpoints(web, discoveryv1.AddressTypeIPv4).Ready("node-1").Obj(),
		served(web, metav1.ConditionTrue, v1beta1.ReasonAnnounced, ""), served(builder.MakeService("also").SharingKey("k").Ports(443).Holds("pool", "198.51.100.7"), metav1.ConditionTrue, v1beta1.ReasonAnnounced, ""),
		builder.MakeService("waits").Families(corev1.IPFamilyPolicySingleStack, corev1.IPv4Protocol).Addresses("198.51.100.7").Obj())...)
	for address, want := range map[string][]string{
		"198.51.100.7": {
			`good pool: 198.51.100.7 of pool "pool"`, `good holder: Service "default/also"`, `good holder: Service "default/web" shares it`,
			`doubtful waiting: 198.51.100.7 requested by "default/waits" → see why: kubectl metallb explain service waits -n default`,
			`good advertisement (default/also): BGPAdvertisement "adv" selects pool "pool" and the Service`, `good nodes (default/also): 2 of 2 nodes can announce`,
			`bad endpoints (default/also): no endpoint is ready: no pod that has an address of the family matches the selector app=also → look for the pods: kubectl get pods -n default -l app=also`,
			`good advertisement (default/web): BGPAdvertisement "adv" selects pool "pool" and the Service`, `good nodes (default/web): 2 of 2 nodes can announce`,
			`good endpoints (default/web): 1 ready`, `good peer tor (default/web): session established on 2 of 2 nodes`,
			`none route 198.51.100.7/32: to tor from 2 nodes, localPref=100 communities=64512:7`,
		},
		"198.51.100.8": {`good pool: 198.51.100.8 of pool "pool"`, `none holder: no Service holds it`},
		"192.0.2.0": {
			`doubtful pool: in range 192.0.2.0/28 of pool "careful", which avoids it since it ends in .0 or .255 (avoidBuggyIPs) → let the pool give such addresses: ` +
				`kubectl patch ipaddresspool careful -n metallb-system --type=merge -p '{"spec":{"avoidBuggyIPs":false}}'`, `none holder: no Service holds it`,
		},
		"198.51.101.1": {`doubtful pool: in no IPAddressPool that is in use; the nearest range is 198.51.100.0/24 of pool "pool"`, `none holder: no Service holds it`},
	} {
		if diff := cmp.Diff(want, told(explain.Address(c, netip.MustParseAddr(address)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", address, diff)
		}
	}
}
