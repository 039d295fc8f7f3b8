// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// unpack writes the files of an image to a directory.
func unpack(t *testing.T, img v1.Image) string {
	t.Helper()
	root := t.TempDir()
	files := contents(t, img)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names) // folders come before what is in them
	for _, name := range names {
		place := filepath.Join(root, name)
		var err error
		switch f := files[name]; {
		case f.Link != "":
			err = os.Symlink(f.Link, place)
		case os.FileMode(f.Mode)&0o111 != 0 && f.Text == "":
			err = os.MkdirAll(place, 0o755)
		default:
			err = os.WriteFile(place, []byte(f.Text), os.FileMode(f.Mode))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestAProgramRunsWithNothingButItsImage(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can change its root directory")
	}
	tree := NewTree()
	if err := tree.AddProgram(Host{}, "/bin/bash"); err != nil {
		t.Fatal(err)
	}
	img, err := tree.Image(v1.Config{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "chroot", unpack(t, img), "/bin/bash", "-c", "echo works in; echo /*").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.HasPrefix(string(out), "works in\n") || strings.Contains(string(out), "/home") {
		t.Errorf("it says %q", out)
	}
}

func TestUnpackedPackagesComeBeforeTheMachine(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(root, "etc", "passwd")
	if err := os.WriteFile(own, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"/etc/passwd": own, "/etc/group": "/etc/group"} {
		got, err := Host{Root: root}.find(name)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is taken from %s, want %s", name, got, want)
		}
	}
}

func TestAProgramThatCannotBeAddedIsNamed(t *testing.T) {
	t.Parallel()
	if err := NewTree().AddProgram(Host{}, "/no/such/bird"); err == nil || !strings.Contains(err.Error(), "/no/such/bird") {
		t.Errorf("error %v does not name the program", err)
	}
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := NewTree().AddProgram(Host{}, script); err == nil || !strings.Contains(err.Error(), script) {
		t.Errorf("error %v does not name the script, whose interpreter would be missing", err)
	}
}

func TestLibraryPackages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		depends string
		want    []string
	}{
		"versions and programs are left out": {
			depends: "libc6 (>= 2.34), libpcre2-8-0 (>= 10.22), zlib1g:any, iproute2, nginx-common (= 1.22.1-9)",
			want:    []string{"libc6", "libpcre2-8-0", "zlib1g"},
		},
		"the first of alternatives is taken": {depends: "libssl3t64 | libssl3, adduser", want: []string{"libssl3t64"}},
		"nothing is needed":                  {depends: "\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, libraryPackages(tt.depends)); diff != "" {
				t.Errorf("packages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDownloadedPackagesAreNotDownloadedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "no-such-package_1.0_all.deb")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // any command would fail
	got, err := download(ctx, dir, []string{"no-such-package"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{file}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestOnlyKnownImagesAreMade(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	_, err := All(t.Context(), Options{Out: out, Only: []string{"speaker", "frr"}})
	if err == nil || !strings.Contains(err.Error(), `"frr"`) {
		t.Errorf("error %v does not name frr", err)
	}
}
