// SPDX-License-Identifier: Apache-2.0

package envtest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestGuardEndsTheProgramsOfAProcessThatIsGone(t *testing.T) {
	t.Parallel()
	g, program := guarded(t)
	if err := g.pipe.Close(); err != nil { // As the kernel does for a process that is gone.
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := program.Wait(); !errors.As(err, &exit) || exit.String() != "signal: killed" {
		t.Errorf("the program ended with %v, want it killed", err)
	}
	if err := g.cmd.Wait(); err != nil {
		t.Errorf("the guard ended with %v", err)
	}
	wantGone(t, g.dir)
}

func TestGuardLeavesTheProgramsToAProcessThatStopsThem(t *testing.T) {
	t.Parallel()
	g, program := guarded(t)
	if err := g.release(); err != nil {
		t.Fatal(err)
	}
	wantGone(t, g.dir)
	if err := program.Process.Kill(); err != nil {
		t.Errorf("the program is gone: %v", err)
	}
	if err := program.Wait(); err == nil {
		t.Error("the program ended by itself")
	}
}

// guarded starts a guard and a program that waits in etcd's place, in a directory whose name the shell must not read.
func guarded(t *testing.T) (*guard, *exec.Cmd) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "it's $HOME")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho \"$1\"\nexec sleep 600\n"
	if err := os.WriteFile(filepath.Join(bin, "etcd"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	g, err := newGuard(t.Context(), bin)
	if err != nil {
		t.Fatal(err)
	}
	program := exec.CommandContext(t.Context(), filepath.Join(g.dir, "etcd"), "ready")
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	word := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(out, word); err != nil || string(word) != "ready\n" {
		t.Fatalf("the program said %q, %v; want ready", word, err)
	}
	return g, program
}

func wantGone(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: got %v, want it gone", dir, err)
	}
}
