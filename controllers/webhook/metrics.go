// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
)

// The verdicts that are counted.
const (
	admitted = "admitted"
	refused  = "refused"
	// unchecked are changes that could not be judged: deletions are admitted then, everything else is refused.
	unchecked = "unchecked"
)

// metrics count and time the answers.
type metrics struct {
	verdicts *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// newMetrics registers the metrics.
func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "metallb_webhook_verdicts_total",
			Help: "Number of configuration changes that the webhook checked, by verdict: admitted, refused or unchecked.",
		}, []string{"kind", "operation", "verdict"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "metallb_webhook_duration_seconds",
			Help:    "Time the webhook took to check a configuration change, in seconds.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}, []string{"kind"}),
	}
	for _, c := range []prometheus.Collector{m.verdicts, m.duration} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) observe(kind string, operation admissionv1.Operation, verdict string, took time.Duration) {
	m.verdicts.WithLabelValues(kind, string(operation), verdict).Inc()
	m.duration.WithLabelValues(kind).Observe(took.Seconds())
}
