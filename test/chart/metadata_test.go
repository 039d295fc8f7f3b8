// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// helm lint tells what a chart lacks at the level of information, which --strict does not refuse.
func TestHelmLintHasNothingToSay(t *testing.T) {
	t.Parallel()
	out, err := helm(t, "lint", "--strict", filepath.Join(root, Directory), "--kube-version", kubeVersion)
	if err != nil || strings.Contains(out, "[") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Artifact Hub lists the kinds that a chart installs by an annotation, which nobody generates.
func TestTheChartNamesEachKindThatItInstalls(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, Directory, "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var chart struct {
		Annotations map[string]string `json:"annotations"`
	}
	if err := yaml.Unmarshal(text, &chart); err != nil {
		t.Fatal(err)
	}
	var kinds []struct {
		Name string `json:"name"`
	}
	if err := yaml.Unmarshal([]byte(chart.Annotations["artifacthub.io/crds"]), &kinds); err != nil {
		t.Fatal(err)
	}
	got := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		got = append(got, kind.Name)
	}
	slices.Sort(got)
	rendered, err := template(t)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, object := range rendered {
		if object.GetKind() == "CustomResourceDefinition" {
			want = append(want, object.GetName())
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds (-installed +named):\n%s", diff)
	}
}
