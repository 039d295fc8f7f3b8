// SPDX-License-Identifier: Apache-2.0

package release

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"metallb.io/metallb/test/image"
)

func TestProvenanceNamesTheCommitAndEveryFile(t *testing.T) {
	t.Parallel()
	source, out := repository(t), t.TempDir()
	write(t, out, "notes", "text")
	platforms, err := image.ParsePlatforms("linux/arm/v7")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Source: source, Version: "v0.2.0", ImagePrefix: "registry.example/lb-", Repository: "https://git.example/lb", Platforms: platforms}
	if err := o.provenance(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, provenance))
	if err != nil {
		t.Fatal(err)
	}
	var got statement
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	commit := run(t, source, "git", "rev-parse", "HEAD")
	build := got.Predicate.BuildDefinition
	if want := strings.TrimSpace(commit); build.ResolvedDependencies[0].Digest["gitCommit"] != want || build.ResolvedDependencies[0].URI != "git+https://git.example/lb" {
		t.Errorf("made from %v, want commit %s", build.ResolvedDependencies, want)
	}
	const sum = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1" // printf text | sha256sum
	if len(got.Subject) != 1 || got.Subject[0].Name != "notes" || got.Subject[0].Digest["sha256"] != sum {
		t.Errorf("files %v", got.Subject)
	}
	if platforms, ok := build.ExternalParameters["platforms"].([]any); !ok || len(platforms) != 1 || platforms[0] != "linux/arm/v7" {
		t.Errorf("settings %v", build.ExternalParameters)
	}
}

// A program of this module, which needs modules of others.
func TestABillOfMaterialsListsTheModulesOfAProgram(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(out, "release-linux-amd64"), "./cmd/release")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := (Options{Version: "v1.2.3"}).sbom(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(out, "sbom", "release-linux-amd64.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(file, cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	if c := bom.Metadata.Component; c.Name != "release-linux-amd64" || c.Version != "v1.2.3" {
		t.Errorf("it is of %s %s", c.Name, c.Version)
	}
	hashed := map[string]bool{}
	for _, component := range *bom.Components {
		if !strings.HasPrefix(component.PackageURL, "pkg:golang/"+component.Name+"@") {
			t.Errorf("%s has the package URL %s", component.Name, component.PackageURL)
		}
		hashed[component.Name] = component.Hashes != nil
	}
	if _, ok := hashed["std"]; !ok || !hashed["github.com/google/go-containerregistry"] {
		t.Errorf("modules, and whether they have a hash: %v", hashed)
	}
}
