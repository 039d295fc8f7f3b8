// SPDX-License-Identifier: Apache-2.0

package proc

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("unexpected error: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error = %v, want one with %q", err, want)
	}
}

func TestTheMachineHasBeenBusy(t *testing.T) {
	t.Parallel()
	if total, _, err := Busy(); err != nil || total < time.Second {
		t.Errorf("Busy() = %v, %v", total, err)
	}
}

func sh(t *testing.T, script string) (*Process, string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	p, err := Program{Name: "sh", Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"WORD=hello"}, Log: log}.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = p.Stop(ctx) // kills what a failed test left
	})
	return p, log
}

func ended(t *testing.T, p *Process) {
	t.Helper()
	select {
	case <-p.Exited():
	case <-time.After(10 * time.Second):
		t.Fatal("the process did not end")
	}
}

func TestAProcessIsSeenWhileItRunsAndAfter(t *testing.T) {
	t.Parallel()
	p, log := sh(t, `i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo "$WORD"; exit 3`)
	if err := ResetPeak(p.PID()); err != nil {
		t.Errorf("ResetPeak() = %v", err)
	}
	if peak, err := PeakRSS(p.PID()); err != nil || peak < 1<<10 {
		t.Errorf("PeakRSS() = %d, %v", peak, err)
	}
	if _, err := p.CPU(); err != nil {
		t.Errorf("CPU() of a living process = %v", err)
	}
	ended(t, p)
	if cpu, err := p.CPU(); err != nil || cpu == 0 {
		t.Errorf("CPU() of an ended process = %v, %v", cpu, err)
	}
	if got := p.Failure().Error(); !strings.Contains(got, "exit status 3; its log is "+log) {
		t.Errorf("Failure() = %q", got)
	}
	if out, err := os.ReadFile(log); err != nil || string(out) != "hello\n" {
		t.Errorf("the log is %q, %v", out, err)
	}
}

func TestAProcessIsToldLines(t *testing.T) {
	t.Parallel()
	p, log := sh(t, `read first; read second; echo "$second, $first"`)
	for _, line := range []string{"one thing", "another"} {
		if err := p.Tell(line); err != nil {
			t.Fatal(err)
		}
	}
	ended(t, p)
	if out, err := os.ReadFile(log); err != nil || string(out) != "another, one thing\n" {
		t.Errorf("the log is %q, %v", out, err)
	}
	checkError(t, p.Tell("more"), `telling sh "more"`)
}

func TestStopKillsWhatIgnoresSIGTERM(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script string
		limit  time.Duration
		want   string
	}{
		"a program that obeys ends": {script: "exec sleep 60", limit: 10 * time.Second},
		"one that does not is killed": {
			script: "trap '' TERM; echo ready; while :; do sleep 1; done", limit: time.Second, want: "was killed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, log := sh(t, tc.script)
			for tc.want != "" { // until the trap is set
				if out, err := os.ReadFile(log); err == nil && len(out) > 0 {
					break
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), tc.limit)
			defer cancel()
			checkError(t, p.Stop(ctx), tc.want)
			ended(t, p)
		})
	}
}

func TestChildrenAreFoundByName(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	p, err := Program{Name: "cat", Path: "/bin/sleep", Args: []string{"60"}, Log: log}.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	children, err := Children()
	if err != nil {
		t.Fatal(err)
	}
	if children["sleep"] == 0 {
		t.Errorf("Children() = %v, want sleep among them", children)
	}
}
