// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseProcess(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		line    string
		want    Process
		wantErr string
	}{
		"a line that was written by String":  {line: Process{Name: "etcd", PID: 17, start: 4242}.String(), want: Process{Name: "etcd", PID: 17, start: 4242}},
		"no name":                            {line: "17 4242", wantErr: "want a process id"},
		"a process id that is none":          {line: "x 4242 etcd", wantErr: `"x" is no process id`},
		"a process id that means a group":    {line: "-17 4242 etcd", wantErr: `"-17" is no process id`},
		"the process that must never be hit": {line: "1 4242 etcd", wantErr: `"1" is no process id`},
		"a start time that is none":          {line: "17 -1 etcd", wantErr: `"-1" is no start time`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseProcess(tt.line)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(Process{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestALineThatACrashCutOffIsNotRead(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "processes")
	if err := os.WriteFile(file, []byte("17 4242 etcd\n18 42"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readProcesses(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Process{{Name: "etcd", PID: 17, start: 4242}}, got, cmp.AllowUnexported(Process{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAProcessIsNotTakenForALaterOneOfItsID(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("processes are looked up in /proc")
	}
	cmd := exec.CommandContext(t.Context(), "sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	start, err := startTime(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	p := Process{Name: "sleep", PID: cmd.Process.Pid, start: start}
	if !p.Alive() {
		t.Error("a running process is not alive")
	}
	if (Process{Name: "sleep", PID: p.PID, start: start - 1}).Alive() {
		t.Error("an earlier process of the same id is alive")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for p.Alive() {
		runtime.Gosched()
	}
	if _, err := startTime(p.PID); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("error %v of a process that waits to be reaped, want %v", err, os.ErrProcessDone)
	}
	_ = cmd.Wait() // it was killed
	if p.Alive() {
		t.Error("a process that has ended is alive")
	}
}

func TestOpenSaysThatThereIsNoCluster(t *testing.T) {
	t.Parallel()
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNoCluster) {
		t.Errorf("error %v, want %v", err, ErrNoCluster)
	}
}

func TestEnvironmentSurvivesAnyPath(t *testing.T) {
	t.Parallel()
	c := &Cluster{record: record{State: "/tmp/it's here", Bin: "/opt/k8s $HOME"}}
	script := c.Environment() + `printf '%s\n%s' "$KUBECONFIG" "${PATH%%:*}"`
	out, err := exec.CommandContext(t.Context(), "sh", "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := "/tmp/it's here/admin.conf\n/opt/k8s $HOME"; string(out) != want {
		t.Errorf("a shell reads %q, want %q", out, want)
	}
}
