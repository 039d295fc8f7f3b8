// SPDX-License-Identifier: Apache-2.0

package proc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"metallb.io/metallb/test/lifetime"
)

// Program is what can be started, and started again.
type Program struct {
	Name string
	Path string
	Args []string
	Env  []string // NAME=value, beside the environment of this process
	// Log is the file that its output is appended to.
	Log string
}

// Process is a running program. Its methods must not be called concurrently, Exited apart.
type Process struct {
	program Program
	cmd     *exec.Cmd
	input   io.Writer
	log     *os.File
	exited  chan struct{}
	err     error // valid once exited is closed
}

// Start starts the program. It dies with this process, and a signal that a terminal sends to this process's group does
// not reach it: Stop ends it.
func (p Program) Start() (*Process, error) {
	log, err := os.OpenFile(p.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.Name, err)
	}
	cmd := exec.Command(p.Path, p.Args...) // without a context: Stop signals before it kills
	cmd.Env = append(os.Environ(), p.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	lifetime.BindGroup(cmd, syscall.SIGKILL)
	input, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.Name, errors.Join(err, log.Close()))
	}
	process := &Process{program: p, cmd: cmd, input: input, log: log, exited: make(chan struct{})}
	go process.wait()
	return process, nil
}

func (p *Process) wait() {
	p.err = errors.Join(p.cmd.Wait(), p.log.Close())
	close(p.exited)
}

// Exited is closed when the process has ended, for whatever reason.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// PID is its process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Tell writes a line to its standard input.
func (p *Process) Tell(line string) error {
	if _, err := io.WriteString(p.input, line+"\n"); err != nil {
		return fmt.Errorf("telling %s %q: %w", p.program.Name, line, err)
	}
	return nil
}

// CPU returns the CPU time used, user and system, of an ended process too.
func (p *Process) CPU() (time.Duration, error) {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), nil
	default:
		return CPU(p.PID())
	}
}

// Failure says why a process ended that nobody stopped, and where to read on.
func (p *Process) Failure() error {
	reason := "exit status 0"
	if p.err != nil {
		reason = p.err.Error()
	}
	return fmt.Errorf("%s ended by itself: %s; its log is %s", filepath.Base(p.program.Path), reason, p.program.Log)
}

// Stop sends SIGTERM, kills the process once ctx is done, and returns when it is gone: an error if it had to be killed. An
// exit status does not matter.
func (p *Process) Stop(ctx context.Context) error {
	// An error means that it is gone already.
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s did not end upon SIGTERM and was killed: %w", p.program.Name, context.Cause(ctx))
	}
}
