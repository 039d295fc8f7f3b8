// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Where `helm upgrade --reuse-values` has the values of an older chart only, or somebody wrote null, nothing may go that was there:
// neither the CustomResourceDefinitions, and all objects with them, nor a flag's value.
func TestAMissingValueIsTheDefaultWhereItCannotBeLeftOut(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]string{
		"no value": "{}\n",
		"no value in a mapping": "{rbac: {}, tls: {}, prometheus: {podMonitor: {}, serviceMonitor: {}}, certManager: {}, crds: {}, networkpolicies: {}, tests: {}," +
			" controller: {image: {}, podDisruptionBudget: {}, serviceAccount: {}, strategy: {}, livenessProbe: {}}, speaker: {image: {}, updateStrategy: {}, startupProbe: {}}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			older := filepath.Join(t.TempDir(), "metallb")
			if err := os.CopyFS(older, os.DirFS(filepath.Join(root, Directory))); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(older, "values.yaml"), []byte(values), 0o600); err != nil {
				t.Fatal(err)
			}
			want, err := template(t)
			if err != nil {
				t.Fatal(err)
			}
			got, err := templateOf(t, older)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(outlines(want), outlines(got)); diff != "" {
				t.Errorf("with all values and without (-with +without):\n%s", diff)
			}
		})
	}
}

// outlines returns the objects by their names, those with pods with what their containers are started with.
func outlines(objects []*unstructured.Unstructured) []string {
	found := make([]string, 0, len(objects))
	for _, object := range objects {
		found = append(found, object.GetKind()+" "+object.GetName())
		containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
		for _, container := range containers {
			fields, _ := container.(map[string]any)
			args, _, _ := unstructured.NestedStringSlice(fields, "args")
			image, _, _ := unstructured.NestedString(fields, "image")
			found = append(append(found, image), args...)
		}
	}
	return slices.Clip(found)
}

func TestCommonLabelsDoNotHideTheObjects(t *testing.T) {
	t.Parallel()
	labels := file(t, "values.yaml", "{commonLabels: {app: x, component: x, name: x, app.kubernetes.io/instance: x, team: x}, prometheus: {rbacPrometheus: false, serviceMonitor: {enabled: true}}}")
	rendered, err := template(t, "--values", labels)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range rendered {
		got := object.GetLabels()
		if got["app"] != "metallb" || got["app.kubernetes.io/instance"] != "metallb" || got["team"] != "x" {
			t.Errorf("%s %s has the labels %v", object.GetKind(), object.GetName(), got)
		}
		if selected := object.GetName() == "speaker-monitor-service"; selected && got["name"] != object.GetName() {
			t.Errorf("no monitor selects %s", object.GetName())
		}
	}
}
