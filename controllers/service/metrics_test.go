// SPDX-License-Identifier: Apache-2.0

package service

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"metallb.io/metallb/test/builder"
)

// timed returns how many allocations were timed.
func timed(t *testing.T, m *Metrics) uint64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := registry.Register(m.allocation); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families[0].GetMetric()[0].GetHistogram().GetSampleCount()
}

func TestAnAllocationIsTimedOnceAndOnlyIfAddressesAreGiven(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		service *builder.Service
		want    uint64
	}{
		"a service without an address":       {builder.MakeService("web"), 1},
		"one that has its address":           {builder.MakeService("web").Holds("a", "192.0.2.7"), 0},
		"one whose request can not be met":   {builder.MakeService("web").LoadBalancerIP("203.0.113.1"), 0},
		"one that is to have another one":    {builder.MakeService("web").Holds("a", "192.0.2.7").LoadBalancerIP("192.0.2.8"), 1},
		"one that another load balancer has": {builder.MakeService("web").Class("example.com/other"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c client.Client = makeClient(t, interceptor.Funcs{}, version(tc.service, "9"))
			r, _ := makeReconciler(t, c, c)
			for range 2 {
				reconcile(t, r)
			}
			if got := timed(t, r.Metrics); got != tc.want {
				t.Errorf("%d allocations were timed, want %d", got, tc.want)
			}
		})
	}
}
