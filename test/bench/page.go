// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"metallb.io/metallb/test/programs"
)

// The page has the table between these lines.
const (
	tableBegin = "<!-- The table of the last run: make bench -->\n"
	tableEnd   = "<!-- End of the table. -->\n"
)

// pageRows are the labels of the rows in the page's table, by phase.
func pageRows() []struct {
	phase  string
	labels []string
} {
	return []struct {
		phase  string
		labels []string
	}{
		{phaseCreate, []string{
			"all routes, s", "CPU, ms/service: controller", "CPU, ms/service: speaker", "CPU, ms/service: kube-apiserver", "API writes/service",
			"peak RSS, MiB: controller", "peak RSS, MiB: speaker",
		}},
		{phaseSingle, []string{
			"request to create, p50 ms", "service to address, p50 ms", "service to route, p50 ms", "service to route, p99 ms",
			"endpoint lost to withdrawal, p50 ms", "service deleted to withdrawal, p50 ms",
		}},
		{phaseOtherPool, []string{"CPU, ms: controller + speaker", "API writes"}},
		{phaseAttributes, []string{"all announced again, s", "UPDATE messages"}},
		{phaseIdle, []string{"CPU, ms in 10 s: controller + speaker", "API writes"}},
		{phaseRestartAnnouncer, []string{"all routes after, s", "CPU, ms/service: speaker"}},
		{phaseRestartController, []string{"first new address after, s", "CPU, ms/service: controller"}},
		{phaseAssign, []string{"all routes, s", "CPU, ms/service: controller", "CPU, ms/service: speaker"}},
		{phaseDelete, []string{"all withdrawn, s"}},
	}
}

// pageSections are the sections of the page's table, with those of the rows that are in it.
func pageSections() []section {
	all, parts := sections(), pageRows()
	list := make([]section, 0, len(parts))
	for _, part := range parts {
		whole := all[slices.IndexFunc(all, func(s section) bool { return s.phase == part.phase })]
		rows := slices.DeleteFunc(whole.rows, func(r row) bool { return !slices.Contains(part.labels, r.label) })
		list = append(list, section{phase: part.phase, rows: rows})
	}
	return list
}

// writePage replaces the table of a page of the documentation by that of this run.
func (r *report) writePage(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), tableBegin)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !found || !ended {
		return fmt.Errorf("%s has no place for the table, between the lines %q and %q", path, strings.TrimSpace(tableBegin), strings.TrimSpace(tableEnd))
	}
	return os.WriteFile(path, []byte(before+tableBegin+r.table()+tableEnd+after), 0o644)
}

// table returns the most important figures in Markdown, and where they come from.
func (r *report) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "\nMeasured on %s at commit %s with Kubernetes %s and %s, on a machine with %s.\n\n|  |",
		r.Started.Format("2 January 2006"), r.Commit, r.Kubernetes, r.GoVersion, r.Machine)
	for _, n := range r.Sizes {
		fmt.Fprintf(&text, " %d: floor | product | ratio |", n)
	}
	text.WriteString("\n|--|" + strings.Repeat("--:|--:|--:|", len(r.Sizes)) + "\n")
	for _, s := range pageSections() {
		var rows strings.Builder
		for _, line := range s.rows {
			if cells, any := r.cells(s.phase, line); any {
				fmt.Fprintf(&rows, "| %s | %s |\n", line.label, strings.Join(cells, " | "))
			}
		}
		if rows.Len() > 0 {
			fmt.Fprintf(&text, "| **%s** |%s\n%s", s.phase, strings.Repeat("  |", 3*len(r.Sizes)), rows.String())
		}
	}
	text.WriteString("\n")
	return text.String()
}

// revision returns the commit of the source tree, with a mark if something in it is not committed, or "unknown".
func revision(ctx context.Context) string {
	text, err := programs.Run(ctx, "", "git", "describe", "--always", "--dirty", "--exclude", "*")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(text)
}

// kubernetes returns the version of an API server, or "unknown".
func kubernetes(ctx context.Context, bin string) string {
	text, err := programs.Run(ctx, "", filepath.Join(bin, "kube-apiserver"), "--version")
	if err != nil {
		return "unknown"
	}
	return strings.TrimPrefix(strings.TrimSpace(text), "Kubernetes ")
}
