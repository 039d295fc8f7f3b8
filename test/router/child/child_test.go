// SPDX-License-Identifier: Apache-2.0

package child_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"

	"metallb.io/metallb/test/router/child"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// eventually waits for a condition that another process brings about.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it never came true")
		}
	}
}

func shell(script string) []string { return []string{"sh", "-c", script} }

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestDaemonThatDiesIsExplainedAndStartedAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "started")
	c, err := child.Start(child.Config{
		Name: "daemon", Args: shell("echo x >> " + file + "; echo it hurts >&2; exit 3"), RestartDelay: 50 * time.Millisecond, Log: logr.Discard(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	eventually(t, func() bool { return c.Err() != nil })
	eventually(t, func() bool {
		err := c.Err()
		return err != nil && strings.Contains(err.Error(), "daemon: exit status 3") && strings.Contains(err.Error(), "it hurts")
	})
	eventually(t, func() bool {
		text, _ := os.ReadFile(file)
		return strings.Count(string(text), "x") >= 3
	})
}

func TestDaemonEndsWithStop(t *testing.T) {
	t.Parallel()
	c, err := child.Start(child.Config{Name: "daemon", Args: []string{"sleep", "1000"}, Log: logr.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	pid := c.PID()
	if pid == 0 || !alive(pid) {
		t.Fatalf("process %d does not run", pid)
	}
	c.Stop()
	if alive(pid) || c.PID() != 0 || c.Err() != nil {
		t.Errorf("process %d, then %d, error %v", pid, c.PID(), c.Err())
	}
	c.Stop()
}

func TestDaemonThatIgnoresSIGTERMIsKilled(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	c, err := child.Start(child.Config{
		Name: "daemon", Args: shell("trap '' TERM; touch " + ready + "; while :; do sleep 0.05; done"), StopTimeout: 50 * time.Millisecond, Log: logr.Discard(),
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		_, err := os.Stat(ready)
		return err == nil
	})
	pid := c.PID()
	c.Stop()
	if alive(pid) {
		t.Errorf("process %d lives", pid)
	}
}

func TestProgramThatCannotStartIsAnError(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]child.Config{
		"no such program":   {Name: "daemon", Args: []string{"/no/such/program"}},
		"no such namespace": {Name: "daemon", Args: []string{"true"}, NetNS: "/no/such/namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg.Log = logr.Discard()
			if _, err := child.Start(cfg); err == nil || !strings.Contains(err.Error(), "starting daemon: ") {
				t.Errorf("error %v", err)
			}
		})
	}
}
