// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// Files of a state directory, and the one that says where the cluster of this machine is.
const (
	recordFile  = "cluster.json"
	newSuffix   = ".new" // of a file that is being written
	processFile = "processes"
	claimFile   = "/run/metallb-cluster"
)

// record is what Down has to know. It is written before anything it speaks of is done.
type record struct {
	State    string            `json:"state"` // directory
	Nodes    int               `json:"nodes"`
	Bin      string            `json:"bin"`
	Sysctls  map[string]string `json:"sysctls"`  // kernel settings as they were, by path below /proc/sys
	MadeDirs []string          `json:"madeDirs"` // directories that were made outside the state directory, outermost first
}

// write saves the record in the state directory, for good, and where the machine's cluster is looked for, until the
// machine is restarted.
func (r record) write() error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	file := filepath.Join(r.State, recordFile)
	if err := os.WriteFile(file+newSuffix, text, 0o600); err != nil {
		return fmt.Errorf("writing the record of the cluster: %w", err)
	}
	if err := os.Rename(file+newSuffix, file); err != nil {
		return fmt.Errorf("writing the record of the cluster: %w", err)
	}
	if err := os.WriteFile(claimFile, text, 0o644); err != nil {
		return fmt.Errorf("claiming the machine for the cluster: %w", err)
	}
	return nil
}

// readRecord reads a record. An error that is os.ErrNotExist tells that there is none; an empty file is none, either.
func readRecord(file string) (record, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return record{}, err
	}
	if len(text) == 0 {
		return record{}, fmt.Errorf("%s is empty: %w", file, os.ErrNotExist)
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return record{}, fmt.Errorf("reading %s: %w", file, err)
	}
	return r, nil
}

// Running returns the state directory of the cluster that is up on this machine, or that was left by one which did not
// end well; an empty string if there is none.
func Running() string {
	r, err := readRecord(claimFile)
	if err != nil {
		return ""
	}
	return r.State
}

// Process is a program that was started for a cluster.
type Process struct {
	Name  string // kube-apiserver, node-1-kubelet
	PID   int
	start uint64 // clock ticks since boot; tells a process from a later one of the same id
}

// Alive tells whether the process runs yet.
func (p Process) Alive() bool {
	start, err := startTime(p.PID)
	return err == nil && start == p.start
}

// String returns the process as a line of the process file.
func (p Process) String() string { return fmt.Sprintf("%d %d %s", p.PID, p.start, p.Name) }

// parseProcess reads a line of the process file.
func parseProcess(line string) (Process, error) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return Process{}, fmt.Errorf("process %q: want a process id, a start time and a name", line)
	}
	pid, err := strconv.Atoi(fields[0])
	if err != nil || pid <= 1 {
		return Process{}, fmt.Errorf("process %q: %q is no process id", line, fields[0])
	}
	start, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return Process{}, fmt.Errorf("process %q: %q is no start time", line, fields[1])
	}
	return Process{Name: fields[2], PID: pid, start: start}, nil
}

// readProcesses reads a process file. Its last line may have been cut off by a crash, and does not count then.
func readProcesses(file string) ([]Process, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(text), "\n")
	var list []Process
	for _, line := range lines[:len(lines)-1] {
		p, err := parseProcess(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		list = append(list, p)
	}
	return list, nil
}

// startTime returns when a process started, in clock ticks since boot; an error if there is none of that id or it is but
// waiting to be reaped.
func startTime(pid int) (uint64, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0, err
	}
	stat, err := p.Stat()
	if err != nil {
		return 0, err
	}
	if stat.State == "Z" || stat.State == "X" {
		return 0, os.ErrProcessDone
	}
	return stat.Starttime, nil
}
