// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"metallb.io/metallb/test/programs"
)

// runner starts the programs of a cluster and knows how they fare.
type runner struct {
	cluster *Cluster
	cgroups *cgroups

	mu    sync.Mutex // over the process file
	ended chan error // the first program that ended, and how
}

func newRunner(c *Cluster, g *cgroups) *runner {
	return &runner{cluster: c, cgroups: g, ended: make(chan error, 1)}
}

// start starts a program of the cluster's directory in a control group, in its own session, so that it lives on when the
// caller ends or is interrupted. Its output goes to its log.
func (r *runner) start(ctx context.Context, group, name, program string, args ...string) error {
	return r.run(ctx, group, name, nil, filepath.Join(r.cluster.Bin(), program), args...)
}

// forever is a shell script that runs its arguments again whenever they end, as a kubelet does with a container. It begins when its
// standard input ends.
const forever = `read -r _; while :; do "$@"; sleep 1; done`

// startAgain is like start, and starts the program again whenever it ends.
func (r *runner) startAgain(ctx context.Context, group, name, program string, args ...string) error {
	begin, gate, err := os.Pipe()
	if err != nil {
		return err
	}
	defer begin.Close()
	args = append([]string{"-c", forever, name, filepath.Join(r.cluster.Bin(), program)}, args...)
	// Only what the shell starts once it is in the control group is in it too.
	return errors.Join(r.run(ctx, group, name, begin, "/bin/sh", args...), gate.Close())
}

func (r *runner) run(ctx context.Context, group, name string, input io.Reader, program string, args ...string) error {
	log, err := os.Create(r.cluster.Log(name))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + r.cluster.Bin() + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		if err := cmd.Wait(); err == nil {
			r.report(fmt.Errorf("%s has ended%s", name, r.tail(name)))
		} else {
			r.report(fmt.Errorf("%s has ended: %w%s", name, err, r.tail(name)))
		}
	}()
	return errors.Join(r.note(name, cmd.Process.Pid), r.cgroups.add(group, cmd.Process.Pid))
}

// report keeps the first end of a program for whoever waits. Later ones are its consequences, or of a normal Down.
func (r *runner) report(err error) {
	select {
	case r.ended <- err:
	default:
	}
}

// note appends a process to the process file.
func (r *runner) note(name string, pid int) error {
	start, err := startTime(pid)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrProcessDone) {
		return nil // it has ended, which is reported elsewhere and with its log
	} else if err != nil {
		return fmt.Errorf("looking up %s: %w", name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	file, err := os.OpenFile(r.cluster.path(processFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, Process{Name: name, PID: pid, start: start})
	return errors.Join(err, file.Close())
}

// until calls ready every few milliseconds until it returns nil. It gives up when a program ends, the context is done or
// patience runs out, and then says how far it got and shows the end of the logs of the programs that are waited for.
func (r *runner) until(ctx context.Context, what string, ready func(context.Context) error, logs ...string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startPatience, fmt.Errorf("not within %s", startPatience))
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case ended := <-r.ended:
			r.report(ended) // others may wait, too
			return fmt.Errorf("waiting for %s: %w", what, ended)
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), context.Canceled) {
				return fmt.Errorf("waiting for %s: %w", what, context.Canceled)
			}
			var tails strings.Builder
			for _, name := range logs {
				tails.WriteString(r.tail(name))
			}
			return fmt.Errorf("waiting for %s: %w; lately: %w%s", what, context.Cause(ctx), err, tails.String())
		case <-ticker.C:
		}
	}
}

// tail returns the end of a program's log for an error message.
func (r *runner) tail(name string) string {
	path := r.cluster.Log(name)
	text, err := os.ReadFile(path)
	if err != nil || len(text) == 0 {
		return ""
	}
	return fmt.Sprintf("\n  the end of %s:\n%s", path, programs.LastLines(text, 10))
}
