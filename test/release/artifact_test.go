// SPDX-License-Identifier: Apache-2.0

package release

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"metallb.io/metallb/test/programs"
)

// Helm itself must find in a registry what was copied there from the layout, and it must be the package.
func TestHelmPullsTheChartFromARegistry(t *testing.T) {
	t.Parallel()
	helm, err := programs.Find("helm")
	if err != nil {
		t.Skipf("no helm: %v", err)
	}
	out := t.TempDir()
	o := Options{Source: "../..", Version: "v1.2.3", ImagePrefix: "registry.example/lb-", Repository: "https://git.example/lb"}
	if err := o.chart(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if err := o.chartArtifact(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.New())
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	reference, err := name.NewTag(host+"/charts/metallb:1.2.3", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(reference, unpacked(t, filepath.Join(out, "metallb-1.2.3.oci.tar"))); err != nil {
		t.Fatal(err)
	}
	pulled := t.TempDir()
	run(t, pulled, helm, "pull", "oci://"+host+"/charts/metallb", "--version", "1.2.3", "--plain-http")
	want, err := os.ReadFile(filepath.Join(out, "metallb-1.2.3.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(pulled, "metallb-1.2.3.tgz"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("what helm pulled is another package, %v", err)
	}
	shown := run(t, pulled, helm, "show", "chart", "metallb-1.2.3.tgz")
	for _, want := range []string{"version: 1.2.3\n", "appVersion: v1.2.3\n", "home: https://git.example/lb\n"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the chart has no %q:\n%s", want, shown)
		}
	}
	if strings.Contains(shown, DefaultRepository) {
		t.Error("the chart has the placeholder of the repository")
	}
}

// unpacked returns the only image of a tar with an OCI image layout.
func unpacked(t *testing.T, tarFile string) v1.Image {
	t.Helper()
	directory := t.TempDir()
	run(t, directory, "tar", "--extract", "--file", tarFile)
	index, err := layout.ImageIndexFromPath(directory)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("manifests: %v, %v", manifest, err)
	}
	if tag := manifest.Manifests[0].Annotations["org.opencontainers.image.ref.name"]; tag != "1.2.3" {
		t.Errorf("the tag is %q", tag)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// run returns what a command prints. It runs in a directory, with nothing of the user's.
func run(t *testing.T, directory, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = directory
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}
