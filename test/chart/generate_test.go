// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheGeneratedFilesAreUpToDate(t *testing.T) {
	t.Parallel()
	want, err := Generate(t.Context(), root, program(t, "kubectl"))
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range want {
		got, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Errorf("%v: make manifests writes it", err)
			continue
		}
		if diff := cmp.Diff(string(content), string(got)); diff != "" {
			t.Errorf("%s is out of date, make manifests writes it (-want +got):\n%s", path, diff)
		}
	}
	present, err := Copies(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range present {
		if _, ok := want[path]; !ok {
			t.Errorf("%s is a copy of nothing, make manifests removes it", path)
		}
	}
}

func TestWriteMakesFilesAsGeneratedAndRemovesOtherCopies(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	kept, gone := copies+"/crds/kept.yaml", copies+"/crds/gone.yaml"
	if err := Write(directory, map[string][]byte{kept: []byte("old"), gone: nil}); err != nil {
		t.Fatal(err)
	}
	if err := Write(directory, map[string][]byte{kept: []byte("new"), Manifest: nil}); err != nil {
		t.Fatal(err)
	}
	if present, err := Copies(directory); err != nil || !slices.Equal(present, []string{kept}) {
		t.Errorf("there are %v, %v", present, err)
	}
	if content, err := os.ReadFile(filepath.Join(directory, kept)); err != nil || string(content) != "new" {
		t.Errorf("%s is %q, %v", kept, content, err)
	}
}

func TestTheREADMEDescribesEachValue(t *testing.T) {
	t.Parallel()
	const head = "\n| value | default | |\n|---|---|---|\n"
	tests := map[string]struct{ values, want, wantErr string }{
		"a value by itself": {
			values: "# A title.\n\n# -- What it is\n# for, a|b.\nname: x\n",
			want:   head + "| `name` | `\"x\"` | What it is for, a\\|b. |\n",
		},
		"values in a mapping, which has an introduction": {
			values: "# All of it.\nouter:\n  inner:\n    # -- Depth.\n    deep: 1\n  # -- A list.\n  list: [a]\n",
			want:   head + "\n### outer\n\nAll of it.\n" + head + "| `outer.inner.deep` | `1` | Depth. |\n| `outer.list` | `[\"a\"]` | A list. |\n",
		},
		"a mapping that is a value": {
			values: "# -- Resources.\nresources:\n  cpu: 1\n",
			want:   head + "| `resources` | `{\"cpu\":1}` | Resources. |\n",
		},
		"a value without a description": {values: "outer:\n  inner: 1\n", wantErr: "line 2: outer.inner has no description: a comment before it that begins with `# -- `"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := describeValues([]byte(tc.values))
			if message := errorText(err); message != tc.wantErr {
				t.Fatalf("error %q, want %q", message, tc.wantErr)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
