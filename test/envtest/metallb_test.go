// SPDX-License-Identifier: Apache-2.0

package envtest_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/plugin/migrate"
	"metallb.io/metallb/plugin/validate"
	"metallb.io/metallb/test/envtest"
)

// manifestsForMetalLB returns the files of a folder of testdata/metallb, which are written as for MetalLB: what they say, by their path. There
// are at least so many.
func manifestsForMetalLB(t *testing.T, folder string, least int) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "metallb", folder, "*.yaml"))
	if err != nil || len(paths) < least {
		t.Fatalf("%d manifests, want %d or more: %v", len(paths), least, err)
	}
	manifests := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		manifests[path] = string(text)
	}
	return manifests
}

// says returns what a manifest says in its first comments that is said of it.
func says(manifest string) []string {
	var said []string
	for line := range strings.Lines(manifest) {
		text, found := strings.CutPrefix(strings.TrimSpace(line), "# says: ")
		if !found {
			break
		}
		said = append(said, text)
	}
	return said
}

// judge returns what "kubectl metallb validate", which knows what the webhook does, says of the manifest, each without the place, and whether it
// is refused.
func judge(t *testing.T, path string) (said []string, refused bool) {
	t.Helper()
	found, err := validate.Files([]string{path}, nil, envtest.Namespace, validate.World{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		said = append(said, strings.TrimPrefix(f.String(), f.Place.String()+": "))
		refused = refused || !f.Warning
	}
	return said, refused
}

func TestManifestsForMetalLBApplyUnchanged(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	for path, text := range manifestsForMetalLB(t, "accepted", 40) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			out, err := s.Kubectl(t, text, "apply", "--dry-run=server", "--validate=strict", "-f", "-")
			if err != nil {
				t.Errorf("kubectl: %v\n%s", err, out)
			}
			count := strings.Count(text, "\nkind: ") + strings.Count(text, "\n  kind: ") - strings.Count(text, "\nkind: List\n")
			if created := strings.Count(out, " created (server dry run)\n"); created != count {
				t.Errorf("%d of %d objects created:\n%s", created, count, out)
			}
			said, refused := judge(t, path)
			if refused {
				t.Error("refused")
			}
			if diff := cmp.Diff(says(text), said); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnnotationsForMetalLBAreUnderstood(t *testing.T) {
	t.Parallel()
	understood := []string{v1beta1.AnnotationAddressPool, v1beta1.AnnotationLoadBalancerIPs, v1beta1.AnnotationAllowSharedIP}
	found := map[string]int{}
	for path, text := range manifestsForMetalLB(t, "accepted", 40) {
		for document := range strings.SplitSeq(text, "\n---\n") {
			var service corev1.Service
			if err := yaml.Unmarshal([]byte(document), &service); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			for key, value := range service.Annotations {
				if !slices.ContainsFunc(understood, func(name string) bool {
					return (key == name || key == assignment.Deprecated(name)) && assignment.Annotation(&service, name) == value
				}) {
					t.Errorf("%s: Service %s: %s is not understood", path, service.Name, key)
				}
				found[key]++
			}
		}
	}
	if len(found) != 2*len(understood) {
		t.Errorf("not every annotation with both prefixes is there: %v", found)
	}
}

func TestManifestsForMetalLBThatAreRefusedSayWhy(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	for path, text := range manifestsForMetalLB(t, "refused", 5) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			if out, err := s.Kubectl(t, text, "apply", "--dry-run=server", "--validate=strict", "-f", "-"); err == nil {
				t.Errorf("accepted by the API server:\n%s", out)
			}
			said, refused := judge(t, path)
			if !refused {
				t.Error("not refused")
			}
			if diff := cmp.Diff(says(text), said); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfigMapsForMetalLBApplyOnceTheyAreMigrated(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	for path := range manifestsForMetalLB(t, "configmap", 2) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			converted, err := migrate.Convert(path, content, envtest.Namespace)
			if err != nil || converted.Lost {
				t.Fatalf("migrating: %v, %q", err, converted.Remarks)
			}
			if out, err := s.Kubectl(t, string(converted.Resources), "apply", "--dry-run=server", "--validate=strict", "-f", "-"); err != nil {
				t.Errorf("kubectl: %v\n%s", err, out)
			}
		})
	}
}
