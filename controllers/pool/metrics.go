// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"github.com/prometheus/client_golang/prometheus"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/configuration"
)

// Metrics are read from the allocator whenever they are collected: they are exact, and end with their pool.
type Metrics struct {
	allocator     *allocator.Allocator
	configuration interface{ State() configuration.State }

	gauges                         []gauge
	services                       *prometheus.Desc
	loaded, stale, held, deviating *prometheus.Desc
}

// gauge is a metric with one value per pool.
type gauge struct {
	desc  *prometheus.Desc
	value func(allocator.Counts) float64
}

// NewMetrics returns the metrics, to be registered.
func NewMetrics(a *allocator.Allocator, c interface{ State() configuration.State }) *Metrics {
	perPool := func(name, help string, value func(allocator.Counts) float64) gauge {
		return gauge{prometheus.NewDesc("metallb_allocator_"+name, help, []string{"pool"}, nil), value}
	}
	return &Metrics{
		allocator: a, configuration: c,
		gauges: []gauge{
			perPool("addresses_total", "Number of addresses in the pool.",
				func(c allocator.Counts) float64 { return float64(c.SizeIPv4) + float64(c.SizeIPv6) }),
			perPool("ipv4_addresses_total", "Number of IPv4 addresses in the pool.",
				func(c allocator.Counts) float64 { return float64(c.SizeIPv4) }),
			perPool("ipv6_addresses_total", "Number of IPv6 addresses in the pool.",
				func(c allocator.Counts) float64 { return float64(c.SizeIPv6) }),
			perPool("addresses_in_use_total", "Number of addresses of the pool that services use.",
				func(c allocator.Counts) float64 { return float64(c.AssignedIPv4) + float64(c.AssignedIPv6) }),
			perPool("ipv4_addresses_in_use_total", "Number of IPv4 addresses of the pool that services use.",
				func(c allocator.Counts) float64 { return float64(c.AssignedIPv4) }),
			perPool("ipv6_addresses_in_use_total", "Number of IPv6 addresses of the pool that services use.",
				func(c allocator.Counts) float64 { return float64(c.AssignedIPv6) }),
		},
		services: prometheus.NewDesc("metallb_allocator_services_allocated_total",
			"Number of services that use addresses of the pool.", []string{"pool"}, nil),
		loaded: prometheus.NewDesc("metallb_k8s_client_config_loaded_bool",
			"1 if the program has loaded a configuration.", nil, nil),
		stale: prometheus.NewDesc("metallb_k8s_client_config_stale_bool",
			"1 if an object is not in use as written, or a service has an address that no pool allows it any more.", nil, nil),
		held: prometheus.NewDesc("metallb_k8s_client_config_held_objects",
			"Number of configuration objects with a change that is held back.", nil, nil),
		deviating: prometheus.NewDesc("metallb_config_object_deviating",
			"1 for each configuration object that is not in use as written, by reason: InvalidConfig, NotCompatibleWithAssignedIPs or InUse.",
			[]string{"kind", "name", "reason"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, g := range m.gauges {
		ch <- g.desc
	}
	ch <- m.services
	ch <- m.loaded
	ch <- m.stale
	ch <- m.held
	ch <- m.deviating
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	services := m.allocator.ServicesByPool()
	for pool, counts := range m.allocator.Counts() {
		ch <- prometheus.MustNewConstMetric(m.services, prometheus.GaugeValue, float64(services[pool]), pool)
		for _, g := range m.gauges {
			ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, g.value(counts), pool)
		}
	}
	state := m.configuration.State()
	if !state.Asked {
		return // A replica that stands by does not lack a configuration.
	}
	stale := len(state.Deviating) > 0 || m.allocator.HasIncompatible()
	ch <- prometheus.MustNewConstMetric(m.loaded, prometheus.GaugeValue, toFloat(state.Loaded))
	ch <- prometheus.MustNewConstMetric(m.stale, prometheus.GaugeValue, toFloat(stale))
	ch <- prometheus.MustNewConstMetric(m.held, prometheus.GaugeValue, float64(state.Held))
	for key, reason := range state.Deviating {
		ch <- prometheus.MustNewConstMetric(m.deviating, prometheus.GaugeValue, 1, key.Kind, key.Name, reason)
	}
}

func toFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
