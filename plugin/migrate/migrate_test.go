// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"cmp"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/yaml"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/plugin/validate"
)

var update = flag.Bool("update", false, "write what comes out into testdata, to be looked at")

// result is what comes out.
type result struct {
	ok                 bool
	resources, remarks string
	err                string
}

func migrated(input string) result {
	converted, err := Convert("-", []byte(input), "metallb-system")
	r := result{ok: err == nil && !converted.Lost, resources: string(converted.Resources)}
	for _, remark := range converted.Remarks {
		r.remarks += remark + "\n"
	}
	if err != nil {
		r.err = err.Error()
	}
	return r
}

// validated returns what "validate" finds in the resources.
func validated(resources string) (findings string, err error) {
	found, err := validate.Files([]string{"-"}, strings.NewReader(resources), "metallb-system", validate.World{})
	for _, f := range found {
		findings += f.String() + "\n"
	}
	return findings, err
}

func TestConfigurationsAreCarriedOver(t *testing.T) {
	t.Parallel()
	for name, wantOK := range map[string]bool{
		"tutorial-1": true, "tutorial-3": true, "everything": true, "renamed": true, "bare": true, "alike": true, "well-known": true, "bfd": true,
		"left-out": false, "listed": false, "oldest": false,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("testdata", name)
			got := migrated(content(t, filepath.Join(dir, "config.yaml")))
			if got.ok != wantOK || got.err != "" {
				t.Errorf("all carried over: %t, error %q; want %t", got.ok, got.err, wantOK)
			}
			golden(t, filepath.Join(dir, "resources.yaml"), got.resources)
			golden(t, filepath.Join(dir, "remarks.txt"), got.remarks)
		})
	}
}

// golden compares what came out with what should.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := gocmp.Diff(content(t, path), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWhatComesOutIsValid(t *testing.T) {
	t.Parallel()
	const password = "has its password in spec.password"
	dirs, err := filepath.Glob("testdata/*/config.yaml")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no configurations: %v", err)
	}
	for _, path := range dirs {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			findings, err := validated(migrated(content(t, path)).resources)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(findings) {
				if !strings.Contains(line, password) {
					t.Errorf("found in what came out: %s", line)
				}
			}
		})
	}
}

func TestTheOldTutorialMeansWhatTheNewOneDoes(t *testing.T) {
	t.Parallel()
	want := objects(t, content(t, "../../config/tutorial/tutorial-1.yaml"))
	got := objects(t, migrated(content(t, "testdata/tutorial-1/config.yaml")).resources)
	compare(t, want, got)

	// Step 6 of the tutorial changes the pool.
	for i := range objects(t, content(t, "../../config/tutorial/tutorial-3.yaml")).Pools {
		pool := objects(t, content(t, "../../config/tutorial/tutorial-3.yaml")).Pools[i]
		want = want.Apply(config.Change{New: &pool})
	}
	compare(t, want, objects(t, migrated(content(t, "testdata/tutorial-3/config.yaml")).resources))
}

// TestTheWebhookHasNothingToSay holds that the order of what comes out gives no reason to warn, where all pools are announced
// alike; else an advertisement comes right after the pools, of each of which it is warned that nothing announces it yet.
func TestTheWebhookHasNothingToSay(t *testing.T) {
	t.Parallel()
	for name, wantWarnings := range map[string]int{"tutorial-1": 0, "tutorial-3": 0, "bare": 0, "alike": 0, "renamed": 0, "oldest": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var before config.Objects
			var warnings []string
			for _, o := range list(t, migrated(content(t, filepath.Join("testdata", name, "config.yaml"))).resources) {
				verdict := config.Check("metallb-system", before, config.Change{New: o}, config.ClusterState{})
				if len(verdict.Errors) > 0 {
					t.Error(verdict.Errors)
				}
				warnings = append(warnings, verdict.Warnings...)
				before = before.Apply(config.Change{New: o})
			}
			if len(warnings) != wantWarnings {
				t.Errorf("got %d warnings, want %d: %q", len(warnings), wantWarnings, warnings)
			}
		})
	}
}

// compare compares configurations but for names that nothing names.
func compare(t *testing.T, want, got config.Objects) {
	t.Helper()
	for _, o := range []config.Objects{want, got} {
		slices.SortFunc(o.Peers, func(a, b v1beta2.BGPPeer) int { return cmp.Compare(a.Spec.Address, b.Spec.Address) })
		for i := range o.Peers {
			o.Peers[i].Name = ""
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

// objects reads a manifest.
func objects(t *testing.T, manifest string) config.Objects {
	t.Helper()
	var all config.Objects
	for _, o := range list(t, manifest) {
		all = all.Apply(config.Change{New: o})
	}
	return all
}

// list reads the objects of a manifest, in their order.
func list(t *testing.T, manifest string) []config.Object {
	t.Helper()
	var all []config.Object
	for document := range strings.SplitSeq(manifest, "---\n") {
		var kind struct{ Kind string }
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			t.Fatal(err)
		}
		o := map[string]config.Object{
			"IPAddressPool": &v1beta1.IPAddressPool{}, "BGPPeer": &v1beta2.BGPPeer{},
			"BGPAdvertisement": &v1beta1.BGPAdvertisement{}, "Community": &v1beta1.Community{},
		}[kind.Kind]
		if err := yaml.UnmarshalStrict([]byte(document), o); err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

func FuzzMigrate(f *testing.F) {
	paths, err := filepath.Glob("testdata/*/config.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, input string) {
		got := migrated(input)
		if got.err != "" && got.resources != "" {
			t.Errorf("both resources and an error: %s", got.err)
		}
		findings, err := validated(got.resources)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(findings) {
			if !strings.Contains(line, ": warning: ") {
				t.Errorf("found in what came out: %s", line)
			}
		}
		if !got.ok && got.err == "" && got.remarks == "" {
			t.Error("something was left out in silence")
		}
	})
}
