// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"
)

const (
	// pluginName is the plugin of kubectl.
	pluginName = "kubectl-metallb"
	// askedTimes is how often each question is asked.
	askedTimes = 5
)

// askedCluster is the cluster that questions are asked about.
var askedCluster = size{services: 10_000, waiting: 1_000, nodes: 200}

// question is a command of the plugin.
type question struct {
	name string
	args []string
}

func questions() []question {
	node, router := nodeName(0), routerName(0)
	first, last := fmt.Sprintf("service-%05d", 0), fmt.Sprintf("service-%05d", askedCluster.services-1)
	in := []string{"--namespace", serviceNamespace}
	return []question{
		{"status", []string{"status"}},
		{"explain a service that is announced", append(in, "explain", "service", first)},
		{"explain a service that waits", append(in, "explain", "service", last)},
		{"explain a node", []string{"explain", "node", node}},
		{"explain a peer", []string{"explain", "peer", router}},
		{"routes of a service", append(in, "routes", "--service", first)},
		{"pools", []string{"pools"}},
	}
}

// askedMeasurement is what the answer to a question costs.
type askedMeasurement struct {
	Question string `json:"question"`
	// Time is the median, from the start of the program to its end, CPU the median of its own.
	Time time.Duration `json:"time"`
	CPU  time.Duration `json:"cpu"`
	// PeakRSS is the highest, in bytes.
	PeakRSS int64 `json:"peakRSS"`
}

// runAsking measures the plugin beside a controller that has nothing to do.
func runAsking(ctx context.Context, o options, r *report, dir string, progress io.Writer) (err error) {
	own := filepath.Join(dir, "asking")
	if err := os.Mkdir(own, 0o700); err != nil {
		return err
	}
	return withFilledCluster(ctx, o, askedCluster, own, func(what string) { fmt.Fprintf(progress, "asking: %s\n", what) }, func(b *changes) error {
		kubeconfig, err := b.cluster.account(ctx, pluginName)
		if err != nil {
			return err
		}
		for _, q := range questions() {
			fmt.Fprintln(progress, "asking:", q.name)
			m, err := ask(ctx, o.binaries.plugin, kubeconfig, q)
			if err != nil {
				return fmt.Errorf("%s: %w", q.name, err)
			}
			r.Asking = append(r.Asking, m)
		}
		return nil
	})
}

// ask asks one question several times.
func ask(ctx context.Context, plugin, kubeconfig string, q question) (askedMeasurement, error) {
	m := askedMeasurement{Question: q.name}
	times, cpu := make([]time.Duration, 0, askedTimes), make([]time.Duration, 0, askedTimes)
	for range askedTimes {
		var out, said bytes.Buffer
		command := exec.CommandContext(ctx, plugin, append([]string{"--kubeconfig", kubeconfig, "--system-namespace", productNamespace}, q.args...)...)
		command.Stdout, command.Stderr = &out, &said
		begin := time.Now()
		err := command.Run()
		times = append(times, time.Since(begin))
		var exit *exec.ExitError
		// It tells of what is wrong with the services that wait.
		if wrong := errors.As(err, &exit) && exit.ExitCode() == 1 && out.Len() > 0; err != nil && !wrong {
			return m, fmt.Errorf("%w: %s", err, said.Bytes())
		}
		state := command.ProcessState
		cpu = append(cpu, state.UserTime()+state.SystemTime())
		m.PeakRSS = max(m.PeakRSS, peakRSS(state))
	}
	slices.Sort(times)
	slices.Sort(cpu)
	m.Time, m.CPU = times[askedTimes/2], cpu[askedTimes/2]
	return m, nil
}

// peakRSS returns the most memory that a program had, which Linux counts in KiB.
func peakRSS(state *os.ProcessState) int64 {
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss << 10
	}
	return 0
}

// askedReport is what is told of the plugin.
type askedReport []askedMeasurement

// write prints one line for each question.
func (r askedReport) write(out io.Writer) error {
	fmt.Fprintf(out, "\nASKING: kubectl metallb, with %d services, of which %d wait, %d nodes and %d sessions each; medians of %d\n",
		askedCluster.services, askedCluster.waiting, askedCluster.nodes, peersPerNode, askedTimes)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "question\tanswered after, s\tCPU, s\tpeak RSS, MiB\t")
	for _, m := range r {
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%d\t\n", m.Question, m.Time.Seconds(), m.CPU.Seconds(), m.PeakRSS>>20)
	}
	return w.Flush()
}
