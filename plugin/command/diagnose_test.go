// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"metallb.io/metallb/test/builder"
)

func TestADiagnosisIsAFileOfItsOwn(t *testing.T) {
	s := empty(t)
	create(t, s, builder.MakePool("pool", "198.51.100.0/30").Obj(), builder.MakeService("first").Holds("pool", "198.51.100.1").Obj(), node("a"))
	file := filepath.Join(t.TempDir(), "problem.tar.gz")
	got := ask(t, s, "", "diagnose", "-o", file)
	for _, want := range []string{file + " has the following", "ipaddresspools", "services", "nodes", "Look through it before you send it.\n"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("without %q: %+v", want, got)
		}
	}
	if info, err := os.Stat(file); err != nil || got.status != 0 || info.Mode().Perm() != 0o600 || info.Size() == 0 {
		t.Errorf("file %v, %v: %+v", info, err, got)
	}
	if got := ask(t, s, "", "diagnose", "-o", file); got.status != 1 || !strings.Contains(got.err, "the file exists already") {
		t.Errorf("a second one into the file: %+v", got)
	}
	if got := ask(t, s, "", "diagnose", "--since=-1h"); got.status != 1 || !strings.Contains(got.err, "--since=-1h0m0s: must be more than 0") {
		t.Errorf("the future: %+v", got)
	}
}
