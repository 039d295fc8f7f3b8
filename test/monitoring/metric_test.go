// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAPageIsRead(t *testing.T) {
	t.Parallel()
	page := `# HELP up 1 if it is.
# TYPE up gauge
up 1
# HELP sent_total Messages.
# TYPE sent_total counter
sent_total{peer="[2001:db8::1]:179",note="a=\"b\" {c}"} 1.5e+06
# HELP took_seconds Time.
# TYPE took_seconds histogram
took_seconds_bucket{kind="x",le="0.1"} 1
took_seconds_bucket{kind="x",le="+Inf"} 1
took_seconds_sum{kind="x"} 0.05
took_seconds_count{kind="x"} 1
`
	want := map[string]Metric{
		"up":           {Name: "up", Type: "gauge", Help: "1 if it is."},
		"sent_total":   {Name: "sent_total", Type: "counter", Labels: []string{"note", "peer"}, Help: "Messages."},
		"took_seconds": {Name: "took_seconds", Type: "histogram", Labels: []string{"kind"}, Help: "Time."},
	}
	got, err := Exposed(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if row := want["sent_total"].String(); row != "| `sent_total` | counter | `note`, `peer` | Messages. |" {
		t.Errorf("row %s", row)
	}
}
