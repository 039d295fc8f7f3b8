// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of what the node announces and of its configuration.
type Metrics struct {
	services     *prometheus.GaugeVec
	updates      prometheus.Counter
	updateErrors prometheus.Counter
	propagation  prometheus.Histogram
	dropped      prometheus.Counter
	draining     prometheus.Gauge
	drained      prometheus.Gauge
	configLoaded prometheus.Gauge
	configStale  prometheus.Gauge
}

// NewMetrics registers the metrics.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	const speaker, client = "speaker", "k8s_client"
	opts := func(subsystem, name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "metallb", Subsystem: subsystem, Name: name, Help: help}
	}
	counter := func(subsystem, name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts(opts(subsystem, name, help)))
	}
	gauge := func(subsystem, name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts(opts(subsystem, name, help)))
	}
	m := &Metrics{
		services: prometheus.NewGaugeVec(prometheus.GaugeOpts(opts(speaker, "announced", "1 for each service address that this node announces.")),
			[]string{"service", "protocol", "node", "ip"}),
		updates:      counter(client, "updates_total", "Number of times the speaker processed a change of a service or its endpoints."),
		updateErrors: counter(client, "update_errors_total", "Number of times the speaker failed to process a change of a service or its endpoints."),
		propagation: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "metallb", Subsystem: speaker, Name: "propagation_seconds",
			Help:    "Time from when the speaker sees a change of a service or its endpoints until BGP sessions that are up get the UPDATE, in seconds.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		dropped:      counter(speaker, "events_dropped_total", "Number of events about services that the speaker dropped because there were too many."),
		draining:     gauge(speaker, "node_draining", "1 while all routes of this node ask routers to prefer other nodes."),
		drained:      gauge(speaker, "node_drained", "1 while this node is drained and announces nothing."),
		configLoaded: gauge(client, "config_loaded_bool", "1 if the program has loaded a configuration."),
		configStale:  gauge(client, "config_stale_bool", "1 if a configuration object is not in use as written."),
	}
	for _, c := range []prometheus.Collector{
		m.services, m.updates, m.updateErrors, m.propagation, m.dropped, m.draining, m.drained, m.configLoaded, m.configStale,
	} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering a metric: %w", err)
		}
	}
	return m, nil
}

// announced replaces the addresses of a service.
func (m *Metrics) announced(service, node string, was, now []netip.Addr) {
	for _, addr := range was {
		m.services.DeleteLabelValues(service, protocol, node, addr.String())
	}
	for _, addr := range now {
		m.services.WithLabelValues(service, protocol, node, addr.String()).Set(1)
	}
}

// updated counts a service that was recomputed.
func (m *Metrics) updated(err error) {
	m.updates.Inc()
	if err != nil {
		m.updateErrors.Inc()
	}
}

// propagated observes how long it took until peers were told of a change.
func (m *Metrics) propagated(took time.Duration) { m.propagation.Observe(took.Seconds()) }

// eventDropped counts an event that was not emitted.
func (m *Metrics) eventDropped() { m.dropped.Inc() }

// drains notes whether the node drains, or is drained.
func (m *Metrics) drains(draining, drained bool) {
	tell(m.draining, draining)
	tell(m.drained, drained)
}

// tell has the gauge be 1 for yes and 0 for no.
func tell(g prometheus.Gauge, is bool) {
	if is {
		g.Set(1)
	} else {
		g.Set(0)
	}
}

// configured notes that the configuration was loaded, and whether part of it is not in use as it is written.
func (m *Metrics) configured(stale bool) {
	m.configLoaded.Set(1)
	tell(m.configStale, stale)
}
