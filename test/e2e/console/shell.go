// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Shell is a bash that keeps its directory and environment from one command to the next.
type Shell struct {
	command *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Reader
}

// marker ends the output of each command; the exit status follows it.
const marker = "\x01console-end\x01"

// Start starts a shell in the directory. It ends when ctx does, with all that it started.
func Start(ctx context.Context, directory string) (*Shell, error) {
	command := exec.CommandContext(ctx, "bash", "--norc", "--noprofile")
	command.Dir = directory
	command.Env = append(environment(), "LC_ALL=C.UTF-8", "NO_COLOR=1")
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second
	input, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("opening the shell's input: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("opening the shell's output: %w", err)
	}
	command.Stdout, command.Stderr = write, write
	err = command.Start()
	_ = write.Close()
	if err != nil {
		_ = read.Close()
		return nil, fmt.Errorf("starting bash: %w", err)
	}
	return &Shell{command: command, input: input, output: bufio.NewReader(read)}, nil
}

// environment is that of this process without what make tells its children: a make that a document runs is nobody's child.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return name == "MAKEFLAGS" || name == "MAKELEVEL" || name == "MFLAGS"
	})
}

// Run runs one command and returns what it printed and its exit status. The command reads no input.
func (s *Shell) Run(command string) (printed string, status int, err error) {
	if _, err := fmt.Fprintf(s.input, "{ %s\n} < /dev/null\nprintf '\\n%s%%d\\n' $?\n", command, marker); err != nil {
		return "", 0, fmt.Errorf("giving the command to the shell: %w", err)
	}
	var b strings.Builder
	for {
		line, err := s.output.ReadString('\n')
		if err != nil {
			return b.String(), 0, fmt.Errorf("the shell ended: %w", err)
		}
		if after, found := strings.CutPrefix(line, marker); found {
			status, err := strconv.Atoi(strings.TrimSpace(after))
			return b.String(), status, err
		}
		b.WriteString(line)
	}
}

// Close ends the shell.
func (s *Shell) Close() error {
	_ = s.input.Close()
	err := s.command.Wait()
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		return nil // the status of the last command
	}
	return err
}
