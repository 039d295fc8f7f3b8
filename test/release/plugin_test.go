// SPDX-License-Identifier: Apache-2.0

package release

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// krewManifest is what krew reads, as it documents it: pkg/index/types.go.
type krewManifest struct {
	APIVersion, Kind string
	Metadata         struct{ Name string }
	Spec             struct {
		Version, Homepage, ShortDescription, Description, Caveats string

		Platforms []struct {
			Selector struct{ MatchLabels map[string]string }
			URI      string
			SHA256   string
			Bin      string
			Files    []struct{ From, To string }
		}
	}
}

// packed returns a directory with the archives of programs that are texts, and their manifest.
func packed(t *testing.T) string {
	t.Helper()
	out := t.TempDir()
	o := Options{Source: "../..", Version: "v1.2.3", Repository: "https://git.example/lb"}
	for _, p := range pluginPlatforms() {
		program := filepath.Join(t.TempDir(), p.name())
		if err := os.WriteFile(program, []byte("for "+p.name()), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := o.pack(p, program, out); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.krew(out); err != nil {
		t.Fatal(err)
	}
	return out
}

// manifest reads the manifest of krew, strictly.
func manifest(t *testing.T, out string) krewManifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(out, "krew-metallb.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var m krewManifest
	if err := yaml.UnmarshalStrict(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestKrewTakesTheManifest(t *testing.T) {
	t.Parallel()
	m := manifest(t, packed(t))
	if m.APIVersion != "krew.googlecontainertools.github.com/v1alpha2" || m.Kind != "Plugin" || m.Metadata.Name != "metallb" {
		t.Errorf("it is %s %s %s", m.APIVersion, m.Kind, m.Metadata.Name)
	}
	if m.Spec.Version != "v1.2.3" || m.Spec.Homepage != "https://git.example/lb" || m.Spec.Description == "" {
		t.Errorf("it says %+v", m.Spec)
	}
	if short := m.Spec.ShortDescription; short == "" || len(short) > 50 || strings.Contains(short, "\n") {
		t.Errorf("it says in short %q", short)
	}
}

func TestKrewFindsTheArchiveOfEachPlatform(t *testing.T) {
	t.Parallel()
	out := packed(t)
	selected := map[string]string{}
	for _, p := range manifest(t, out).Spec.Platforms {
		file, found := strings.CutPrefix(p.URI, "https://git.example/lb/releases/download/v1.2.3/")
		if !found || path.Base(file) != file {
			t.Errorf("it is fetched from %s", p.URI)
		}
		selected[p.Selector.MatchLabels["os"]+"/"+p.Selector.MatchLabels["arch"]] = file
		content, err := os.ReadFile(filepath.Join(out, file))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != p.SHA256 {
			t.Errorf("%s: the sum is %x, and not %s", file, sum, p.SHA256)
		}
		name := strings.TrimSuffix(strings.TrimSuffix(file, ".tar.gz"), ".zip")
		if program := unarchived(t, file, content)[p.Bin]; program != "-rwxr-xr-x for "+name {
			t.Errorf("%s: %s is %q", file, p.Bin, program)
		}
	}
	want := map[string]string{
		"linux/amd64": "kubectl-metallb-linux-amd64.tar.gz", "linux/arm64": "kubectl-metallb-linux-arm64.tar.gz",
		"darwin/amd64": "kubectl-metallb-darwin-amd64.tar.gz", "darwin/arm64": "kubectl-metallb-darwin-arm64.tar.gz",
		"windows/amd64": "kubectl-metallb-windows-amd64.zip", "windows/arm64": "kubectl-metallb-windows-arm64.zip",
	}
	if diff := cmp.Diff(want, selected); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
}

func TestEachArchiveHasTheLicenseAndWhatCompletes(t *testing.T) {
	t.Parallel()
	out := packed(t)
	license, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][]string{
		"kubectl-metallb-darwin-arm64.tar.gz": {"kubectl-metallb", "kubectl_complete-metallb", "LICENSE"},
		"kubectl-metallb-windows-amd64.zip":   {"kubectl-metallb.exe", "LICENSE"},
	} {
		content, err := os.ReadFile(filepath.Join(out, file))
		if err != nil {
			t.Fatal(err)
		}
		files := unarchived(t, file, content)
		for _, name := range want {
			if files[name] == "" {
				t.Errorf("%s has no %s", file, name)
			}
		}
		if len(files) != len(want) || files["LICENSE"] != "-rw-r--r-- "+string(license) {
			t.Errorf("%s has %d files, and the license %.40q", file, len(files), files["LICENSE"])
		}
		if script := files["kubectl_complete-metallb"]; len(want) == 3 && !strings.HasPrefix(script, "-rwxr-xr-x #!/bin/sh\n") {
			t.Errorf("%s completes by %.40q", file, script)
		}
	}
	if again := packed(t); !equalFiles(t, out, again) {
		t.Error("the same programs make other archives")
	}
}

func equalFiles(t *testing.T, one, other string) bool {
	t.Helper()
	all := make([][]digest, 0, 2)
	for _, dir := range []string{one, other} {
		files, err := digests(dir)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, files)
	}
	return cmp.Equal(all[0], all[1], cmp.AllowUnexported(digest{}))
}

// unarchived returns the files of an archive by their names, each with its mode before it.
func unarchived(t *testing.T, name string, content []byte) map[string]string {
	t.Helper()
	found := map[string]string{}
	if strings.HasSuffix(name, ".zip") {
		archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.File {
			reader, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			found[f.Name] = f.Mode().String() + " " + readAll(t, reader)
		}
		return found
	}
	uncompressed, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(uncompressed); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		found[header.Name] = header.FileInfo().Mode().String() + " " + readAll(t, archive)
	}
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
