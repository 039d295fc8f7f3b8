// SPDX-License-Identifier: Apache-2.0

package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
	tree := NewTree(Unpacked)
	if err := tree.AddProgram("/bin/bash"); err != nil {
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

func TestAProgramThatCannotBeAddedIsNamed(t *testing.T) {
	t.Parallel()
	if err := NewTree(Unpacked).AddProgram("/no/such/bird"); err == nil || !strings.Contains(err.Error(), "/no/such/bird") {
		t.Errorf("error %v does not name the program", err)
	}
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := NewTree(Unpacked).AddProgram(script); err == nil || !strings.Contains(err.Error(), script) {
		t.Errorf("error %v does not name the script, whose interpreter would be missing", err)
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
