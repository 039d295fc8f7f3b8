// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"text/tabwriter"
	"time"
)

// bfdName is the program that has BFD sessions and a router for them.
const bfdName = "bfd"

// bfdTime is how long each load is measured.
const bfdTime = 20 * time.Second

// bfdMeasurement is what was seen of BFD sessions under a load.
type bfdMeasurement struct {
	Load string `json:"load"`
	// CPU is the share of one processor, which includes that of the load in the same process.
	CPU         float64       `json:"cpu"`
	Downs       int           `json:"downs"`
	RouterDowns int           `json:"routerDowns"`
	Packets     int           `json:"packets"`
	Gap50       time.Duration `json:"gap50"`
	Gap99       time.Duration `json:"gap99"`
	Gap999      time.Duration `json:"gap999"`
	Longest     time.Duration `json:"longest"`
	Collections int           `json:"collections"`
}

// bfdLoads are what the process and the machine have to do besides.
func bfdLoads() []struct {
	name string
	args []string
} {
	return []struct {
		name string
		args []string
	}{
		{name: "none"},
		{name: "garbage", args: []string{"-garbage", "-heap", "200"}},
		{name: "compilers", args: []string{"-compile"}},
		{name: "compilers and garbage", args: []string{"-compile", "-garbage", "-heap", "200"}},
	}
}

// runBFD measures 64 sessions with packets each 50 ms under each load. It needs root on Linux, for network namespaces.
func runBFD(ctx context.Context, o options, r *report, _ string, progress io.Writer) error {
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		fmt.Fprintln(progress, "BFD is left out: it needs root on Linux")
		return nil
	}
	for _, load := range bfdLoads() {
		fmt.Fprintln(progress, "BFD, load:", load.name)
		command := exec.CommandContext(ctx, o.binaries.bfd, append([]string{"-time", bfdTime.String()}, load.args...)...)
		command.Stderr = progress
		out, err := command.Output()
		m := bfdMeasurement{Load: load.name}
		if err == nil {
			err = json.Unmarshal(out, &m)
		}
		if err != nil {
			return fmt.Errorf("BFD, load %s: %w", load.name, err)
		}
		r.BFD = append(r.BFD, m)
	}
	return nil
}

// bfdReport is what is told of BFD sessions.
type bfdReport []bfdMeasurement

// write prints one line for each load.
func (r bfdReport) write(out io.Writer) error {
	fmt.Fprintf(out, "\nBFD: 64 sessions, packets each 50 ms less up to a quarter, multiplier 3; gaps between packets of a session as the router's kernel has seen them, for %s\n", bfdTime)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "load\tCPU, % of one\tpackets\tgap p50, ms\tp99\tp99.9\tlongest\tcollections\tsessions lost\tby the router\t")
	for _, m := range r {
		fmt.Fprintf(w, "%s\t%.1f\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t%d\t%d\t\n", m.Load, m.CPU*100, m.Packets,
			milliseconds(m.Gap50), milliseconds(m.Gap99), milliseconds(m.Gap999), milliseconds(m.Longest), m.Collections, m.Downs, m.RouterDowns)
	}
	return w.Flush()
}
