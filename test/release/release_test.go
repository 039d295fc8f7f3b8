// SPDX-License-Identifier: Apache-2.0

package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const changelog = `# Changelog

## Unreleased

### Added
- Tea.

## [v0.2.0] - 2026-05-01

### Added
- Coffee.

### Fixed
- Milk.

## v0.1.0

## 0.0.1-rc.1 2025-01-01
- Water.
`

func TestNotesAreThoseOfTheVersion(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ version, want, refused string }{
		"with a date":         {version: "v0.2.0", want: "### Added\n- Coffee.\n\n### Fixed\n- Milk.\n"},
		"without a v":         {version: "v0.0.1-rc.1", want: "- Water.\n"},
		"without any":         {version: "v0.1.0", refused: `CHANGELOG.md says nothing under "## v0.1.0"`},
		"that is not in it":   {version: "v0.3.0", refused: `CHANGELOG.md has no section "## v0.3.0": give what is under "## Unreleased" that heading`},
		"that begins another": {version: "v0.2", refused: `CHANGELOG.md has no section "## v0.2": give what is under "## Unreleased" that heading`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Notes(changelog, tc.version)
			if tc.refused != "" {
				if err == nil || err.Error() != tc.refused {
					t.Errorf("error %v, want %s", err, tc.refused)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("error %v, notes (-want +got):\n%s", err, diff)
			}
		})
	}
}

// repository returns a source tree with a changelog, committed and tagged v0.2.0, and one more commit.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "CHANGELOG.md", changelog)
	for _, args := range [][]string{
		{"init", "--quiet"}, {"add", "."}, {"commit", "--quiet", "--message", "First"}, {"tag", "v0.2.0"},
		{"commit", "--quiet", "--allow-empty", "--message", "Second"},
	} {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNoReleaseIsRefusedInOneLine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ version, file, want string }{
		"no version":            {version: "dev", want: "VERSION=dev: is not a version such as v1.2.3 or v1.2.3-rc.1"},
		"a number only":         {version: "1.2.3", want: "VERSION=1.2.3: is not a version such as v1.2.3 or v1.2.3-rc.1"},
		"a changed source tree": {version: "v0.0.1-rc.1", file: "left.go", want: "the source tree has changes that are not committed: commit or remove them (?? left.go)"},
		"no section":            {version: "v0.3.0", want: `CHANGELOG.md has no section "## v0.3.0": give what is under "## Unreleased" that heading`},
		"another's tag":         {version: "v0.2.0", want: "VERSION=v0.2.0: is the tag of another commit, "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t)
			if tc.file != "" {
				write(t, dir, tc.file, "")
			}
			out := filepath.Join(t.TempDir(), "release")
			err := Make(t.Context(), Options{Source: dir, Out: out, Version: tc.version})
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %s", err, tc.want)
			}
			if _, err := os.Stat(out); !os.IsNotExist(err) {
				t.Errorf("there are files: %v", err)
			}
		})
	}
}

func TestManifestsAndChartNameTheImagesOfTheRelease(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	o := Options{Source: "../..", Version: "v1.2.3", ImagePrefix: "registry.example/lb-"}
	if err := o.manifests(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, "metallb.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"image: registry.example/lb-controller:v1.2.3\n", "image: registry.example/lb-speaker:v1.2.3\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("there is no %q", want)
		}
	}
	if strings.Contains(string(text), "localhost/") {
		t.Error("there is an image of the source tree")
	}
	if err := o.chart(t.Context(), out); err != nil {
		t.Skipf("no helm: %v", err)
	}
	for _, content := range []string{"values.yaml", "files/defaults.yaml", "README.md"} {
		cmd := exec.CommandContext(t.Context(), "tar", "--extract", "--gzip", "--to-stdout", "--file", "metallb-1.2.3.tgz", "metallb/"+content)
		cmd.Dir = out
		text, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", content, err)
		}
		if !strings.Contains(string(text), "registry.example/lb-") || strings.Contains(string(text), "localhost/metallb-") {
			t.Errorf("%s of the chart has an image of the source tree", content)
		}
	}
}
