// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/configuration"
	"metallb.io/metallb/internal/process"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/freeport"
)

// world is a cluster that answers as an API server does, a page at a time.
type world struct {
	client.Reader
	objects    config.Objects
	nodes      []corev1.Node
	namespaces []corev1.Namespace
	services   []corev1.Service
	// lists is how many have been asked for; the failing one, from 1, fails.
	lists, failing int
	err            error
}

func (w *world) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	if w.lists++; w.lists == w.failing {
		return w.err
	}
	var asked client.ListOptions
	asked.ApplyOptions(options)
	switch l := list.(type) {
	case *v1beta1.IPAddressPoolList:
		l.Items = w.objects.Pools
	case *v1beta1.BGPAdvertisementList:
		l.Items = w.objects.Advertisements
	case *v1beta1.CommunityList:
		l.Items = w.objects.Communities
	case *v1beta1.BFDProfileList:
		l.Items = w.objects.BFDProfiles
	case *v1beta2.BGPPeerList:
		l.Items = w.objects.Peers
	case *corev1.NodeList:
		l.Items = page(w.nodes, asked, l)
	case *corev1.NamespaceList:
		l.Items = page(w.namespaces, asked, l)
	case *corev1.ServiceList:
		l.Items = page(w.services, asked, l)
	}
	return nil
}

// page returns the part of the list that is asked for, and says in the list where the next begins.
func page[T any](all []T, asked client.ListOptions, list client.ObjectList) []T {
	start, _ := strconv.Atoi(asked.Continue)
	end := start + int(asked.Limit)
	if asked.Limit == 0 || end >= len(all) {
		return all[start:]
	}
	list.SetContinue(strconv.Itoa(end))
	return all[start:end]
}

// tutorial returns a cluster with one pool, a peer, an advertisement, two nodes, and services that have addresses.
func tutorial(t *testing.T) cluster {
	t.Helper()
	w := &world{
		objects: config.Objects{
			Pools:          []v1beta1.IPAddressPool{*builder.MakePool("space", "198.51.100.0/24").Obj(), *builder.MakePool("other", "203.0.113.0/24").Obj()},
			Peers:          []v1beta2.BGPPeer{*builder.MakePeer("router", "10.0.0.1").Obj()},
			Advertisements: []v1beta1.BGPAdvertisement{*builder.MakeAdvertisement("all", "space", "other").Communities("far").Obj()},
			Communities:    []v1beta1.Community{*builder.MakeCommunity("names").Alias("far", "64500:1").Obj()},
		},
		nodes:      make([]corev1.Node, 2),
		namespaces: make([]corev1.Namespace, 1),
		services: []corev1.Service{
			*builder.MakeService("nginx").Holds("space", "198.51.100.0").Obj(),
			*builder.MakeService("web").Label("app", "web").Holds("space", "198.51.100.200").Obj(),
			*builder.MakeService("elsewhere").Class("example.com/lb").Holds("space", "198.51.100.255").Obj(),
		},
	}
	w.nodes[0].Name, w.nodes[1].Name = "node1", "node2"
	w.nodes[0].Labels = map[string]string{"rack": "a"}
	w.nodes[0].Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "192.0.2.1"}}
	w.namespaces[0].Name, w.namespaces[0].Labels = "default", map[string]string{"tier": "gold"}
	at, err := readWith(t.Context(), w, "metallb-system", "")
	if err != nil {
		t.Fatal(err)
	}
	return at
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
			findings, err := check("metallb-system", parseDocuments("-", manifest(t, tc.objects)), tutorial(t))
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

func TestAClusterIsReadInPages(t *testing.T) {
	t.Parallel()
	w := &world{}
	for i := range 2*configuration.PageSize + 1 {
		w.services = append(w.services, *builder.MakeService(fmt.Sprint("s", i)).Holds("p", fmt.Sprintf("10.0.%d.%d", i/256, i%256)).Obj())
	}
	for _, class := range []string{"", "example.com/lb"} {
		w.lists = 0
		at, err := readWith(t.Context(), w, "metallb-system", class)
		if err != nil {
			t.Fatal(err)
		}
		held := 0
		for range at.state.Holdings.All() {
			held++
		}
		if want := map[string]int{"": len(w.services)}[class]; held != want {
			t.Errorf("class %q: got %d addresses, want %d", class, held, want)
		}
		// Five kinds of the configuration, nodes, namespaces, and three pages of services.
		if w.lists != 5+2+3 {
			t.Errorf("asked %d times", w.lists)
		}
	}
}

func TestAClusterThatCannotBeReadIsSaid(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		failing int
		err     error
		want    string
	}{
		"the configuration": {2, errors.New("forbidden"), "listing the configuration: forbidden"},
		"nodes":             {6, errors.New("forbidden"), "listing nodes: forbidden"},
		"namespaces":        {7, errors.New("forbidden"), "listing namespaces: forbidden"},
		"services":          {8, errors.New("forbidden"), "listing services: forbidden"},
		"no kinds":          {1, &meta.NoKindMatchError{}, "the CustomResourceDefinitions are not installed: listing the configuration: " + (&meta.NoKindMatchError{}).Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readWith(t.Context(), &world{failing: tc.failing, err: tc.err}, "metallb-system", "")
			if err == nil || err.Error() != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}

func TestAClusterThatCannotBeReachedIsSaidInOneLine(t *testing.T) {
	t.Parallel()
	address := freeport.Address(t)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	content := `{"clusters":[{"name":"c","cluster":{"server":"http://` + address + `"}}],"contexts":[{"name":"c","context":{"cluster":"c"}}],"current-context":"c"}`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ kubeconfig, want string }{
		"nobody is there":          {path, "KUBECONFIG=" + path + ": reading the cluster: "},
		"a file that is not there": {"/nowhere", "KUBECONFIG=/nowhere: no such file, or no cluster in it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewCommand(strings.NewReader(pool)).Run(t.Context(), process.Call{
				Args: []string{"-"}, Namespace: "metallb-system", Getenv: func(string) string { return tc.kubeconfig },
			})
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("error %v, want %s…", err, tc.want)
			}
		})
	}
}

func FuzzValidate(f *testing.F) {
	for _, seed := range []string{
		pool, advertisement, peer, community, written(pool, pool, advertisement, peer, community), "kind: List\nitems:\n- " + peer + "\n- *x\n",
		"a: &a [*a]\n---\n{}{\"a\":\t1}\n...\n--- x\n", replaced(peer, "spec: {", "spec: {holdTime: 90, nodeSelectors: [{matchExpressions: [{key: a, operator: In, values: []}]}], "),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		got := validated(t.Context(), input, "-")
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
