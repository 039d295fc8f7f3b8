// SPDX-License-Identifier: Apache-2.0

package proc

import (
	"fmt"
	"os"
	"time"

	"github.com/prometheus/procfs"
)

// tick is the unit of CPU times of processes in /proc: USER_HZ is 100 on every architecture that Go runs Linux on (proc(5)).
const tick = 10 * time.Millisecond

// CPU returns the CPU time that a living process has used, user and system, in steps of 10 ms.
func CPU(pid int) (time.Duration, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0, err
	}
	s, err := p.Stat()
	return time.Duration(s.UTime+s.STime) * tick, err
}

// Children returns the ids of the living children of this process by program name (its first 15 octets).
func Children() (map[string]int, error) {
	processes, err := procfs.AllProcs()
	if err != nil {
		return nil, err
	}
	children := make(map[string]int)
	for _, p := range processes {
		if s, err := p.Stat(); err == nil && s.PPID == os.Getpid() { // an error: it has just ended
			children[s.Comm] = p.PID
		}
	}
	return children, nil
}

// PeakRSS returns the most memory that a living process had resident since it started or ResetPeak was called, in bytes.
func PeakRSS(pid int) (int64, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0, err
	}
	s, err := p.NewStatus()
	if err == nil && s.VmHWM == 0 {
		err = fmt.Errorf("process %d has no memory", pid)
	}
	return int64(s.VmHWM), err
}

// ResetPeak makes PeakRSS count from now.
func ResetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0) // proc(5): 5 resets the peak
}

// Busy returns the CPU time that the machine spent since it started on anything, all processors together, and the part
// that its host took from it.
func Busy() (total, stolen time.Duration, err error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, 0, err
	}
	s, err := fs.Stat()
	seconds := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	c := s.CPUTotal // that of guests is within the user's
	return seconds(c.User + c.Nice + c.System + c.IRQ + c.SoftIRQ), seconds(c.Steal), err
}
