// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Options say how programs are built. The zero value is for this machine, from the source tree in the current directory.
type Options struct {
	Source      string   // directory in the source tree
	LinkerFlags string   // such as -X of a variable
	Environment []string // such as GOARCH of another machine
}

// Build builds static programs of this module into out: the file of the one package, or, if it ends in a slash, the directory of
// files that have the packages' last names. The same source makes the same programs, wherever it is. What is there and up to date is
// left alone.
func Build(ctx context.Context, o Options, out string, packages ...string) error {
	args := slices.Concat([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags", strings.TrimSpace("-s -w " + o.LinkerFlags), "-o", out}, packages)
	_, err := Go(ctx, o.Source, slices.Concat([]string{"CGO_ENABLED=0"}, o.Environment), args...)
	return err
}

// Product returns the directory of this project's two programs, named as their packages: controllers and speaker. They are of the
// source tree that the test is in, and built once for all tests, of other packages and processes too.
func Product(tb testing.TB) string {
	tb.Helper()
	root, err := Root()
	if err != nil {
		tb.Fatal(err)
	}
	hash := sha256.Sum256([]byte(root))
	dir := filepath.Join(Cache(), fmt.Sprintf("product-%x", hash[:6]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	unlock, err := Lock(tb.Context(), filepath.Join(dir, ".lock"), func() {})
	if err != nil {
		tb.Fatal(err)
	}
	defer unlock()
	if err := Build(tb.Context(), Options{Source: root}, dir+string(filepath.Separator), "./controllers", "./speaker"); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// Module is where the go command has put a module.
type Module struct {
	Dir   string // of its files
	GoMod string // file
}

// Download has the go command get a module such as k8s.io/kubernetes@v1.37.2, if it does not have it. It does so in dir, which is in
// no module whose go.sum would not have it.
func Download(ctx context.Context, dir, module string) (Module, error) {
	var m Module
	out, err := Go(ctx, dir, []string{"GOWORK=off", "GOFLAGS="}, "mod", "download", "-json", module)
	if err == nil {
		err = json.Unmarshal([]byte(out), &m)
	}
	if err != nil {
		return m, fmt.Errorf("downloading %s: %w", module, err)
	}
	return m, nil
}

// Go runs the go command in dir, with some more environment, and returns what it printed. What it has started ends with the context.
func Go(ctx context.Context, dir string, environment []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), environment...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // compilers, too
	out, err := Output(cmd)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return out, err
}

// Root finds the top directory of this module from the current directory, which is in it.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working directory; run tests inside the module")
		}
		dir = parent
	}
}
