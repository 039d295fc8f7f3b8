// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

func TestDocumentsAreToldApartWithTheirLines(t *testing.T) {
	t.Parallel()
	// seen is an object's name and the line that it begins at.
	type seen struct {
		Name string
		Line int
	}
	tests := map[string]struct {
		input string
		want  []seen
	}{
		"comments and empty documents": {
			"# Comment.\n---\n\n---\n# Another.\n\nname: a\n---\nname: b\n---\n", []seen{{"a", 7}, {"b", 9}},
		},
		"content beside the marker":            {"--- {name: a}\n--- # Comment.\nname: b\n", []seen{{"a", 1}, {"b", 3}}},
		"carriage returns":                     {"name: a\r\n---\r\nname: b\r\n", []seen{{"a", 1}, {"b", 3}}},
		"a byte order mark":                    {"\ufeffname: a\n", []seen{{"a", 1}}},
		"UTF-16, as PowerShell writes it":      {utf16Of(binary.LittleEndian, "name: a\r\n---\r\nname: b\r\n"), []seen{{"a", 1}, {"b", 3}}},
		"UTF-16, the other end first":          {utf16Of(binary.BigEndian, "name: a\n---\nname: b\n"), []seen{{"a", 1}, {"b", 3}}},
		"the end of a document":                {"name: a\n...\n# Comment.\nname: b\n", []seen{{"a", 1}, {"b", 4}}},
		"what only looks like a marker":        {"name: a\n----: b\ntext: |\n  ---\n---\nname: b", []seen{{"a", 1}, {"b", 6}}},
		"YAML 1.1, as kubectl reads it":        {"name: yes\n", []seen{{"true", 1}}},
		"an anchor":                            {"other: &x {n: a}\nname: a\nmore: *x\n", []seen{{"a", 1}}},
		"JSON, one after another":              {"{\"name\": \"a\"}\n\n{\n\t\"name\": \"b\"\n} {\"name\": \"c\"}", []seen{{"a", 1}, {"b", 3}, {"c", 5}}},
		"JSON with tabs":                       {"\n{\n\t\"name\":\t\"a\",\n\t\"b\": [\n\t\t1\n\t]\n}\n", []seen{{"a", 2}}},
		"JSON between markers":                 {"{\"name\": \"a\"}\n---\n{\"name\": \"b\"}\n", []seen{{"a", 1}, {"b", 3}}},
		"a list":                               {"kind: List\nitems:\n- name: a\n- # Comment.\n  name: b\n", []seen{{"a", 3}, {"b", 5}}},
		"a list of a kind, in JSON":            {"{\n\"kind\": \"PoolList\", \"items\": [\n{\"name\": \"a\"},\n{\"name\": \"b\"}]}", []seen{{"a", 3}, {"b", 4}}},
		"a list of lists":                      {"---\nkind: List\nitems:\n- kind: List\n  items:\n  - name: a\n- name: b\n", []seen{{"a", 6}, {"b", 7}}},
		"a list without items":                 {"kind: List\nitems: []\n", nil},
		"a list of what an anchor stands for":  {"kind: List\nx: &x {name: a}\nitems:\n- *x\n", []seen{{"a", 4}}},
		"a list whose items are elsewhere":     {"kind: List\nx: &x\n- name: a\nitems: *x\n", []seen{{"a", 1}}},
		"items of what is no list":             {"kind: Pool\nname: a\nitems: [b]\n", []seen{{"a", 1}}},
		"an object of a kind of its own group": {"kind: List\nitems: {}\nname: a\n", []seen{{"a", 1}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			documents := parseDocuments("file", []byte(tc.input))
			got := make([]seen, 0, len(documents))
			for _, d := range documents {
				if len(d.problems) > 0 {
					t.Errorf("problems: %v", d.problems)
				}
				s := seen{Line: d.Line}
				switch name := d.object["name"].(type) {
				case string:
					s.Name = name
				case bool:
					s.Name = "true"
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
		})
	}
}

// utf16Of returns the text in UTF-16, with a byte order mark.
func utf16Of(order binary.AppendByteOrder, text string) string {
	var encoded []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		encoded = order.AppendUint16(encoded, unit)
	}
	return string(encoded)
}

func TestProblemsHaveTheirLines(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		input string
		want  []string
	}{
		"keys that are there twice":         {"a: 1\n---\nb: 1\nb: 2\nc:\n  d: 1\n  d: 2\n", []string{`file:4: invalid YAML: key "b" already set in map`, `file:7: invalid YAML: key "d" already set in map`}},
		"keys that are there twice in JSON": {"{\"b\":\t1,\n\"b\":\t2}", []string{`file:2: invalid YAML: key "b" already set in map`}},
		"JSON that ends early":              {`{"a": 1}{"b": `, []string{"file:1: invalid YAML: did not find expected node content"}},
		"text after JSON":                   {"{\"a\": 1}\nword\n", []string{"file:2: is not a Kubernetes object; write apiVersion, kind, metadata and spec"}},
		"a list without dashes":             {"apiVersion: v1\nkind: List\nitems:\n  kind: IPAddressPool\n", []string{"file:1: items must be a list; put a dash before each object"}},
		"a list of what is no object":       {"kind: List\nitems:\n- a\n- {}\n-\n", []string{"file:3: items[0] is not a Kubernetes object", "file:5: items[2] is not a Kubernetes object"}},
		"a tab":                             {"a: 1\n---\na:\n\tb: c\n", []string{"file:4: invalid YAML: the line is indented with a tab; use spaces"}},
		"a template of Helm":                {"a: 1\n---\na:\n- {{ .Values.range }}\n", []string{"file:4: this is a Helm template; render it first, with helm template"}},
		"an anchor that contains itself":    {"a: &hunter2 [*hunter2]\n", []string{"file:1: invalid YAML: anchor … value contains itself"}},
		"a key that is a mapping":           {"? {password: hunter2}\n: a\n", []string{"file:1: invalid YAML: invalid …"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, d := range parseDocuments("file", []byte(tc.input)) {
				for _, p := range d.problems {
					got = append(got, p.String())
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPasswordIsNeverSaid(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, value := range []string{
		secret, "*" + secret, "!!int " + secret, "!!binary " + secret, "!!float " + secret, "[" + secret + "]", "{a: " + secret + "}", "{" + secret, "'" + secret,
		"\"" + secret, "&a " + secret + " x: y", secret + ": x", "`" + secret, "@" + secret, "%" + secret, "|" + secret, secret + strings.Repeat("x", 80), "\"" + secret + "\\q\"",
	} {
		for _, format := range []string{"  password: VALUE\n", "  password: a\n  password: VALUE\n", "  passwordSecret: {name: a}\n  password: VALUE\n"} {
			manifest := "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: a, namespace: metallb-system}\nspec:\n" +
				strings.ReplaceAll(format, "VALUE", value) + "  myASN: 64500\n  peerASN: 64501\n  peerAddress: 10.0.0.1\n"
			if got := validated(manifest, "-"); strings.Contains(got.findings, secret) || got.err != nil {
				t.Errorf("%s\nis found to be:\n%s%v", manifest, got.findings, got.err)
			}
		}
	}
}

// TestTheLimitsAreThoseOfTheSchema compares them with the CustomResourceDefinitions.
func TestTheLimitsAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../config/crd/bases/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text, err = yaml.YAMLToJSON(text); err != nil {
			t.Fatal(err)
		}
		var crd map[string]any
		if err := json.Unmarshal(text, &crd); err != nil {
			t.Fatal(err)
		}
		kind, _, _ := unstructured.NestedString(crd, "spec", "names", "kind")
		versions, _, _ := unstructured.NestedSlice(crd, "spec", "versions")
		for _, version := range versions {
			v, _ := version.(map[string]any)
			spec, _, err := unstructured.NestedMap(v, "schema", "openAPIV3Schema", "properties", "spec")
			if err != nil {
				t.Fatal(err)
			}
			if limited := limitsOf(spec, nil); len(limited) > 0 {
				want[kind] = append(want[kind], limited...)
			}
		}
	}
	got := map[string][]string{}
	for kind, list := range limits() {
		for _, l := range list {
			got[kind] = append(got[kind], described(l.path, int64(l.items), int64(l.characters)))
		}
		slices.Sort(got[kind])
	}
	for kind := range want {
		slices.Sort(want[kind])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("limits (-schema +checked):\n%s", diff)
	}
}

func described(path []string, items, characters int64) string {
	return fmt.Sprintf("%s: %d items, %d characters", strings.Join(path, "."), items, characters)
}

// limitsOf returns the limits of lists in a schema.
func limitsOf(schema map[string]any, path []string) []string {
	var found []string
	if items, limited, _ := unstructured.NestedInt64(schema, "maxItems"); limited {
		characters, _, _ := unstructured.NestedInt64(schema, "items", "maxLength")
		found = append(found, described(path, items, characters))
	}
	properties, _, _ := unstructured.NestedMap(schema, "properties")
	for name, property := range properties {
		if p, ok := property.(map[string]any); ok {
			found = append(found, limitsOf(p, append(slices.Clip(path), name))...)
		}
	}
	return found
}

func TestListsBeyondTheLimitsAreFound(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 254)
	for name, tc := range map[string]struct{ input, want string }{
		"too many items": {
			replaced(advertisement, "}}", "}, spec: {peers: ["+strings.Repeat("a, ", 1024)+"a]}}"),
			"-:1: BGPAdvertisement metallb-system/a: spec.peers: Invalid value: 1025: must have at most 1024 items\n",
		},
		"too long an item": {
			replaced(advertisement, "}}", "}, spec: {peers: [a, "+long+"]}}"),
			"-:1: BGPAdvertisement metallb-system/a: spec.peers[1]: Invalid value: may not be more than 253 characters\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := validated(tc.input, "-"); got.ok || !strings.HasPrefix(got.findings, tc.want) {
				t.Errorf("got %t, %s", got.ok, got.findings)
			}
		})
	}
}
