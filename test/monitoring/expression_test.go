// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// elsewhere are the parts of an expression where no metric is named: texts, and lists of labels.
	texts      = regexp.MustCompile(`"[^"]*"`)
	labelLists = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right) ?\([^)]*\)`)
	selectors  = regexp.MustCompile(`(\w+)?\{([^}]*)\}`)
	matched    = regexp.MustCompile(`(\w+) ?(?:=~|!~|!=|=)`)
	names      = regexp.MustCompile(`\b[a-z]+(?:_[a-z0-9]+)+\b`)
	query      = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
)

// functions are PromQL's that look like the name of a metric.
var functions = []string{"histogram_quantile", "label_replace", "min_over_time"}

// discovered are labels that Prometheus gives to what it scrapes.
var discovered = []string{"job", "instance", "pod", "namespace"}

// documented returns every metric that is documented, by the names that its series have.
func documented(t *testing.T) map[string]Metric {
	t.Helper()
	known := map[string]Metric{}
	for _, section := range []string{"Controller", "Speaker", libraries} {
		for _, m := range Documented(t, section) {
			if m.Type != "histogram" {
				known[m.Name] = m
				continue
			}
			known[m.Name+"_sum"], known[m.Name+"_count"] = m, m
			m.Labels = append(slices.Clone(m.Labels), "le")
			known[m.Name+"_bucket"] = m
		}
	}
	return known
}

// unknown returns what an expression names that is not documented.
func unknown(known map[string]Metric, expression string) []string {
	var found []string
	bare := labelLists.ReplaceAllString(texts.ReplaceAllString(expression, `""`), "")
	for _, s := range selectors.FindAllStringSubmatch(bare, -1) {
		for _, l := range matched.FindAllStringSubmatch(s[2], -1) {
			if !slices.Contains(known[s[1]].Labels, l[1]) && !slices.Contains(discovered, l[1]) {
				found = append(found, s[1]+"{"+l[1]+"}")
			}
		}
	}
	bare = selectors.ReplaceAllString(bare, "$1")
	for _, name := range names.FindAllString(bare, -1) {
		if _, ok := known[name]; !ok && !slices.Contains(functions, name) {
			found = append(found, name)
		}
	}
	return found
}

func TestWhatIsNotDocumentedIsFound(t *testing.T) {
	t.Parallel()
	known := map[string]Metric{"a_total": {Name: "a_total", Labels: []string{"peer"}}}
	for expression, want := range map[string]string{
		`a_total > 1`: "",
		`sum by (no_metric) (rate(a_total{peer="x_y"}[5m]))`: "",
		`rate(b_total[5m])`:                                 "b_total",
		`a_total{pool="x", job="y"}`:                        "a_total{pool}",
		`histogram_quantile(0.9, a_total) + a_total_bucket`: "a_total_bucket",
	} {
		if got := strings.Join(unknown(known, expression), " "); got != want {
			t.Errorf("%s: found %q, want %q", expression, got, want)
		}
	}
}

// strings that a dashboard has under the key, wherever.
func under(key string, value any) []string {
	var found []string
	switch v := value.(type) {
	case map[string]any:
		for k, inner := range v {
			if text, ok := inner.(string); ok && k == key {
				found = append(found, text)
			}
			found = append(found, under(key, inner)...)
		}
	case []any:
		for _, inner := range v {
			found = append(found, under(key, inner)...)
		}
	}
	slices.Sort(found)
	return found
}

func TestEveryExpressionOfTheDashboardIsAboutDocumentedMetrics(t *testing.T) {
	t.Parallel()
	var dashboard map[string]any
	if err := json.Unmarshal(read(t, "config", "prometheus", "dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "5m", "$peer", ".*", "$pool", ".*")
	known := documented(t)
	checked := group{Name: "dashboard"}
	for i, expression := range under("expr", dashboard) {
		expression = variables.Replace(expression)
		if found := unknown(known, expression); len(found) > 0 || strings.Contains(expression, "$") {
			t.Errorf("%s: not documented: %q", expression, found)
		}
		checked.Rules = append(checked.Rules, rule{Record: fmt.Sprintf("dashboard:%d", i), Expr: expression})
	}
	for _, text := range under("query", dashboard["templating"]) {
		q := query.FindStringSubmatch(text)
		if q == nil && text != "prometheus" {
			t.Errorf("%s: what variable is that?", text)
		} else if q != nil && !slices.Contains(known[q[1]].Labels, q[2]) {
			t.Errorf("%s: no documented metric has that label", text)
		}
	}
	if len(checked.Rules) < 20 {
		t.Errorf("only %d expressions were found", len(checked.Rules))
	}
	promtool(t, map[string][]byte{"rules.yaml": rules{[]group{checked}}.marshal(t)}, "check", "rules", "rules.yaml")
}

func TestAlertsAreAboutDocumentedMetricsAndDocumented(t *testing.T) {
	t.Parallel()
	known, page := documented(t), string(read(t, "docs", "metrics.md"))
	var got []string
	for _, g := range alerts(t).Groups {
		for _, r := range g.Rules {
			got = append(got, r.Alert)
			if found := unknown(known, r.Expr); len(found) > 0 {
				t.Errorf("%s: not documented: %q", r.Alert, found)
			}
			if r.For != "1m" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" || r.Labels["severity"] == "" {
				t.Errorf("%s waits for %s, severity %q, annotations %v", r.Alert, r.For, r.Labels["severity"], r.Annotations)
			}
			if name, _, _ := strings.Cut(r.Alert, "85"); !strings.Contains(page, "`"+name) {
				t.Errorf("%s is not documented", r.Alert)
			}
		}
	}
	want := []string{
		"MetalLBStaleConfig", "MetalLBChangeHeld", "MetalLBConfigNotLoaded", "MetalLBAddressPoolExhausted", "MetalLBAddressPoolFilling",
		"MetalLBAddressPoolUsage75Percent", "MetalLBAddressPoolUsage85Percent", "MetalLBAddressPoolUsage95Percent", "MetalLBBGPSessionDown",
		"MetalLBPeerDown", "MetalLBServicesPending",
	}
	if !slices.Equal(got, want) {
		t.Errorf("alerts %q, want %q", got, want)
	}
}
