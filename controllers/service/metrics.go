// SPDX-License-Identifier: Apache-2.0

package service

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count the writes of Service status and time those that give addresses.
type Metrics struct {
	updates, updateErrors prometheus.Counter
	allocation            prometheus.Histogram
}

// NewMetrics registers the metrics.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		updates: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "metallb_k8s_client_updates_total",
			Help: "Number of attempts to write the status of a Service.",
		}),
		updateErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "metallb_k8s_client_update_errors_total",
			Help: "Number of failed attempts to write the status of a Service.",
		}),
		allocation: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "metallb_allocator_allocation_seconds",
			Help:    "Time the controller took to choose addresses for a Service and write them to its status, in seconds.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
	for _, c := range []prometheus.Collector{m.updates, m.updateErrors, m.allocation} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// allocated observes how long it took to give a Service addresses.
func (m *Metrics) allocated(took time.Duration) { m.allocation.Observe(took.Seconds()) }
