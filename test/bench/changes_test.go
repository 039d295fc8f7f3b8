// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReconcilesAreCountedByReconciler(t *testing.T) {
	t.Parallel()
	got, err := parseReconciles(strings.NewReader(`# TYPE controller_runtime_reconcile_total counter
controller_runtime_reconcile_total{controller="service",result="success"} 12
controller_runtime_reconcile_total{controller="service",result="error"} 1
controller_runtime_reconcile_total{controller="peer",result="success"} 1.5e+03
controller_runtime_reconcile_errors_total{controller="peer"} 7
`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"service": 13, "peer": 1500}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"peer": 1000}, subtract(got, map[string]int{"service": 13, "peer": 500})); diff != "" {
		t.Error(diff)
	}
}

func TestAPoolHasAsManyAddressesAsAskedFor(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{1: "198.18.0.0-198.18.0.0", 256: "198.18.0.0-198.18.0.255", 9001: "198.18.0.0-198.18.35.40"} {
		if got := rangeOf(n); got != want {
			t.Errorf("rangeOf(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestSizesOfClustersAreParsed(t *testing.T) {
	t.Parallel()
	got, err := parseClusters("100/10/10, 10000/1000/1000")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]size{{100, 10, 10}, {10000, 1000, 1000}}, got, cmp.AllowUnexported(size{})); diff != "" {
		t.Error(diff)
	}
	for _, wrong := range []string{"", "10", "10/10/1", "10/0/0", "10/-1/1", "a/b/c", "60000/1/1"} {
		if _, err := parseClusters(wrong); err == nil {
			t.Errorf("parseClusters(%q) gave no error", wrong)
		}
	}
}

func TestNeedlessWorkOfAChangeIsFound(t *testing.T) {
	t.Parallel()
	m := newMeasurement(100, controllerName, phaseNodeLabel, 10)
	m.Requests = []requestCount{writes(controllerName, 1, false), {request{controllerName, "create", "events", false}, 2}}
	m.Reconciles = map[string]int{"service": 100, "peer": 3}
	step{}.verify(m)
	want := []string{"Services were written 1 times, 0 at most were needed", "2 events were written, 0 at most were needed", "services were looked at 100 times"}
	if diff := cmp.Diff(want, m.Findings); diff != "" {
		t.Error(diff)
	}
}
