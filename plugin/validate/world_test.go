// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/test/builder"
)

// tutorial returns a cluster with one pool, a peer, an advertisement, two nodes, and services that have addresses.
func tutorial() World {
	c := &cluster.Cluster{
		Written: config.Objects{
			Pools:          []v1beta1.IPAddressPool{*builder.MakePool("space", "198.51.100.0/24").Obj(), *builder.MakePool("other", "203.0.113.0/24").Obj()},
			Peers:          []v1beta2.BGPPeer{*builder.MakePeer("router", "10.0.0.1").Obj()},
			Advertisements: []v1beta1.BGPAdvertisement{*builder.MakeAdvertisement("all", "space", "other").Communities("far").Obj()},
			Communities:    []v1beta1.Community{*builder.MakeCommunity("names").Alias("far", "64500:1").Obj()},
		},
		Nodes:      make([]corev1.Node, 2),
		Namespaces: map[string]labels.Set{"default": {"tier": "gold"}},
		Services: []corev1.Service{
			*builder.MakeService("nginx").Holds("space", "198.51.100.0").Obj(),
			*builder.MakeService("web").Label("app", "web").Holds("space", "198.51.100.200").Obj(),
			*builder.MakeService("elsewhere").Class("example.com/lb").Holds("space", "198.51.100.255").Obj(),
		},
	}
	c.Nodes[0].Name, c.Nodes[1].Name = "node1", "node2"
	c.Nodes[0].Labels = map[string]string{"rack": "a"}
	c.Nodes[0].Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "192.0.2.1"}}
	return Beside(c, "")
}

func TestFilesAreCheckedAgainstACluster(t *testing.T) {
	t.Parallel()
	const sentence = "new config not compatible with assigned IPs: "
	list := func(objects ...config.Object) []config.Object { return objects }
	const until = `the webhook refuses it until objects that come later in the files are applied: `
	const lostWeb = `spec.addresses: Forbidden: ` + sentence + `service "default/web" cannot own "198.51.100.200" under new config`
	const unannounced = `-:1: warning: IPAddressPool metallb-system/new: IPAddressPool "new" is selected by no BGPAdvertisement, so its addresses are not announced; create one that selects it`
	all := func() *builder.Advertisement {
		return builder.MakeAdvertisement("all", "space", "other").Communities("far")
	}
	tests := map[string]struct {
		objects []config.Object
		want    []string
	}{
		"what is there already": {objects: list(
			builder.MakePool("space", "198.51.100.0/24").Obj(), builder.MakePeer("router", "10.0.0.1").Obj(),
			all().Obj(), builder.MakeCommunity("names").Alias("far", "64500:1").Obj(),
		)},
		"another range": {objects: list(builder.MakePool("space", "198.51.100.0/24", "192.0.2.128/25").Obj())},
		"a pool without addresses that are in use": {
			objects: list(builder.MakePool("space", "198.51.100.0/24").AvoidBuggyIPs().Obj()),
			want:    []string{`-:1: IPAddressPool metallb-system/space: spec.avoidBuggyIPs: Forbidden: ` + sentence + `service "default/nginx" cannot own "198.51.100.0" under new config`},
		},
		"the same, as its operator means it": {
			objects: list(builder.MakePool("space", "198.51.100.0/25").AvoidBuggyIPs().AllowDisruption().Obj()),
			want: []string{
				`-:1: warning: IPAddressPool metallb-system/space: service "default/nginx" cannot own "198.51.100.0" under new config`,
				`-:1: warning: IPAddressPool metallb-system/space: service "default/web" cannot own "198.51.100.200" under new config`,
			},
		},
		"a pool for services of another namespace": {
			objects: list(builder.MakePool("space", "198.51.100.0/24").NamespacesWithLabel("tier", "silver").Obj()),
			want: []string{`-:1: IPAddressPool metallb-system/space: spec.serviceAllocation: Forbidden: ` + sentence +
				`service "default/nginx" cannot own "198.51.100.0" under new config, service "default/web" cannot own "198.51.100.200" under new config`},
		},
		"a pool for services of this namespace": {objects: list(builder.MakePool("space", "198.51.100.0/24").NamespacesWithLabel("tier", "gold").Obj())},
		"a range that moves to a pool that comes later": {
			objects: list(
				builder.MakeAdvertisement("half", "half").Obj(), builder.MakePool("space", "198.51.100.0/25").Obj(), builder.MakePool("half", "198.51.100.128/25").Obj(),
			),
			want: []string{`-:3: warning: IPAddressPool metallb-system/space: ` + until + lostWeb},
		},
		"a range that moves to a pool that comes before": {
			objects: list(
				builder.MakeAdvertisement("half", "half").Obj(), builder.MakePool("half", "198.51.100.128/25").Obj(), builder.MakePool("space", "198.51.100.0/25").Obj(),
			),
			want: []string{`-:3: warning: IPAddressPool metallb-system/half: ` + until + `spec.addresses[0]: Invalid value: "198.51.100.128/25": ` +
				`CIDR "198.51.100.128/25" in pool "half" overlaps with already defined CIDR "198.51.100.0/24" in pool "space"; list each address in one pool only`},
		},
		"a range that moves to a pool that nothing announces": {
			objects: list(builder.MakePool("space", "198.51.100.0/25").Obj(), builder.MakePool("half", "198.51.100.128/25").Obj()),
			want: []string{
				`-:1: warning: IPAddressPool metallb-system/space: ` + until + lostWeb,
				`-:3: IPAddressPool metallb-system/half: spec.addresses: Forbidden: ` + sentence + `service "default/web" would not be announced at "198.51.100.200" under new config`,
				`-:3: warning: IPAddressPool metallb-system/half: IPAddressPool "half" is selected by no BGPAdvertisement, so its addresses are not announced; create one that selects it`,
			},
		},
		"each loss at its object": {
			objects: list(
				all().ServicesWithLabel("app", "web").Obj(), builder.MakePool("other", "203.0.113.0/25").Obj(), builder.MakePool("space", "198.51.100.0/25").Obj(),
			),
			want: []string{
				`-:1: BGPAdvertisement metallb-system/all: spec.serviceSelectors: Forbidden: ` + sentence + `service "default/nginx" would not be announced at "198.51.100.0" under new config`,
				`-:5: IPAddressPool metallb-system/space: spec.addresses: Forbidden: ` + sentence + `service "default/web" cannot own "198.51.100.200" under new config`,
			},
		},
		"a route that another advertisement gives": {objects: list(
			builder.MakeAdvertisement("new", "space").ServicesWithLabel("app", "db").Obj(), builder.MakeAdvertisement("rest", "space").Obj(), all().ServicesWithLabel("app", "web").Obj(),
		)},
		"an alias that an advertisement uses": {
			objects: list(builder.MakeCommunity("names").Alias("near", "64500:1").Obj()),
			want: []string{
				`-:1: Community metallb-system/names: spec.communities: Forbidden: ` + sentence +
					`service "default/nginx" would not be announced at "198.51.100.0" under new config, service "default/web" would not be announced at "198.51.100.200" under new config`,
				`-:1: warning: Community metallb-system/names: BGPAdvertisement "all" uses alias "far" in spec.communities, which no Community defines any more; the advertisement is not in use until one does`,
			},
		},
		"an alias that nothing uses any more": {
			objects: list(builder.MakeAdvertisement("all", "space", "other").Obj(), builder.MakeCommunity("names").Alias("near", "64500:1").Obj()),
		},
		"what contradicts an object of the cluster": {
			objects: list(builder.MakePool("new", "203.0.113.7/32").Obj(), builder.MakePeer("router2", "10.0.0.1").Obj()),
			want: []string{
				`-:1: IPAddressPool metallb-system/new: spec.addresses[0]: Invalid value: "203.0.113.7/32": CIDR "203.0.113.7/32" in pool "new" overlaps with already defined CIDR "203.0.113.0/24" in pool "other"; list each address in one pool only`,
				unannounced,
				`-:3: BGPPeer metallb-system/router2: spec.peerAddress: Invalid value: "10.0.0.1": peer 10.0.0.1 already exists: BGPPeer "router" connects to it from the same nodes; remove one or make their nodeSelectors disjoint`,
			},
		},
		"what contradicts an object of the cluster that changes too": {
			objects: list(builder.MakePool("new", "203.0.113.7/32").Obj(), builder.MakePool("other", "203.0.113.8/29").Obj()),
			want: []string{unannounced, `-:1: warning: IPAddressPool metallb-system/new: ` + until + `spec.addresses[0]: Invalid value: "203.0.113.7/32": ` +
				`CIDR "203.0.113.7/32" in pool "new" overlaps with already defined CIDR "203.0.113.0/24" in pool "other"; list each address in one pool only`},
		},
		"what names an object of the cluster": {objects: list(builder.MakeAdvertisement("new", "other").Peers("router").Communities("far").LocalPref(0).Aggregation(32).Obj())},
		"what the nodes are in the way of": {
			objects: list(builder.MakePool("new", "192.0.2.0/24").Obj(), builder.MakePeer("far", "10.0.0.2").NodesWithLabel("rack", "b").Obj(), builder.MakePeer("near", "10.0.0.3").NodesWithLabel("rack", "a").Obj()),
			want: []string{
				unannounced,
				`-:1: warning: IPAddressPool metallb-system/new: IPAddressPool "new" contains 192.0.2.1 in spec.addresses, which is an address of node "node1"; remove it, otherwise a service can take it over from the node`,
				`-:3: warning: BGPPeer metallb-system/far: BGPPeer "far" selects no node: none matches spec.nodeSelectors`,
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings, err := check("metallb-system", parseDocuments("-", manifest(t, tc.objects)), tutorial())
			if err != nil {
				t.Fatal(err)
			}
			got := make([]string, 0, len(findings))
			for _, f := range findings {
				got = append(got, f.String())
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// manifest returns the objects as a file, each on a line of its own, with the odd numbers.
func manifest(t *testing.T, objects []config.Object) []byte {
	t.Helper()
	documents := make([]string, 0, len(objects))
	for _, o := range objects {
		apiVersion, kind := "metallb.io/v1beta1", strings.TrimPrefix(fmt.Sprintf("%T", o), "*v1beta1.")
		if _, isPeer := o.(*v1beta2.BGPPeer); isPeer {
			apiVersion, kind = "metallb.io/v1beta2", "BGPPeer"
		}
		text, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		line, err := yaml.YAMLToJSON(append(text, fmt.Sprintf("apiVersion: %s\nkind: %s\n", apiVersion, kind)...))
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, string(line))
	}
	return []byte(written(documents...))
}

func FuzzValidate(f *testing.F) {
	for _, seed := range []string{
		pool, advertisement, peer, community, written(pool, pool, advertisement, peer, community), "kind: List\nitems:\n- " + peer + "\n- *x\n",
		"a: &a [*a]\n---\n{}{\"a\":\t1}\n...\n--- x\n", replaced(peer, "spec: {", "spec: {holdTime: 90, nodeSelectors: [{matchExpressions: [{key: a, operator: In, values: []}]}], "),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		got := validated(input, "-")
		if got.err != nil {
			t.Fatal(got.err)
		}
		for line := range strings.Lines(got.findings) {
			if !strings.HasPrefix(line, "-:") || !strings.HasSuffix(line, "\n") {
				t.Errorf("a finding in several lines: %q", line)
			}
		}
		if !got.ok && got.findings == "" {
			t.Error("something is found in silence")
		}
	})
}
