// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/plugin/validate"
	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/programs"
)

var server envtest.Shared

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// The marks of blocks that are not objects of Kubernetes.
const (
	fragment   = "fragment"
	values     = "values"
	notApplied = "<!-- not applied: "
)

// eachYAML runs the check on every block of YAML with the mark.
func eachYAML(t *testing.T, mark string, check func(t *testing.T, b Block)) {
	t.Helper()
	checked := 0
	for _, d := range documents(t) {
		for _, b := range d.Blocks {
			// The reason why a block is not applied is there for who reads the source.
			if b.Language != "yaml" || b.Mark != mark || mark == "" && strings.HasPrefix(b.Above, notApplied) {
				continue
			}
			checked++
			t.Run(fmt.Sprintf("%s:%d", d.Path, b.Line), func(t *testing.T) {
				t.Parallel()
				check(t, b)
			})
		}
	}
	if checked == 0 && mark == "" {
		t.Error("no block of YAML")
	}
}

func TestEveryBlockOfYAMLSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for _, d := range documents(t) {
		for _, b := range d.Blocks {
			known := b.Mark == "" || b.Mark == fragment || b.Mark == values
			if b.Language == "yml" || b.Language == "yaml" && !known {
				t.Errorf("%s:%d: %q %q is neither yaml, yaml %s nor yaml %s", d.Path, b.Line, b.Language, b.Mark, fragment, values)
			}
			if b.Language == "" && strings.Contains("\n"+b.Text, "\napiVersion: ") {
				t.Errorf("%s:%d: looks like objects of Kubernetes; fence it by ```yaml", d.Path, b.Line)
			}
		}
	}
}

func TestTheAPIServerAcceptsEveryObject(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	eachYAML(t, "", func(t *testing.T, b Block) {
		t.Helper()
		for _, o := range objects(t, b) {
			if o.GetKind() == "Kustomization" {
				build(t, s, b)
				continue
			}
			setNamespace(t, s, o)
			// Nothing is kept, so that examples of one name do not meet.
			if err := s.Client.Create(t.Context(), o, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict)); err != nil {
				t.Errorf("%s %s: %v", o.GetKind(), o.GetName(), err)
			}
		}
	})
}

func TestValidateFindsNothingInAnyExample(t *testing.T) {
	t.Parallel()
	eachYAML(t, "", func(t *testing.T, b Block) {
		t.Helper()
		found, err := validate.Files([]string{"-"}, strings.NewReader(b.Text), envtest.Namespace, validate.World{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if !f.Warning {
				t.Error(f)
			}
		}
	})
}

func TestEveryFragmentIsYAML(t *testing.T) {
	t.Parallel()
	eachYAML(t, fragment, func(t *testing.T, b Block) {
		t.Helper()
		if len(decode(t, b)) == 0 {
			t.Error("it is empty")
		}
	})
}

// objects returns the objects of the block.
func objects(t *testing.T, b Block) []*unstructured.Unstructured {
	t.Helper()
	contents := decode(t, b)
	found := make([]*unstructured.Unstructured, 0, len(contents))
	for _, content := range contents {
		o := &unstructured.Unstructured{Object: content}
		if o.GetAPIVersion() == "" || o.GetKind() == "" {
			t.Fatalf("it is no object, as it has no apiVersion or kind; a part of one is fenced by ```yaml %s", fragment)
		}
		found = append(found, o)
	}
	return found
}

func decode(t *testing.T, b Block) []map[string]any {
	t.Helper()
	var found []map[string]any
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(b.Text), 4096)
	for {
		var content map[string]any
		switch err := decoder.Decode(&content); {
		case errors.Is(err, io.EOF):
			return found
		case err != nil:
			t.Fatal(err)
		case content != nil:
			found = append(found, content)
		}
	}
}

// setNamespace sees to it that the object is in a namespace that exists, as kubectl's default namespace does.
func setNamespace(t *testing.T, s *envtest.Server, o *unstructured.Unstructured) {
	t.Helper()
	namespaced, err := s.Client.IsObjectNamespaced(o)
	if err != nil {
		t.Fatalf("%s %s: %v", o.GetAPIVersion(), o.GetKind(), err)
	}
	if !namespaced {
		return
	}
	if o.GetNamespace() == "" {
		o.SetNamespace(metav1.NamespaceDefault)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: o.GetNamespace()}}
	if err := s.Client.Create(t.Context(), namespace); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

// build builds the kustomization of the block as it would be in a directory beside config, by kubectl.
func build(t *testing.T, s *envtest.Server, b Block) {
	t.Helper()
	dir := t.TempDir()
	config, err := filepath.Abs(filepath.Join(root, "config"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(config, filepath.Join(dir, "config")); err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay")
	if err := os.Mkdir(overlay, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(overlay, "kustomization.yaml"), []byte(b.Text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := s.Kubectl(t, "", "kustomize", overlay); err != nil {
		t.Errorf("kubectl kustomize: %v\n%s", err, out)
	}
}

func TestTheChartRendersWithEveryValuesFile(t *testing.T) {
	t.Parallel()
	helm, err := programs.Find("helm")
	if err != nil {
		t.Skip(err)
	}
	eachYAML(t, values, func(t *testing.T, b Block) {
		t.Helper()
		render := exec.CommandContext(t.Context(), helm, "template", "metallb", filepath.Join(root, "charts", "metallb"),
			"--kube-version", "1.37", "--namespace", envtest.Namespace, "--values", "-")
		render.Stdin = strings.NewReader(b.Text)
		if out, err := render.CombinedOutput(); err != nil {
			t.Errorf("helm template: %v\n%s", err, out)
		}
	})
}
