// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"github.com/prometheus/client_golang/prometheus"

	"metallb.io/metallb/speaker/session"
)

// collector reads the metrics off the sessions' states, so that there are series for the sessions that there are, and
// no others.
type collector struct {
	sessions *Sessions
}

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("metallb", "bgp", name), help, []string{"peer"}, nil)
}

func (collector) up() *prometheus.Desc {
	return describe("session_up", "BGP session state (1 is up, 0 is down).")
}

func (collector) updates() *prometheus.Desc {
	return describe("updates_total", "Number of BGP UPDATE messages sent.")
}

func (collector) announced() *prometheus.Desc {
	return describe("announced_prefixes_total", "Number of prefixes currently advertised on the BGP session.")
}

func (collector) waiting() *prometheus.Desc {
	return describe("pending_prefixes_total", "Number of prefixes to be advertised as soon as the BGP session is up.")
}

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.up()
	ch <- c.updates()
	ch <- c.announced()
	ch <- c.waiting()
}

// Collect implements prometheus.Collector. Sessions with one endpoint, from different source addresses, are one series.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	byEndpoint := map[string]session.State{}
	for _, s := range c.sessions.States() {
		endpoint := s.Endpoint()
		if other, ok := byEndpoint[endpoint]; ok {
			s.Updates += other.Updates
			s.Advertised += other.Advertised
			s.Pending += other.Pending
			if other.Up() {
				s.FSM = other.FSM
			}
		}
		byEndpoint[endpoint] = s
	}
	for endpoint, s := range byEndpoint {
		up := 0.0
		if s.Up() {
			up = 1
		}
		ch <- prometheus.MustNewConstMetric(c.up(), prometheus.GaugeValue, up, endpoint)
		ch <- prometheus.MustNewConstMetric(c.updates(), prometheus.CounterValue, float64(s.Updates), endpoint)
		ch <- prometheus.MustNewConstMetric(c.announced(), prometheus.GaugeValue, float64(s.Advertised), endpoint)
		ch <- prometheus.MustNewConstMetric(c.waiting(), prometheus.GaugeValue, float64(s.Pending), endpoint)
	}
}
