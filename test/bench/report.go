// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is all that is told of a run.
type report struct {
	Started      time.Time      `json:"started"`
	Commit       string         `json:"commit"`
	Kubernetes   string         `json:"kubernetes"`
	Machine      string         `json:"machine"`
	GoVersion    string         `json:"goVersion"`
	Workers      int            `json:"floorWorkers"`
	Rate         float64        `json:"rate,omitempty"`
	Sizes        []int          `json:"sizes"`
	Measurements []*measurement `json:"measurements"`
	Changes      changesReport  `json:"changes"`
	Asking       askedReport    `json:"asking"`
	Sessions     sessionsReport `json:"sessions"`
	BFD          bfdReport      `json:"bfd"`
}

func newReport(sizes []int, workers int, rate float64) *report {
	return &report{
		Started: time.Now().UTC(), Machine: machine(), GoVersion: runtime.Version(), Workers: workers, Rate: rate, Sizes: sizes,
		Changes: changesReport{Measurements: make(map[string][]*measurement)},
	}
}

func (r *report) writeJSON(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o600)
}

// find returns the measurement of a phase, or nil.
func (r *report) find(services int, subject, phase string) *measurement {
	for _, m := range r.Measurements {
		if m.Services == services && m.Subject == subject && m.Phase == phase {
			return m
		}
	}
	return nil
}

// row is a line of the table: a figure of a phase, for each subject and size. A figure per operation should be the same for
// each size; how much it grows from the smallest to the largest is shown.
type row struct {
	label        string
	perOperation bool
	decimals     int
	value        func(*measurement) (float64, bool)
}

// write prints the tables.
func (r *report) write(out io.Writer) error {
	pace := "as many services are created as the API server accepts"
	if r.Rate > 0 {
		pace = fmt.Sprintf("at most %v services are created each second", r.Rate)
	}
	fmt.Fprintf(out, "%s, commit %s, Kubernetes %s, %s, %s; the floor works on %d services at a time; %s\n",
		r.Started.Format(time.DateTime), r.Commit, r.Kubernetes, r.GoVersion, r.Machine, r.Workers, pace)
	if len(r.Measurements) > 0 {
		if err := r.writeServices(out); err != nil {
			return err
		}
	}
	if len(r.Changes.Measurements) > 0 {
		if err := r.Changes.write(out); err != nil {
			return err
		}
	}
	if len(r.Asking) > 0 {
		if err := r.Asking.write(out); err != nil {
			return err
		}
	}
	if len(r.Sessions) > 0 {
		if err := r.Sessions.write(out); err != nil {
			return err
		}
	}
	if len(r.BFD) > 0 {
		return r.BFD.write(out)
	}
	return nil
}

// empty reports whether nothing was measured.
func (r *report) empty() bool {
	return len(r.Measurements)+len(r.Changes.Measurements)+len(r.Asking)+len(r.Sessions)+len(r.BFD) == 0
}

// writeServices prints the tables of what is done for many services.
func (r *report) writeServices(out io.Writer) error {
	fmt.Fprintln(out, "ratio: product / floor; growth: the product's figure at the largest size / at the smallest")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	r.writeHeader(w)
	for _, s := range sections() {
		r.writeSection(w, s)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	r.writeRequests(out)
	r.writeLoad(out)
	return r.writeFindings(out)
}

func (r *report) writeHeader(w io.Writer) {
	fmt.Fprint(w, "services\t")
	for _, n := range r.Sizes {
		fmt.Fprintf(w, "|\t\t%d\t\t", n)
	}
	fmt.Fprint(w, "|\t\t\n\t")
	for range r.Sizes {
		fmt.Fprint(w, "|\tfloor\tproduct\tratio\t")
	}
	fmt.Fprintln(w, "|\tgrowth\t")
}

func (r *report) writeSection(w io.Writer, s section) {
	var rows []string
	for _, line := range s.rows {
		if text, ok := r.formatRow(s.phase, line); ok {
			rows = append(rows, text)
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "%s:\t%s|\t\t\n", strings.ToUpper(s.phase), strings.Repeat("|\t\t\t\t", len(r.Sizes)))
	for _, text := range rows {
		fmt.Fprintln(w, text)
	}
}

// formatRow returns a line of cells, and whether there is a figure in any of them.
func (r *report) formatRow(phase string, line row) (string, bool) {
	cells, any := r.cells(phase, line)
	var text strings.Builder
	fmt.Fprintf(&text, "%s\t", line.label)
	for size := range slices.Chunk(cells, 3) {
		fmt.Fprintf(&text, "|\t%s\t", strings.Join(size, "\t"))
	}
	first, _ := figure(r.find(r.Sizes[0], productName, phase), line)
	last, _ := figure(r.find(r.Sizes[len(r.Sizes)-1], productName, phase), line)
	growth, ok := ratio(last, first)
	fmt.Fprintf(&text, "|\t%s\t", cell(growth, ok && line.perOperation && len(r.Sizes) > 1, 2))
	return text.String(), any
}

// cells returns the floor's figure, the product's and their ratio at each size, and whether there is a figure in any of them.
func (r *report) cells(phase string, line row) (cells []string, any bool) {
	for _, n := range r.Sizes {
		floor, hasFloor := figure(r.find(n, floorName, phase), line)
		product, hasProduct := figure(r.find(n, productName, phase), line)
		any = any || hasFloor || hasProduct
		quotient, ok := ratio(product, floor)
		cells = append(cells, cell(floor, hasFloor, line.decimals), cell(product, hasProduct, line.decimals),
			cell(quotient, ok && hasFloor && hasProduct, 2))
	}
	return cells, any
}

func figure(m *measurement, line row) (float64, bool) {
	if m == nil {
		return 0, false
	}
	v, ok := line.value(m)
	if ok && line.perOperation {
		v /= float64(m.Operations)
	}
	return v, ok
}

func cell(v float64, ok bool, decimals int) string {
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.*f", decimals, v)
}

// writeRequests lists what each program asked of the API server at the largest size.
func (r *report) writeRequests(out io.Writer) {
	largest := slices.Max(r.Sizes)
	fmt.Fprintf(out, "\nAPI requests with %d services (beside watches that go on):\n", largest)
	for _, m := range r.Measurements {
		if m.Services != largest {
			continue
		}
		byProgram := make(map[string][]string)
		for _, c := range m.Requests {
			text := fmt.Sprintf("%d %s %s", c.Count, c.Verb, c.Resource)
			if c.Failed {
				text += " (failed)"
			}
			byProgram[c.Program] = append(byProgram[c.Program], text)
		}
		for _, program := range slices.Sorted(maps.Keys(byProgram)) {
			fmt.Fprintf(out, "  %s, %s: %s\n", m.Phase, program, strings.Join(byProgram[program], ", "))
		}
	}
}

// loadWorthTelling is how many processors must be busy with other things for a phase's times to be doubted.
const loadWorthTelling = 0.1

func (r *report) writeLoad(out io.Writer) {
	var lines []string
	for _, m := range r.Measurements {
		if m.OtherLoad+m.StolenLoad >= loadWorthTelling {
			lines = append(lines, fmt.Sprintf("  %d services, %s, %s: %.2f busy with others, %.2f stolen",
				m.Services, m.Subject, m.Phase, m.OtherLoad, m.StolenLoad))
		}
	}
	if len(lines) > 0 {
		fmt.Fprintf(out, "\nThe machine was not quiet, of %d processors:\n%s\n", runtime.NumCPU(), strings.Join(lines, "\n"))
	}
}

func (r *report) writeFindings(out io.Writer) error {
	var lines []string
	for _, m := range r.Measurements {
		for _, f := range m.Findings {
			lines = append(lines, fmt.Sprintf("  %d services, %s, %s: %s", m.Services, m.Subject, m.Phase, f))
		}
	}
	if len(lines) == 0 {
		_, err := fmt.Fprintln(out, "\nNo address was given twice, none was without its route, and nothing needless was written or sent.")
		return err
	}
	_, err := fmt.Fprintf(out, "\nNot as it should be:\n%s\n", strings.Join(lines, "\n"))
	return err
}
