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
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"metallb.io/metallb/test/programs"
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
	// cells splits a row of a table with four columns.
	cells = regexp.MustCompile("^\\| `(\\w+)` \\| (\\w+) \\| (.*?) \\| (.*) \\|$")
	word  = regexp.MustCompile("`(\\w+)`")
)

// Exposed returns the metrics of a page in Prometheus' text format that have values, by name.
func Exposed(page string) (map[string]Metric, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	if err != nil {
		return nil, fmt.Errorf("reading metrics: %w", err)
	}
	found := map[string]Metric{}
	for name, family := range families {
		m := Metric{Name: name, Type: strings.ToLower(family.GetType().String()), Help: family.GetHelp()}
		for _, series := range family.GetMetric() {
			for _, label := range series.GetLabel() {
				m.Labels = append(m.Labels, label.GetName())
			}
		}
		slices.Sort(m.Labels)
		m.Labels = slices.Compact(m.Labels)
		found[name] = m
	}
	return found, nil
}

// Documented returns the metrics of a section of docs/metrics.md.
func Documented(tb testing.TB, section string) []Metric {
	tb.Helper()
	root, err := programs.Root()
	if err != nil {
		tb.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "metrics.md"))
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
	exposed, err := Exposed(page)
	if err != nil {
		tb.Fatal(err)
	}
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
