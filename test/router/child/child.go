// SPDX-License-Identifier: Apache-2.0

package child

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/go-logr/logr"

	"metallb.io/metallb/test/lifetime"
	"metallb.io/metallb/test/router/namespace"
)

// Config says what to run.
type Config struct {
	// Name is used in messages.
	Name string
	// Args is the command line; Args[0] is looked up in PATH.
	Args []string
	// Dir is the working directory.
	Dir string
	// NetNS is the path of the network namespace to run in; empty means the caller's.
	NetNS string
	// StopTimeout is how long a daemon may take to end after SIGTERM before it is killed; 2 s when zero.
	StopTimeout time.Duration
	// RestartDelay is the pause before a daemon that died is started again; 1 s when zero.
	RestartDelay time.Duration
	// Log receives starts, deaths and, at level 1, the daemon's output.
	Log logr.Logger
}

// Child is a supervised daemon.
type Child struct {
	cfg    Config
	output *tail
	stop   context.CancelFunc
	done   chan struct{}

	mu  sync.Mutex
	pid int
	err error
}

// Start starts the daemon and supervises it until Stop. It fails when the program cannot be started the first time.
func Start(cfg Config) (*Child, error) {
	if cfg.StopTimeout == 0 {
		cfg.StopTimeout = 2 * time.Second
	}
	if cfg.RestartDelay == 0 {
		cfg.RestartDelay = time.Second
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Child{cfg: cfg, output: newTail(cfg.Log), stop: cancel, done: make(chan struct{})}
	started := make(chan error, 1)
	go c.supervise(ctx, started)
	if err := <-started; err != nil {
		c.Stop()
		return nil, fmt.Errorf("starting %s: %w", cfg.Name, err)
	}
	return c, nil
}

// Stop ends the daemon: SIGTERM, then SIGKILL when it does not end in time. It returns once the daemon is gone.
func (c *Child) Stop() {
	c.stop()
	<-c.done
}

// PID returns the daemon's process ID; 0 while it is not running.
func (c *Child) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pid
}

// Err says why the daemon is not running, with the end of its output; nil while it runs.
func (c *Child) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// supervise owns an operating system thread for as long as the daemon may live: the parent-death signal is bound to
// the thread that started the process, and so is the network namespace. The thread is not unlocked, so it ends with
// the goroutine and never returns to the pool in a foreign namespace.
func (c *Child) supervise(ctx context.Context, started chan<- error) {
	defer close(c.done)
	runtime.LockOSThread()
	if err := namespace.Enter(c.cfg.NetNS); err != nil {
		started <- err
		return
	}
	for first := true; ; first = false {
		cmd, err := c.launch()
		if first {
			started <- err
			if err != nil {
				return
			}
		}
		if err == nil {
			err = c.await(ctx, cmd)
		}
		if ctx.Err() != nil {
			return
		}
		c.record(0, err)
		c.cfg.Log.Info("restarting daemon that died", "daemon", c.cfg.Name, "cause", err.Error())
		select {
		case <-ctx.Done():
			return
		case <-time.After(c.cfg.RestartDelay):
		}
	}
}

func (c *Child) launch() (*exec.Cmd, error) {
	cmd := exec.Command(c.cfg.Args[0], c.cfg.Args[1:]...)
	cmd.Dir = c.cfg.Dir
	cmd.Stdout, cmd.Stderr = c.output, c.output
	cmd.WaitDelay = time.Second
	lifetime.BindGroup(cmd, syscall.SIGKILL)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c.record(cmd.Process.Pid, nil)
	return cmd, nil
}

// await returns when the process ended, by itself or because ctx is done.
func (c *Child) await(ctx context.Context, cmd *exec.Cmd) error {
	var exit error
	ended := make(chan struct{})
	go func() {
		exit = cmd.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		if exit == nil {
			exit = errors.New("exited with status 0")
		}
		if last := c.output.String(); last != "" {
			return fmt.Errorf("%s: %w: %s", c.cfg.Name, exit, last)
		}
		return fmt.Errorf("%s: %w", c.cfg.Name, exit)
	case <-ctx.Done():
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(c.cfg.StopTimeout):
		c.cfg.Log.Info("killing daemon that did not end", "daemon", c.cfg.Name, "after", c.cfg.StopTimeout.String())
		_ = cmd.Process.Kill()
		<-ended
	}
	c.record(0, nil)
	return nil
}

func (c *Child) record(pid int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pid, c.err = pid, err
}
