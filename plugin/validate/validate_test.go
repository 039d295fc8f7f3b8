// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// result is what comes out.
type result struct {
	ok       bool
	findings string
	err      error
}

// validated checks files and standard input, without a cluster.
func validated(stdin string, files ...string) result {
	findings, err := Files(files, strings.NewReader(stdin), "metallb-system", World{})
	r := result{ok: err == nil, err: err}
	for _, f := range findings {
		r.ok = r.ok && f.Warning
		r.findings += f.String() + "\n"
	}
	return r
}

// example is a document of each kind to which there is no objection, together or alone, but for what an advertisement names.
const (
	pool          = "{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: a, namespace: metallb-system}, spec: {addresses: [198.51.100.0/24]}}"
	advertisement = "{apiVersion: metallb.io/v1beta1, kind: BGPAdvertisement, metadata: {name: a, namespace: metallb-system}}"
	peer          = "{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {name: a, namespace: metallb-system}, spec: {myASN: 64500, peerASN: 64501, peerAddress: 10.0.0.1}}"
	profile       = "{apiVersion: metallb.io/v1beta1, kind: BFDProfile, metadata: {name: a, namespace: metallb-system}, spec: {detectMultiplier: 3}}"
	community     = "{apiVersion: metallb.io/v1beta1, kind: Community, metadata: {name: a, namespace: metallb-system}, spec: {communities: [{name: far, value: \"64500:1\"}]}}"
)

// replaced returns the document with parts in other words.
func replaced(document string, oldNew ...string) string {
	return strings.NewReplacer(oldNew...).Replace(document)
}

// written returns a file of the documents, each on a line of its own, with the odd numbers.
func written(documents ...string) string { return strings.Join(documents, "\n---\n") + "\n" }

func TestFindings(t *testing.T) {
	t.Parallel()
	const (
		noNamespace = "metadata.namespace: not set, so the object is applied to the current namespace; set it to metallb-system"
		subdomain   = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an ` +
			`alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`
	)
	tests := map[string]struct {
		input string
		want  []string
		// wantOK: only warnings are wanted.
		wantOK bool
	}{
		"nothing":                {input: "", wantOK: true},
		"comments":               {input: "# Nothing.\n---\n# Here neither.\n---\n", wantOK: true},
		"a whole configuration":  {input: written(pool, advertisement, replaced(peer, "spec: {", "spec: {bfdProfile: a, "), community, profile), wantOK: true},
		"other kinds":            {input: written("{apiVersion: v1, kind: Service, spec: {type: 5}}", "{apiVersion: apps/v1, kind: List}"), wantOK: true},
		"an object without kind": {input: "spec: {}\n", want: []string{"-:1: is not a Kubernetes object: apiVersion or kind is missing"}},
		"a kind that is no text": {input: "{apiVersion: v1, kind: [List]}\n", want: []string{"-:1: is not a Kubernetes object: apiVersion or kind is missing"}},
		"a group that is none":   {input: "{apiVersion: a/b/c, kind: List}\n", want: []string{"-:1: is not a Kubernetes object: apiVersion or kind is missing"}},
		"a list that is no list": {input: "[a]\n", want: []string{"-:1: is not a Kubernetes object; write apiVersion, kind, metadata and spec"}},
		"a word":                 {input: "\n\nword\n", want: []string{"-:3: is not a Kubernetes object; write apiVersion, kind, metadata and spec"}},
		"no YAML":                {input: written(pool, "a: b: c", advertisement), want: []string{"-:3: invalid YAML: mapping values are not allowed in this context"}},
		"an anchor that is none": {input: "spec: {password: *hunter2}\n", want: []string{"-:1: invalid YAML: unknown anchor … referenced"}},
		"a number that is none":  {input: "password: !!int hunter2\n", want: []string{"-:1: invalid YAML: cannot decode !!str … as a !!int"}},
		"a key that is there twice": {
			input: written(advertisement, "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: b, namespace: metallb-system}\nspec:\n  addresses: [10.0.0.0/24]\n  addresses: [10.0.0.0/25]"),
			want:  []string{`-:8: invalid YAML: key "addresses" already set in map`},
		},

		"a field that does not exist": {
			input: written(advertisement, replaced(pool, "spec: {", "spec: {protocol: bgp, serviceAllocation: {serviceSelectors: [{labels: {}}]}, "), replaced(peer, "metadata: {", "metadata: {host: a, ")),
			want: []string{
				"-:3: IPAddressPool metallb-system/a: spec.protocol: unknown field; remove it or correct its name",
				"-:3: IPAddressPool metallb-system/a: spec.serviceAllocation.serviceSelectors[0].labels: unknown field; remove it or correct its name",
				"-:5: BGPPeer metallb-system/a: metadata.host: unknown field; remove it or correct its name",
			},
		},
		"a field that is misspelt": {
			input: written(advertisement, replaced(pool, "spec: {", "spec: {auto-assign: true, serviceAllocation: {serviceSelectors: [{matchLabel: {}}]}, "),
				replaced(peer, "myASN: 64500", "myASN: 64500, peerasn: 64501, holdtime: 9s")),
			want: []string{
				`-:3: IPAddressPool metallb-system/a: spec.auto-assign: unknown field; did you mean "autoAssign"?`,
				`-:3: IPAddressPool metallb-system/a: spec.serviceAllocation.serviceSelectors[0].matchLabel: unknown field; did you mean "matchLabels"?`,
				`-:5: BGPPeer metallb-system/a: spec.holdtime: unknown field; did you mean "holdTime"?`,
				`-:5: BGPPeer metallb-system/a: spec.peerasn: unknown field; did you mean "peerASN"?`,
			},
		},
		"values of the wrong type": {
			input: written(
				replaced(peer, "64500", "AS64500", "64501", "4294967296", "10.0.0.1", "{}", "spec: {", "spec: {password: 5, ebgpMultiHop: 1, nodeSelectors: a, passwordSecret: a, holdTime: 90, peerPort: 1.5, "),
				replaced(pool, "[198.51.100.0/24]", "[1]", "{name: a", "{labels: {a: 1}, name: b"), replaced(pool, "spec: {addresses: [198.51.100.0/24]}", "spec: yes"),
			),
			want: []string{
				`-:1: BGPPeer metallb-system/a: spec.holdTime: Invalid value: 90: must be a duration such as 90s or 1m30s`,
				`-:1: BGPPeer metallb-system/a: spec.ebgpMultiHop: Invalid value: must be true or false, not number`,
				`-:1: BGPPeer metallb-system/a: spec.myASN: Invalid value: must be a number from 0 to 4294967295, not string`,
				`-:1: BGPPeer metallb-system/a: spec.nodeSelectors: Invalid value: must be a list, not string`,
				`-:1: BGPPeer metallb-system/a: spec.password: Invalid value: must be a string, not number; put it in quotes`,
				`-:1: BGPPeer metallb-system/a: spec.passwordSecret: Invalid value: must be an object, not string`,
				`-:1: BGPPeer metallb-system/a: spec.peerASN: Invalid value: must be a number from 0 to 4294967295, not 4294967296`,
				`-:1: BGPPeer metallb-system/a: spec.peerAddress: Invalid value: must be a string, not object; put it in quotes`,
				`-:1: BGPPeer metallb-system/a: spec.peerPort: Invalid value: must be a whole number, not 1.5`,
				`-:3: IPAddressPool metallb-system/b: metadata.labels: Invalid value: must be a string, not number; put it in quotes`,
				`-:3: IPAddressPool metallb-system/b: spec.addresses: Invalid value: must be a string, not number; put it in quotes`,
				`-:5: IPAddressPool metallb-system/a: spec: Invalid value: must be an object, not bool`,
			},
		},
		"values of the wrong type in lists and beside them": {
			input: written(replaced(peer, "64500", `"64500"`, "64501", "1.10", "spec: {", `spec: {foo: 1, peerPort: "179", nodeSelectors: [{matchLabels: {a: 1}}], `)),
			want: []string{
				`-:1: BGPPeer metallb-system/a: spec.myASN: Invalid value: must be a number from 0 to 4294967295, not string`,
				`-:1: BGPPeer metallb-system/a: spec.nodeSelectors.matchLabels: Invalid value: must be a string, not number; put it in quotes`,
				`-:1: BGPPeer metallb-system/a: spec.peerASN: Invalid value: must be a number from 0 to 4294967295, not 1.1`,
				`-:1: BGPPeer metallb-system/a: spec.peerPort: Invalid value: must be a whole number, not string`,
				`-:1: BGPPeer metallb-system/a: spec.foo: unknown field; remove it or correct its name`,
			},
		},
		"objects with values of the wrong type are there": {
			input: written(pool, replaced(advertisement, "}}", `}, spec: {ipAddressPools: [a], peers: [a], localPref: "100"}}`), replaced(peer, "spec: {", "spec: {holdTime: 90, ")),
			want: []string{
				`-:3: BGPAdvertisement metallb-system/a: spec.localPref: Invalid value: must be a number from 0 to 4294967295, not string`,
				`-:5: BGPPeer metallb-system/a: spec.holdTime: Invalid value: 90: must be a duration such as 90s or 1m30s`,
			},
		},
		"groups and kinds that are nearly right": {
			input: written(
				replaced(pool, "metallb.io/v1beta1", "metallb/v1beta1"), replaced(pool, "metallb.io/v1beta1", "v1"), replaced(pool, "metallb.io/v1beta1", "metallb.universe.tf/v1beta1"),
				replaced(pool, "metallb.io/v1beta1", "crd.projectcalico.org/v1"), replaced(advertisement, "BGPAdvertisement", "BGPAdvertisment"), replaced(pool, "IPAddressPool", "IPAddressPools"),
			),
			want: []string{
				"-:1: IPAddressPool metallb-system/a: there is no IPAddressPool in metallb/v1beta1; write apiVersion: metallb.io/v1beta1",
				"-:3: IPAddressPool metallb-system/a: there is no IPAddressPool in v1; write apiVersion: metallb.io/v1beta1",
				"-:5: IPAddressPool metallb-system/a: there is no IPAddressPool in metallb.universe.tf/v1beta1; write apiVersion: metallb.io/v1beta1",
				"-:9: BGPAdvertisment metallb-system/a: there is no BGPAdvertisment in metallb.io/v1beta1; did you mean BGPAdvertisement?",
				"-:11: IPAddressPools metallb-system/a: there is no IPAddressPools in metallb.io/v1beta1; did you mean IPAddressPool?",
			},
		},
		"what the parsers refuse": {
			input: written(replaced(pool, ".0/24", ".0/33"), replaced(advertisement, "}}", "}, spec: {aggregationLength: 33}}"), replaced(peer, "64500", "0"), replaced(community, "64500:1", "64500")),
			want: []string{
				`-:1: IPAddressPool metallb-system/a: spec.addresses[0]: Invalid value: "198.51.100.0/33": invalid CIDR "198.51.100.0/33": the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6`,
				`-:3: BGPAdvertisement metallb-system/a: spec.aggregationLength: Invalid value: 33: invalid aggregation length "33" for IPv4: must be from 1 to 32`,
				`-:5: BGPPeer metallb-system/a: spec.myASN: Required value: missing local ASN; set it to a number from 1 to 4294967295`,
				`-:7: Community metallb-system/a: spec.communities[0].value: Invalid value: "64500": invalid community format: "64500"; write "a:b", "large:a:b:c", "rt:a:b", "soo:a:b", "bandwidth:a:b" or a well-known name such as "no-export"`,
			},
		},
		"what only the schema refuses": {
			input: written(replaced(peer, "spec: {", `spec: {peerPort: 0, holdTime: .5m, keepaliveTime: "", nodeSelectors: [null], `)),
			want: []string{
				`-:1: BGPPeer metallb-system/a: spec.holdTime: Invalid value: ".5m": must be a duration such as 90s or 1m30s`,
				`-:1: BGPPeer metallb-system/a: spec.keepaliveTime: Invalid value: "": must be a duration such as 90s or 1m30s`,
				`-:1: BGPPeer metallb-system/a: spec.peerPort: Invalid value: 0: must be from 1 to 65535`,
				`-:1: BGPPeer metallb-system/a: spec.nodeSelectors[0]: Required value: an item of a list must not be null; remove it`,
			},
		},

		"kinds that do not exist": {
			input: written(
				"{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, metadata: {name: a, namespace: metallb-system}}",
				"{apiVersion: metallb.io/v1beta2, kind: BFDProfile, metadata: {name: a, namespace: metallb-system}}",
				replaced(peer, "v1beta2", "v1beta1"), replaced(pool, "v1beta1", "v1"),
				"{apiVersion: metallb.io/v1beta1, kind: AddressPool, metadata: {name: a, namespace: metallb-system}}",
				"{apiVersion: metallb.io/v1beta1, kind: Thing, metadata: 5}",
				"{apiVersion: metallb.io/v1beta1, kind: BGPSessionState, metadata: {name: node-1-a, namespace: metallb-system}}",
			),
			want: []string{
				"-:1: L2Advertisement metallb-system/a: there is no L2Advertisement in metallb.io/v1beta1; addresses are announced over BGP only; write a BGPAdvertisement",
				"-:3: BFDProfile metallb-system/a: there is no BFDProfile in metallb.io/v1beta2; write apiVersion: metallb.io/v1beta1",
				"-:5: BGPPeer metallb-system/a: there is no BGPPeer in metallb.io/v1beta1; write apiVersion: metallb.io/v1beta2",
				"-:7: IPAddressPool metallb-system/a: there is no IPAddressPool in metallb.io/v1; write apiVersion: metallb.io/v1beta1",
				"-:9: AddressPool metallb-system/a: there is no AddressPool in metallb.io/v1beta1; write an IPAddressPool, and a BGPAdvertisement that names it",
				"-:11: Thing metallb-system/(no name): there is no Thing in metallb.io/v1beta1; kinds are IPAddressPool, BGPPeer, BGPAdvertisement, Community and BFDProfile; remove it",
				"-:13: BGPSessionState metallb-system/node-1-a: a BGPSessionState is written by the controller or by a speaker, and is no configuration; remove it",
			},
		},
		"names and namespaces": {
			input: written(
				replaced(advertisement, "name: a, ", ""), replaced(pool, "name: a", "name: A_"), replaced(peer, "metallb-system", "default"),
				replaced(community, ", namespace: metallb-system", ""), replaced(pool, "name: a", `labels: {"a b": c}, name: c`, "198.51.100.0", "10.0.0.0"),
			),
			want: []string{
				"-:1: BGPAdvertisement metallb-system/(no name): metadata.name: Required value: an object needs a name",
				`-:3: IPAddressPool metallb-system/A_: metadata.name: Invalid value: "A_": ` + subdomain,
				`-:5: BGPPeer default/a: metadata.namespace: Invalid value: "default": resource must be created in metallb-system namespace; other namespaces are ignored`,
				"-:7: warning: Community metallb-system/a: " + noNamespace,
				`-:9: IPAddressPool metallb-system/c: metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
			},
		},
		"an object without namespace is used all the same": {
			input: written(advertisement, replaced(pool, ", namespace: metallb-system", ""), replaced(pool, "name: a", "name: b")), want: []string{
				"-:3: warning: IPAddressPool metallb-system/a: " + noNamespace,
				`-:5: IPAddressPool metallb-system/b: spec.addresses[0]: Invalid value: "198.51.100.0/24": CIDR "198.51.100.0/24" in pool "b" overlaps with already defined CIDR "198.51.100.0/24" in pool "a"; list each address in one pool only`,
			},
		},
		"an object that is there twice": {
			input: written(pool, advertisement, pool, replaced(pool, "pool: a", "pool: a", "198.51.100.0/24", "10.0.0.0/33"), replaced(pool, ", namespace: metallb-system", "")),
			want: []string{
				`-:5: IPAddressPool metallb-system/a: metadata.name: Duplicate value: "a": is at -:1 too, and one would replace the other; remove one`,
				`-:7: IPAddressPool metallb-system/a: spec.addresses[0]: Invalid value: "10.0.0.0/33": invalid CIDR "10.0.0.0/33": the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6`,
				`-:7: IPAddressPool metallb-system/a: metadata.name: Duplicate value: "a": is at -:1 too, and one would replace the other; remove one`,
				"-:9: warning: IPAddressPool metallb-system/a: " + noNamespace,
				`-:9: IPAddressPool metallb-system/a: metadata.name: Duplicate value: "a": is at -:1 too, and one would replace the other; remove one`,
			},
		},

		"contradictions, told of the later object": {
			input: written(
				pool, replaced(pool, "name: a", "name: b", "0/24", "128/25"), replaced(advertisement, "}}", "}, spec: {aggregationLength: 16}}"),
				peer, replaced(peer, "name: a", "name: b"), community, replaced(community, "name: a", "name: b"),
			),
			want: []string{
				`-:3: IPAddressPool metallb-system/b: spec.addresses[0]: Invalid value: "198.51.100.128/25": CIDR "198.51.100.128/25" in pool "b" overlaps with already defined CIDR "198.51.100.0/24" in pool "a"; list each address in one pool only`,
				`-:5: BGPAdvertisement metallb-system/a: spec.aggregationLength: Invalid value: 16: IPAddressPool "a": invalid aggregation length 16: prefix 24 in this pool is more specific than the aggregation length for addresses 198.51.100.0/24; announce longer prefixes or select other pools`,
				`-:5: BGPAdvertisement metallb-system/a: spec.aggregationLength: Invalid value: 16: IPAddressPool "b": invalid aggregation length 16: prefix 25 in this pool is more specific than the aggregation length for addresses 198.51.100.128/25; announce longer prefixes or select other pools`,
				`-:9: BGPPeer metallb-system/b: spec.peerAddress: Invalid value: "10.0.0.1": peer 10.0.0.1 already exists: BGPPeer "a" connects to it from the same nodes; remove one or make their nodeSelectors disjoint`,
				`-:13: Community metallb-system/b: spec.communities[0].name: Duplicate value: "far": duplicate definition of community "far", which Community "a" defines too; define it in one of them only`,
			},
		},
		"AS paths that contradict each other, and one that is too long": {
			input: written(
				pool, replaced(advertisement, "}}", "}, spec: {asPathPrepend: 2}}"), replaced(advertisement, "name: a", "name: b", "}}", "}, spec: {asPathPrepend: 1}}"),
				replaced(advertisement, "name: a", "name: c", "}}", "}, spec: {asPathPrepend: 11}}"),
			),
			want: []string{
				`-:5: BGPAdvertisement metallb-system/b: spec.asPathPrepend: Invalid value: 1: invalid AS path prepend 1: AS path prepend 2 was already set for the same type of BGP update by BGPAdvertisement "a": both announce pool "a" with one aggregation length; make asPathPrepend equal, or select other pools, peers or nodes`,
				`-:7: BGPAdvertisement metallb-system/c: spec.asPathPrepend: Invalid value: 11: invalid AS path prepend 11: must be from 0 to 10`,
			},
		},
		"the pool comes after the advertisement": {
			input: written(replaced(advertisement, "}}", "}, spec: {aggregationLength: 16}}"), pool),
			want: []string{
				`-:3: IPAddressPool metallb-system/a: spec.addresses[0]: Invalid value: "198.51.100.0/24": BGPAdvertisement "a": invalid aggregation length 16: prefix 24 in this pool is more specific than the aggregation length for addresses 198.51.100.0/24; list a larger range, or let the advertisement select other pools or announce longer prefixes`,
			},
		},
		"what is legal but suspicious": {
			input: written(
				pool, replaced(advertisement, "}}", "}, spec: {ipAddressPools: [b], peers: [c], communities: [far]}}"), replaced(peer, "spec: {", "spec: {password: hunter2, "),
			),
			want: []string{
				`-:1: warning: IPAddressPool metallb-system/a: IPAddressPool "a" is selected by no BGPAdvertisement, so its addresses are not announced; create one that selects it`,
				`-:3: warning: BGPAdvertisement metallb-system/a: BGPAdvertisement "a" names IPAddressPools in spec.ipAddressPools that do not exist: "b"`,
				`-:3: warning: BGPAdvertisement metallb-system/a: BGPAdvertisement "a" names BGPPeers in spec.peers that do not exist: "c"`,
				`-:3: warning: BGPAdvertisement metallb-system/a: BGPAdvertisement "a" names aliases in spec.communities that no Community defines, and is not in use until one does: "far"`,
				`-:5: warning: BGPPeer metallb-system/a: BGPPeer "a" has its password in spec.password, where everyone who can read the object can read it; put it in a Secret and set spec.passwordSecret`,
			},
			wantOK: true,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := validated(tc.input, "-")
			if got.err != nil {
				t.Fatal(got.err)
			}
			lines := strings.Split(strings.TrimSuffix(got.findings, "\n"), "\n")
			if got.findings == "" {
				lines = nil
			}
			if diff := cmp.Diff(tc.want, lines); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if wantOK := tc.wantOK || len(tc.want) == 0; got.ok != wantOK {
				t.Errorf("nothing to object to: %t, want %t", got.ok, wantOK)
			}
		})
	}
}

func TestTheProjectsOwnManifestsAreValid(t *testing.T) {
	t.Parallel()
	tutorial := "../../config/tutorial/"
	for name, tc := range map[string]struct {
		files []string
		want  string
	}{
		"the tutorial":          {files: []string{tutorial + "tutorial-1.yaml", tutorial + "tutorial-2.yaml"}},
		"the samples":           {files: []string{"../../config/samples"}, want: "ipaddresspool.yaml:35: warning: IPAddressPool metallb-system/reserved: "},
		"what installs it":      {files: []string{"../../config/default", "../../config/crd/bases", "../../config/rbac"}},
		"the tutorial's step 6": {files: []string{tutorial + "tutorial-3.yaml"}, want: `tutorial-3.yaml:2: warning: IPAddressPool metallb-system/my-ip-space: `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := validated("", tc.files...)
			if !got.ok || got.err != nil || !strings.Contains(got.findings, tc.want) || strings.Count(got.findings, "\n") != min(len(tc.want), 1) {
				t.Errorf("got %+v, want %q", got, tc.want)
			}
		})
	}
}

func TestFilesAndDirectoriesAreRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{
		"b.yml": pool, "a.yaml": replaced(pool, "0/24", "0/25"), "c.JSON": `{"apiVersion":"metallb.io/v1beta1","kind":"Thing"}`,
		"kustomization.yaml": "resources: [a.yaml]", "notes.txt": "a: b: c", "deeper/d.yaml": pool,
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := validated(advertisement, "-", dir, filepath.Join(dir, "notes.txt"))
	want := "DIR/b.yml:1: IPAddressPool metallb-system/a: metadata.name: Duplicate value: \"a\": is at DIR/a.yaml:1 too, and one would replace the other; remove one\n" +
		"DIR/c.JSON:1: Thing metallb-system/(no name): there is no Thing in metallb.io/v1beta1; kinds are IPAddressPool, BGPPeer, BGPAdvertisement, Community and BFDProfile; remove it\n" +
		"DIR/notes.txt:1: invalid YAML: mapping values are not allowed in this context\n"
	if diff := cmp.Diff(want, strings.ReplaceAll(got.findings, dir, "DIR")); diff != "" || got.err != nil {
		t.Errorf("error %v, findings (-want +got):\n%s", got.err, diff)
	}
}

func TestWhatCannotBeReadIsSaidInOneLine(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for name, tc := range map[string]struct {
		files []string
		want  string
	}{
		"a file that is missing": {[]string{"/nowhere"}, "/nowhere: there is no such file or directory"},
		"an empty directory":     {[]string{empty}, empty + ": there is no *.yaml, *.yml or *.json in this directory"},
		"standard input twice":   {[]string{"-", "-"}, "- is given twice; standard input can be read only once"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := validated(pool, tc.files...); got.err == nil || got.err.Error() != tc.want || got.findings != "" {
				t.Errorf("got %+v, want error %q", got, tc.want)
			}
		})
	}
}

// failing is standard input that breaks.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("input/output error") }

func TestStandardInputThatBreaksIsSaid(t *testing.T) {
	t.Parallel()
	_, err := Files([]string{"-"}, failing{}, "metallb-system", World{})
	if err == nil || err.Error() != "reading standard input: input/output error" {
		t.Errorf("error %v", err)
	}
}
