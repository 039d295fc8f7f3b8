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

func TestParseStat(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		line    string
		want    stat
		wantErr string
	}{
		"user and system time are added": {
			line: "4711 (controller) S 42 4711 4711 0 -1 4194560 100 0 0 0 150 50 7 8 20 0 9 0 1 2 3",
			want: stat{name: "controller", parent: 42, cpu: 2 * time.Second},
		},
		"a name may contain blanks and parentheses": {
			line: "1 (a (b) c) R 2 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 0",
			want: stat{name: "a (b) c", parent: 2, cpu: 30 * time.Millisecond},
		},
		"a short line is refused": {line: "1 (a) R 2 3", wantErr: "5 fields"},
		"a line without a name":   {line: "1 a R 2 3", wantErr: "no name"},
		"a time that is not a number": {
			line: "1 (a) R 2 1 1 0 -1 0 0 0 0 0 x 2 0 0 20 0 1 0 0", wantErr: "field 14",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseStat(tc.line)
			checkError(t, err, tc.wantErr)
			if got != tc.want {
				t.Errorf("parseStat() = %+v, want %+v", got, tc.want)
			}
		})
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("unexpected error: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error = %v, want one with %q", err, want)
	}
}

func TestParsePeak(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status  string
		want    int64
		wantErr string
	}{
		"kibibytes become bytes":   {status: "Name:\tspeaker\nVmPeak:\t 9 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n", want: 2 << 20},
		"a process without memory": {status: "Name:\tkthreadd\n", wantErr: "no VmHWM"},
		"what is not a number":     {status: "VmHWM:\tmuch kB\n", wantErr: "peak resident memory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parsePeak([]byte(tc.status))
			checkError(t, err, tc.wantErr)
			if got != tc.want {
				t.Errorf("parsePeak() = %d, want %d", got, tc.want)
			}
		})
	}
}

func TestParseBusyLeavesOutIdleAndGuestTime(t *testing.T) {
	t.Parallel()
	total, stolen, err := parseBusy("cpu  100 20 30 99999 8888 4 6 70 15 0")
	if err != nil || total != 1600*time.Millisecond || stolen != 700*time.Millisecond {
		t.Errorf("parseBusy() = %v, %v, %v, want 1.6s, 700ms", total, stolen, err)
	}
	if _, _, err := parseBusy("intr 1 2 3"); err == nil {
		t.Error("parseBusy() took a line that has no CPU times")
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
