// SPDX-License-Identifier: Apache-2.0

//go:build unix

package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/test/freeport"
)

const (
	goodPool    = "{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: a, namespace: metallb-system}, spec: {addresses: [198.51.100.0/24]}}\n---\n"
	everything  = "{apiVersion: metallb.io/v1beta1, kind: BGPAdvertisement, metadata: {name: a, namespace: metallb-system}}\n"
	badPool     = "{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: b, namespace: metallb-system}, spec: {addresses: [none]}}\n---\n"
	unannounced = `warning: IPAddressPool metallb-system/a: IPAddressPool "a" is selected by no BGPAdvertisement, so its addresses are not announced; create one that selects it` + "\n"
	badFinding  = `IPAddressPool metallb-system/b: spec.addresses[0]: Invalid value: "none": `
	configMap   = "peers: [{peer-address: 192.0.2.1, peer-asn: 64501, my-asn: 64500}]\n"
)

// files writes the files, and returns their paths by their names.
func files(t *testing.T, contents map[string]string) map[string]string {
	t.Helper()
	dir, paths := t.TempDir(), map[string]string{}
	for name, content := range contents {
		paths[name] = filepath.Join(dir, name)
		if err := os.WriteFile(paths[name], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

func TestFilesAreValidated(t *testing.T) {
	t.Parallel()
	path := files(t, map[string]string{"good": goodPool, "all": everything, "bad": badPool})
	for name, tc := range map[string]struct {
		args []string
		want result
	}{
		"standard input":          {[]string{"-f", "-"}, result{stdout: "-:1: " + unannounced}},
		"several flags":           {[]string{"-f", path["good"], "-f", path["all"]}, result{}},
		"one flag":                {[]string{"--filename=" + path["good"] + "," + path["all"]}, result{}},
		"words of a shell":        {[]string{"-f", path["good"], path["all"]}, result{}},
		"as JSON":                 {[]string{"-f", path["good"], "-f", path["all"], "-o", "json"}, result{stdout: "[]\n"}},
		"in an unknown format":    {[]string{"-f", "-", "-o", "wide"}, result{2, "", "error: --output=wide: must be one of json, yaml\n"}},
		"none":                    {nil, result{2, "", "error: no files; give them with -f, or - for standard input; see --help\n"}},
		"a missing one":           {[]string{"-f", "/nowhere"}, result{2, "", "error: /nowhere: there is no such file or directory\n"}},
		"an unknown flag":         {[]string{"-f", "-", "--nope"}, result{2, "", "error: unknown flag: --nope\n"}},
		"a cluster nobody asks":   {[]string{"-f", "-", "--context=prod"}, result{2, "", "error: --context=prod: no cluster is asked; add --against-cluster, or remove it\n"}},
		"another namespace":       {[]string{"-f", path["all"], "--system-namespace=lb"}, result{status: 1, stdout: path["all"] + `:1: BGPAdvertisement metallb-system/a: metadata.namespace: Invalid value: "metallb-system": resource must be created in lb namespace; other namespaces are ignored` + "\n"}},
		"no such kubeconfig file": {[]string{"-f", "-", "--against-cluster", "--kubeconfig=/nowhere"}, result{2, "", "error: stat /nowhere: no such file or directory\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, run(t, goodPool, append([]string{"validate"}, tc.args...)...), cmp.AllowUnexported(result{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsFoundIsWrittenForPeopleAndForPrograms(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"":     "-:1: " + badFinding,
		"json": "[\n    {\n        \"file\": \"-\",\n        \"line\": 1,\n        \"object\": \"IPAddressPool metallb-system/b\",\n        \"warning\": false,\n",
		"yaml": "- file: '-'\n  line: 1\n  message: 'spec.addresses[0]: Invalid value: ",
	} {
		got := run(t, badPool, "validate", "-f", "-", "-o", format)
		if got.status != 1 || got.stderr != "" || !strings.HasPrefix(got.stdout, want) {
			t.Errorf("%q: got %+v, want %q", format, got, want)
		}
	}
}

func TestAClusterThatCannotBeReachedIsSaidInOneLine(t *testing.T) {
	t.Parallel()
	path := files(t, map[string]string{"kubeconfig": `{"clusters":[{"name":"c","cluster":{"server":"http://` + freeport.Address(t) +
		`"}}],"contexts":[{"name":"c","context":{"cluster":"c"}}],"current-context":"c"}`})
	got := run(t, goodPool, "validate", "-f", "-", "--against-cluster", "--kubeconfig", path["kubeconfig"])
	if got.status != 2 || !strings.HasPrefix(got.stderr, "error: reading the cluster: ") || strings.Count(got.stderr, "\n") != 1 || got.stdout != "" {
		t.Errorf("got %+v", got)
	}
}

func TestAConfigMapIsMigrated(t *testing.T) {
	t.Parallel()
	const one = "error: give one file with -f, or - for standard input; see --help\n"
	for name, tc := range map[string]struct {
		input  string
		args   []string
		status int
		// stdout and stderr are what the two begin with.
		stdout, stderr string
	}{
		"whole":                           {configMap, []string{"-f", "-"}, 0, "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata:\n  name: peer-192.0.2.1\n  namespace: metallb-system\n", ""},
		"for another namespace":           {configMap, []string{"-", "--system-namespace", "lb"}, 0, "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata:\n  name: peer-192.0.2.1\n  namespace: lb\n", ""},
		"in part":                         {configMap + "colour: red\n", []string{"-f", "-"}, 1, "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n", "-:2: colour: unknown key; left out\n"},
		"not at all":                      {"colour: red\npeers: []\naddress-pools: []\n", []string{"-f", "-"}, 2, "", "-:1: colour: unknown key; left out\nerror: -: nothing is carried over, for the reasons above\n"},
		"none":                            {"", nil, 2, "", one},
		"two":                             {"", []string{"a", "b"}, 2, "", one},
		"two by flags":                    {"", []string{"-f", "a", "-f", "/nowhere"}, 2, "", one},
		"one with and one without a flag": {"", []string{"-f", "a", "b"}, 2, "", one},
		"a missing one":                   {"", []string{"-f", "/nowhere"}, 2, "", "error: /nowhere: there is no such file\n"},
		"an unknown flag":                 {"", []string{"--nope"}, 2, "", "error: unknown flag: --nope\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, tc.input, append([]string{"migrate"}, tc.args...)...)
			if got.status != tc.status || !strings.HasPrefix(got.stdout, tc.stdout) || (tc.stdout == "") != (got.stdout == "") || got.stderr != tc.stderr {
				t.Errorf("got %+v, want %d, %q, %q", got, tc.status, tc.stdout, tc.stderr)
			}
		})
	}
}
