// SPDX-License-Identifier: Apache-2.0

package envtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// guard is a process that ends the server when the test's process is gone without having done so: interrupted, killed,
// or stopped by go test's own timeout. It also owns the server's files.
type guard struct {
	// dir holds scripts that become etcd and kube-apiserver and leave their process ids beside them; certificates; etcd's data.
	dir string
	// pipe to the process; its end without a word is what the process waits for.
	pipe io.WriteCloser
	cmd  *exec.Cmd
}

// watch waits for the end of the input. After the word done the server has been stopped.
const watch = `read -r word; [ "$word" = done ] || kill -9 $(cat "$1"/*.pid); rm -rf "$1"`

func newGuard(ctx context.Context, bin string) (*guard, error) {
	dir, err := os.MkdirTemp("", "metallb-envtest-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for the server: %w", err)
	}
	g := &guard{dir: dir}
	if err := g.start(ctx, bin); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing %s: %w", dir, err), os.RemoveAll(dir))
	}
	return g, nil
}

func (g *guard) start(ctx context.Context, bin string) error {
	for _, name := range []string{"etcd", "kube-apiserver"} {
		script := fmt.Sprintf("#!/bin/sh\necho $$ >%s\nexec %s \"$@\"\n", quoted(filepath.Join(g.dir, name+".pid")), quoted(filepath.Join(bin, name)))
		if err := os.WriteFile(filepath.Join(g.dir, name), []byte(script), 0o700); err != nil {
			return err
		}
	}
	if err := os.Mkdir(g.certs(), 0o700); err != nil {
		return err
	}
	g.cmd = exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", watch, "sh", g.dir)
	// A group of its own, so that an interrupt from the terminal does not end it together with the test.
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := g.cmd.StdinPipe()
	if err != nil {
		return err
	}
	g.pipe = pipe
	return g.cmd.Start()
}

// release ends the process once the server is stopped, and removes the files.
func (g *guard) release() error {
	_, err := io.WriteString(g.pipe, "done\n")
	return errors.Join(err, g.cmd.Wait())
}

func (g *guard) certs() string { return filepath.Join(g.dir, "certs") }

func (g *guard) data() string { return filepath.Join(g.dir, "data") }

// quoted returns the path as one word of a shell.
func quoted(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }
