// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// changesReport is what is told of small changes.
type changesReport struct {
	Sizes        []string                  `json:"sizes"` // services/waiting/nodes
	Measurements map[string][]*measurement `json:"measurements"`
}

// write prints one line for each change and size.
func (r *changesReport) write(out io.Writer) error {
	fmt.Fprintln(out, "\nONE THING CHANGES: services, of which some wait / nodes, four sessions each; the controller alone, all for one change")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "change\tservices/waiting/nodes\tCPU, ms\tservices looked at\twrites\tof services\tevents\tscrape p50, ms\tserved after, s\tsettled after, s\tRSS, MiB\t")
	var findings []string
	for i := range r.changes() {
		for _, size := range r.Sizes {
			if i >= len(r.Measurements[size]) {
				continue
			}
			m := r.Measurements[size][i]
			n := float64(m.Operations)
			fmt.Fprintf(w, "%s\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%s\t%s\t%.1f\t%d\t\n", m.Phase, size, milliseconds(m.CPU[controllerName])/n,
				float64(m.servicesLookedAt())/n, float64(m.count(request.writes))/n, float64(m.count(isServiceWrite))/n,
				float64(m.count(isEventWrite))/n, latencyCell(m, latencyScrape), timeCell(m, timeServed), m.Times[timeSettled].Seconds(),
				m.PeakRSS[controllerName]>>20)
			for _, f := range m.Findings {
				findings = append(findings, fmt.Sprintf("  %s, %s: %s; reconciles: %s", size, m.Phase, f, m.reconcilesText()))
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(findings) > 0 {
		fmt.Fprintf(out, "\nNot as it should be:\n%s\n", strings.Join(findings, "\n"))
	}
	return nil
}

// changes returns as many elements as there are changes.
func (r *changesReport) changes() []*measurement {
	var longest []*measurement
	for _, list := range r.Measurements {
		if len(list) > len(longest) {
			longest = list
		}
	}
	return longest
}

func latencyCell(m *measurement, name string) string {
	s, ok := m.Latencies[name]
	return cell(milliseconds(s.P50), ok, 1)
}

func timeCell(m *measurement, name string) string {
	d, ok := m.Times[name]
	return cell(d.Seconds(), ok, 2)
}

// servicesLookedAt is how often a reconciler looked at a service.
func (m *measurement) servicesLookedAt() int {
	return m.Reconciles["service"] + m.Reconciles["announcement"]
}

func (m *measurement) reconcilesText() string {
	parts := make([]string, 0, len(m.Reconciles))
	for _, name := range slices.Sorted(maps.Keys(m.Reconciles)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, m.Reconciles[name]))
	}
	return strings.Join(parts, ", ")
}
