// SPDX-License-Identifier: Apache-2.0

//go:build unix

package command_test

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"metallb.io/metallb/test/builder"
)

func TestADiagnosisIsAFileOfItsOwn(t *testing.T) {
	s := empty(t)
	create(t, s, builder.MakePool("pool", "198.51.100.0/30").Obj(), builder.MakeService("first").Holds("pool", "198.51.100.1").Obj(), node("a", nil))
	file := filepath.Join(t.TempDir(), "problem.tar.gz")
	got := ask(t, s, "", "diagnose", "-o", file)
	for _, want := range []string{file + " has the following", "ipaddresspools", "services", "nodes", "Look through it before you send it.\n"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("without %q: %+v", want, got)
		}
	}
	if text := unpacked(t, file, "explanations.txt"); !strings.Contains(text, "Service default/first\n") || !strings.Contains(text, "✗ ") {
		t.Errorf("what is wrong is not explained: %q", text)
	}
	if info, err := os.Stat(file); err != nil || got.status != 0 || info.Mode().Perm() != 0o600 || info.Size() == 0 {
		t.Errorf("file %v, %v: %+v", info, err, got)
	}
	if got := ask(t, s, "", "diagnose", "-o", file); got.status != 1 || !strings.Contains(got.stderr, "the file exists already") {
		t.Errorf("a second one into the file: %+v", got)
	}
	if got := ask(t, s, "", "diagnose", "--since=-1h"); got.status != 1 || !strings.Contains(got.stderr, "--since=-1h0m0s: must be more than 0") {
		t.Errorf("the future: %+v", got)
	}
}

// unpacked returns a file of an archive.
func unpacked(t *testing.T, archive, name string) string {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	content, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(content); ; {
		header, err := files.Next()
		if err != nil {
			t.Fatalf("no %s: %v", name, err)
		}
		if filepath.Base(header.Name) == name {
			text, err := io.ReadAll(files)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
}
