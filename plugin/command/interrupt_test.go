// SPDX-License-Identifier: Apache-2.0

//go:build unix

package command_test

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// noticed says on standard output that it is read.
type noticed struct{ file *os.File }

func (a noticed) Read(p []byte) (int, error) {
	if _, err := os.Stdout.WriteString("waiting"); err != nil {
		return 0, err
	}
	return a.file.Read(p)
}

func TestACommandThatWaitsForItsInputEndsWhenItIsInterrupted(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"validate", "migrate"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			command := exec.CommandContext(ctx, os.Args[0])
			command.Env = append(os.Environ(), "COMMAND="+name)
			if _, err := command.StdinPipe(); err != nil {
				t.Fatal(err)
			}
			stdout, err := command.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			said := make([]byte, len("waiting"))
			if _, err := stdout.Read(said); string(said) != "waiting" || err != nil {
				t.Errorf("it says %q, %v", said, err)
			}
			if err := command.Process.Signal(syscall.SIGINT); err != nil {
				t.Error(err)
			}
			if err := command.Wait(); err == nil || err.Error() != "signal: interrupt" {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}
