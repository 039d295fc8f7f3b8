// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Own begins the names of this project's metrics.
const Own = "metallb_"

// libraries is the section of docs/metrics.md on metrics that are not this project's.
const libraries = "Of the libraries"

// Metric is what is known of a metric besides its values.
type Metric struct {
	Name, Type string
	Labels     []string
	Help       string
}

// String returns the metric's row in docs/metrics.md.
func (m Metric) String() string {
	labels := "–"
	if len(m.Labels) > 0 {
		labels = "`" + strings.Join(m.Labels, "`, `") + "`"
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |", m.Name, m.Type, labels, m.Help)
}

var (
	comment = regexp.MustCompile(`^# (HELP|TYPE) (\S+) (.*)$`)
	series  = regexp.MustCompile(`^(\w+)(?:\{(.*)\})? \S+$`)
	label   = regexp.MustCompile(`(\w+)="(?:[^"\\]|\\.)*"`)
	suffix  = regexp.MustCompile(`_(bucket|sum|count)$`)
	// cells splits a row of a table with four columns.
	cells = regexp.MustCompile("^\\| `(\\w+)` \\| (\\w+) \\| (.*?) \\| (.*) \\|$")
	word  = regexp.MustCompile("`(\\w+)`")
)

// Exposed returns the metrics of a page in Prometheus' text format, by name.
func Exposed(page string) map[string]Metric {
	found := map[string]Metric{}
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		if c := comment.FindStringSubmatch(line); c != nil {
			m := found[c[2]]
			if m.Name = c[2]; c[1] == "HELP" {
				m.Help = c[3]
			} else {
				m.Type = c[3]
			}
			found[m.Name] = m
			continue
		}
		s := series.FindStringSubmatch(line)
		if s == nil {
			continue
		}
		m, ok := found[s[1]]
		if !ok {
			m = found[suffix.ReplaceAllString(s[1], "")]
		}
		for _, l := range label.FindAllStringSubmatch(s[2], -1) {
			if name := l[1]; !slices.Contains(m.Labels, name) && (name != "le" || m.Type != "histogram") {
				m.Labels = append(m.Labels, name)
			}
		}
		slices.Sort(m.Labels)
		found[m.Name] = m
	}
	return found
}

// Documented returns the metrics of a section of docs/metrics.md.
func Documented(tb testing.TB, section string) []Metric {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(Root(tb), "docs", "metrics.md"))
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "\n## "+section+"\n")
	if !ok {
		tb.Fatalf("docs/metrics.md has no section %q", section)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	var metrics []Metric
	for line := range strings.Lines(rest) {
		row := cells.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if row == nil {
			continue
		}
		m := Metric{Name: row[1], Type: row[2], Help: row[4]}
		for _, l := range word.FindAllStringSubmatch(row[3], -1) {
			m.Labels = append(m.Labels, l[1])
		}
		metrics = append(metrics, m)
	}
	return metrics
}

// Difference says how this project's metrics on a page differ from those of a section of docs/metrics.md, in name, type, labels
// or help; empty if they do not. All metrics must have values. Those of the libraries that are documented must be there too.
func Difference(tb testing.TB, section, page string) string {
	tb.Helper()
	exposed := Exposed(page)
	var rows []string
	for _, name := range slices.Sorted(maps.Keys(exposed)) {
		if strings.HasPrefix(name, Own) {
			rows = append(rows, exposed[name].String())
		}
	}
	want := make([]string, 0, len(rows))
	for _, m := range Documented(tb, section) {
		want = append(want, m.String())
	}
	differences := []string{cmp.Diff(want, rows)}
	for _, m := range Documented(tb, libraries) {
		if got := exposed[m.Name]; got.Type != m.Type || !slices.Equal(got.Labels, m.Labels) {
			differences = append(differences, fmt.Sprintf("%s is documented as %s %v, and is %q %v\n", m.Name, m.Type, m.Labels, got.Type, got.Labels))
		}
	}
	return strings.Join(differences, "")
}

// Root returns the module's directory.
func Root(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for parent := filepath.Dir(dir); ; dir, parent = parent, filepath.Dir(parent) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if parent == dir {
			tb.Fatal("no go.mod above the working directory; run tests inside the module")
		}
	}
}
