// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"github.com/prometheus/client_golang/prometheus"

	"metallb.io/metallb/controllers/assignment"
)

// Metrics are read from the Tracker whenever they are collected. A replica that stands by has none.
type Metrics struct {
	tracker  *Tracker
	services *prometheus.Desc
}

// NewMetrics returns the metrics, to be registered.
func NewMetrics(t *Tracker) *Metrics {
	return &Metrics{tracker: t, services: prometheus.NewDesc("metallb_services",
		"Number of services by state: pending (an address is missing), not_announced, partly_announced or announced.",
		[]string{"state"}, nil)}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) { ch <- m.services }

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	counts, known := m.tracker.states()
	if !known {
		return
	}
	for state, count := range counts {
		ch <- prometheus.MustNewConstMetric(m.services, prometheus.GaugeValue, float64(count), assignment.State(state).String())
	}
}

// states counts the services in each state; false if not all are known yet.
func (t *Tracker) states() (counts [assignment.States]int, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.services {
		counts[assignment.StateOf(s.Allocated, s.Announced)]++
	}
	return counts, t.complete
}
