// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/test/bench/sink"
)

// measured returns what was seen when n services were given addresses in so many milliseconds each.
func measured(subject string, n int, each time.Duration, cpu map[string]time.Duration) *measurement {
	return &measurement{
		Services: n, Subject: subject, Phase: phaseAssign, Operations: n,
		Times: map[string]time.Duration{timeAddresses: time.Duration(n) * each, timeRoutes: time.Duration(n) * each},
		CPU:   cpu,
		BGP:   sink.Counters{Updates: n, Bytes: 49 * n, Announced: n},
		Requests: []requestCount{
			{request{Program: subject, Verb: "patch", Resource: "services/status"}, n},
			{request{Program: subject, Verb: "watch", Resource: "services", Failed: true}, 1},
		},
	}
}

func sample() *report {
	r := newReport([]int{500, 2000}, 8, 0)
	for _, n := range r.Sizes {
		each := time.Millisecond
		if n == 2000 {
			each = 3 * time.Millisecond / 2
		}
		r.Measurements = append(r.Measurements,
			measured(floorName, n, time.Millisecond, map[string]time.Duration{floorName: time.Duration(n) * time.Millisecond}),
			measured(productName, n, 2*each, map[string]time.Duration{
				controllerName: time.Duration(2*n) * time.Millisecond, speakerName: time.Duration(n) * time.Millisecond,
			}))
	}
	return r
}

// cells returns the figures of the table's line with the label.
func cells(t *testing.T, text, label string) []string {
	t.Helper()
	for line := range strings.Lines(text) {
		if before, after, ok := strings.Cut(line, label+"  |"); ok && strings.TrimSpace(before) == "" {
			return strings.Fields(strings.ReplaceAll(after, "|", " "))
		}
	}
	t.Fatalf("no line %q in\n%s", label, text)
	return nil
}

func TestTheTableSetsSizesSideBySide(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := sample().write(&out); err != nil {
		t.Fatal(err)
	}
	for label, want := range map[string][]string{
		"all routes, s":                         {"0.50", "1.00", "2.00", "2.00", "6.00", "3.00"},             // no growth: not per service
		"ms/service until all routes":           {"1.000", "2.000", "2.00", "1.000", "3.000", "3.00", "1.50"}, // growth 3/2
		"CPU, ms/service: controller + speaker": {"1.000", "3.000", "3.00", "1.000", "3.000", "3.00", "1.00"}, // the sum
		"CPU, ms/service: controller":           {"1.000", "2.000", "2.00", "1.000", "2.000", "2.00", "1.00"}, // beside the whole floor
		"API writes/service":                    {"1.00", "1.00", "1.00", "1.00", "1.00", "1.00", "1.00"},     // reads do not count
		"UPDATE messages":                       {"500", "500", "1.00", "2000", "2000", "1.00"},
	} {
		if diff := cmp.Diff(want, cells(t, out.String(), label)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", label, diff)
		}
	}
	if want := "assign all at once, product: 2000 patch services/status, 1 watch services (failed)"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in\n%s", want, out.String())
	}
}

func TestWhatWasNotMeasuredIsLeftOut(t *testing.T) {
	t.Parallel()
	r := sample()
	r.Measurements = r.Measurements[:1] // the floor at 500, as if the run had been ended then
	var out strings.Builder
	if err := r.write(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"0.50"}, cells(t, out.String(), "all routes, s")); diff != "" {
		t.Errorf("all routes (-want +got):\n%s", diff)
	}
	if strings.Contains(out.String(), strings.ToUpper(phaseIdle)+":") {
		t.Errorf("a phase that was not run is in\n%s", out.String())
	}
}

func TestTheReportTellsOfNoiseAndOfWhatWentWrong(t *testing.T) {
	t.Parallel()
	r := sample()
	r.Measurements[0].OtherLoad = 0.5
	r.Measurements[1].StolenLoad = 0.05
	r.Measurements[2].find("%d prefixes were announced, %d were needed", 3, 2)
	var out strings.Builder
	if err := r.write(&out); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"500 services, floor, assign all at once: 0.50 busy with others, 0.00 stolen":              true,
		"500 services, product, assign all at once: 0.00 busy with others":                         false, // too little to tell
		"2000 services, floor, assign all at once: 3 prefixes were announced, 2 were needed":       true,
		"No address was given twice, none was without its route, and nothing needless was written": false,
	} {
		if got := strings.Contains(out.String(), text); got != want {
			t.Errorf("%q is in the report: %t, want %t\n%s", text, got, want, out.String())
		}
	}
}

func TestTheJSONFileHasAllMeasurements(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bench.json")
	r := sample()
	if err := r.writeJSON(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Measurements []struct {
			Subject  string           `json:"subject"`
			Times    map[string]int64 `json:"times"`
			Requests []struct {
				Program string `json:"program"`
				Count   int    `json:"count"`
			} `json:"requests"`
		} `json:"measurements"`
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Measurements) != 4 {
		t.Fatalf("%d measurements are in the file, want 4", len(got.Measurements))
	}
	m := got.Measurements[1]
	if m.Subject != productName || m.Times[timeRoutes] != int64(time.Second) || m.Requests[0].Program != productName || m.Requests[0].Count != 500 {
		t.Errorf("the second measurement is %+v", m)
	}
}

func TestTheTableOfThePageIsReplaced(t *testing.T) {
	r := sample()
	r.Commit, r.Kubernetes, r.Machine = "1234567", "v1.2.3", "1 processor (slow)"
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte("before\n"+tableBegin+"old\n"+tableEnd+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.writePage(page); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"before\n" + tableBegin, tableEnd + "after\n", "at commit 1234567 with Kubernetes v1.2.3 and go", "on a machine with 1 processor (slow).\n",
		"|  | 500: floor | product | ratio | 2000: floor | product | ratio |\n|--|--:|--:|--:|--:|--:|--:|\n",
		"| CPU, ms/service: controller | 1.000 | 2.000 | 2.00 | 1.000 | 2.000 | 2.00 |\n",
	} {
		if strings.Count(string(text), want) != 1 {
			t.Errorf("the page does not have once %q:\n%s", want, text)
		}
	}
	for _, other := range []string{"old", phaseDelete} {
		if strings.Contains(string(text), other) {
			t.Errorf("the page has %q, of which this run has no figure:\n%s", other, text)
		}
	}
	if err := os.WriteFile(page, []byte("no place\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.writePage(page); err == nil || !strings.Contains(err.Error(), page+" has no place for the table") {
		t.Errorf("a page without a place: %v", err)
	}
}

func TestEachRowOfThePageIsMeasured(t *testing.T) {
	for i, s := range pageSections() {
		if part := pageRows()[i]; len(s.rows) != len(part.labels) {
			t.Errorf("%s has only the rows %+v of %q", s.phase, s.rows, part.labels)
		}
	}
}
