// SPDX-License-Identifier: Apache-2.0

package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc: USER_HZ is 100 on every architecture that Go runs Linux on (proc(5)).
const tick = 10 * time.Millisecond

// stat are the fields of /proc/PID/stat that matter here.
type stat struct {
	name   string
	parent int
	cpu    time.Duration // user and system time of all threads
}

// parseStat reads a line of /proc/PID/stat. The name stands in parentheses and may itself contain some.
func parseStat(line string) (stat, error) {
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return stat{}, fmt.Errorf("no name in process status %q", line)
	}
	fields := strings.Fields(line[end+1:]) // the first is field 3, the state
	if len(fields) < 13 {
		return stat{}, fmt.Errorf("%d fields in process status %q", len(fields)+2, line)
	}
	var numbers [3]int
	for i, at := range []int{1, 11, 12} { // ppid, utime, stime
		n, err := strconv.Atoi(fields[at])
		if err != nil {
			return stat{}, fmt.Errorf("field %d of process status %q: %w", at+3, line, err)
		}
		numbers[i] = n
	}
	return stat{name: line[open+1 : end], parent: numbers[0], cpu: time.Duration(numbers[1]+numbers[2]) * tick}, nil
}

func readStat(pid int) (stat, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(data))
}

// CPU returns the CPU time that a living process has used, user and system, in steps of 10 ms.
func CPU(pid int) (time.Duration, error) {
	s, err := readStat(pid)
	return s.cpu, err
}

// Children returns the ids of the living children of this process by program name (its first 15 octets).
func Children() (map[string]int, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := make(map[string]int)
	for _, path := range paths {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		if s, err := readStat(pid); err == nil && s.parent == os.Getpid() { // an error: it has just ended
			children[s.name] = pid
		}
	}
	return children, nil
}

// PeakRSS returns the most memory that a living process had resident since it started or ResetPeak was called, in bytes.
func PeakRSS(pid int) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parsePeak(data)
}

func parsePeak(status []byte) (int64, error) {
	for line := range bytes.Lines(status) {
		rest, ok := bytes.CutPrefix(line, []byte("VmHWM:"))
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(string(rest)), " kB"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("peak resident memory in %q: %w", line, err)
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("no VmHWM in the process status")
}

// ResetPeak makes PeakRSS count from now.
func ResetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0) // proc(5): 5 resets the peak
}

// Busy returns the CPU time that the machine spent since it started on anything, all processors together, and the part
// that its host took from it.
func Busy() (total, stolen time.Duration, err error) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return parseBusy(line)
}

func parseBusy(line string) (total, stolen time.Duration, err error) {
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0, fmt.Errorf("no CPU times in %q", line)
	}
	for i, field := range fields[1:9] { // user nice system idle iowait irq softirq steal; guest is within user
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("CPU times %q: %w", line, err)
		}
		spent := time.Duration(n) * tick
		switch i {
		case 3, 4: // idle
		case 7:
			stolen = spent
		default:
			total += spent
		}
	}
	return total, stolen, nil
}
