// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestGlobalValuesReachEveryPod(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		values  string
		images  []string // of speaker, controller and test
		secrets []any
	}{
		"nothing": {values: "global: null", images: []string{"localhost/metallb-speaker:dev", "localhost/metallb-controller:dev", "localhost/metallb-controller:dev"}},
		"a registry in place of another": {
			values: "{global: {imageRegistry: registry.example.com}, imagePrefix: 'other.example.com:5000/lb/', speaker: {image: {repository: s/peaker}}}",
			images: []string{"registry.example.com/s/peaker:dev", "registry.example.com/lb/controller:dev", "registry.example.com/lb/controller:dev"},
		},
		"a registry with a path": {
			values: "{global: {imageRegistry: registry.example.com/mirror/}}",
			images: []string{"registry.example.com/mirror/metallb-speaker:dev", "registry.example.com/mirror/metallb-controller:dev", "registry.example.com/mirror/metallb-controller:dev"},
		},
		"secrets beside the chart's own": {
			values:  "{global: {imagePullSecrets: [one, {name: two}]}, imagePullSecrets: [{name: two}, {name: three}]}",
			images:  []string{"localhost/metallb-speaker:dev", "localhost/metallb-controller:dev", "localhost/metallb-controller:dev"},
			secrets: []any{map[string]any{"name": "one"}, map[string]any{"name": "two"}, map[string]any{"name": "three"}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rendered, err := template(t, "--values", file(t, "values.yaml", tc.values))
			if err != nil {
				t.Fatal(err)
			}
			found := pods(rendered)
			images := make([]string, 0, len(found))
			for _, pod := range found {
				containers, _, _ := unstructured.NestedSlice(pod, "containers")
				container, _ := containers[0].(map[string]any)
				image, _ := container["image"].(string)
				images = append(images, image)
				secrets, _, _ := unstructured.NestedSlice(pod, "imagePullSecrets")
				if diff := cmp.Diff(tc.secrets, secrets); diff != "" {
					t.Errorf("secrets of %s (-want +got):\n%s", image, diff)
				}
			}
			if diff := cmp.Diff(tc.images, images); diff != "" {
				t.Errorf("images (-want +got):\n%s", diff)
			}
		})
	}
}

// pods returns the spec of each pod, or of each template of pods.
func pods(rendered []*unstructured.Unstructured) []map[string]any {
	var found []map[string]any
	for _, object := range rendered {
		for _, path := range [][]string{{"spec"}, {"spec", "template", "spec"}} {
			if spec, ok, _ := unstructured.NestedMap(object.Object, path...); ok && spec["containers"] != nil {
				found = append(found, spec)
			}
		}
	}
	return found
}

// A chart that contains this one may have names under "global" for its other parts.
func TestAChartThatContainsThisOneHasGlobalValuesOfItsOwn(t *testing.T) {
	t.Parallel()
	outer := t.TempDir()
	write(t, filepath.Join(outer, "Chart.yaml"), "{apiVersion: v2, name: outer, version: 1.0.0}\n")
	write(t, filepath.Join(outer, "values.yaml"), "{global: {storageClass: fast, imageRegistry: registry.example.com}, metallb: {speaker: {enabled: false}}}\n")
	if err := os.CopyFS(filepath.Join(outer, "charts", "metallb"), os.DirFS(filepath.Join(root, Directory))); err != nil {
		t.Fatal(err)
	}
	rendered, err := templateOf(t, outer, "--no-hooks")
	if err != nil {
		t.Fatal(err)
	}
	found := pods(rendered)
	if len(found) != 1 {
		t.Fatalf("there are %d workloads, want the controller", len(found))
	}
	containers, _, _ := unstructured.NestedSlice(found[0], "containers")
	container, _ := containers[0].(map[string]any)
	if image, _ := container["image"].(string); !strings.HasPrefix(image, "registry.example.com/") {
		t.Errorf("image %q", image)
	}
}
