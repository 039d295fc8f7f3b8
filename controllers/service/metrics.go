// SPDX-License-Identifier: Apache-2.0

package service

import "github.com/prometheus/client_golang/prometheus"

// Metrics count the writes of Service status.
type Metrics struct {
	updates, updateErrors prometheus.Counter
}

// NewMetrics registers the metrics.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		updates: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "metallb_k8s_client_updates_total",
			Help: "Number of Service status writes that were attempted.",
		}),
		updateErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "metallb_k8s_client_update_errors_total",
			Help: "Number of Service status writes that failed.",
		}),
	}
	for _, c := range []prometheus.Collector{m.updates, m.updateErrors} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
