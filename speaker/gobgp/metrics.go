// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/speaker/transport"
)

// collector reads the metrics off the sessions' states, so that there are series for the sessions that there are, and
// no others.
type collector struct {
	sessions *Sessions
}

// metric is one with a value, or two values that a label tells apart, for each endpoint. The values of sessions with one
// endpoint are added.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*peering) float64
	// label is the value of the second label, if there is one.
	label []string
	// limit of the sum, if it is not 0.
	limit float64
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("metallb", "bgp", name), help, append([]string{"peer"}, labels...), nil)
}

func gauge(name, help string, value func(session.State) int) metric {
	return metric{
		desc: describe(name, help), kind: prometheus.GaugeValue,
		value: func(p *peering) float64 { return float64(value(p.snapshot())) },
	}
}

func counter(name, help string, value func(*transport.Stats) uint64) metric {
	return metric{
		desc: describe(name, help), kind: prometheus.CounterValue,
		value: func(p *peering) float64 { return float64(value(&p.stats)) },
	}
}

// transitions counts how often sessions came up and went down.
func transitions() []metric {
	desc := describe("session_transitions_total",
		"Number of times the BGP session came up (to: up) or went down (to: down).", "to")
	counting := func(to string, count func(*peering) *atomic.Uint64) metric {
		return metric{
			desc: desc, kind: prometheus.CounterValue, label: []string{to},
			value: func(p *peering) float64 { return float64(count(p).Load()) },
		}
	}
	return []metric{
		counting("up", func(p *peering) *atomic.Uint64 { return &p.ups }),
		counting("down", func(p *peering) *atomic.Uint64 { return &p.downs }),
	}
}

// metrics are all of them.
func (collector) metrics() []metric {
	up := gauge("session_up", "BGP session state (1 is up, 0 is down).", func(s session.State) int {
		if s.Up() {
			return 1
		}
		return 0
	})
	up.limit = 1
	type stats = transport.Stats
	return append(transitions(), up,
		gauge("announced_prefixes_total", "Number of prefixes announced on the BGP session.",
			func(s session.State) int { return s.Advertised() }),
		gauge("pending_prefixes_total", "Number of prefixes that wait for the BGP session to come up.",
			func(s session.State) int { return s.Pending }),
		counter("prefixes_received_total", "Number of prefixes received from the peer, repeats included; the speaker does not use them.",
			func(s *stats) uint64 { return s.Prefixes.Load() }),
		counter("updates_total", "Number of BGP UPDATE messages sent.", func(s *stats) uint64 { return s.Sent.Updates.Load() }),
		counter("updates_total_received", "Number of BGP UPDATE messages received.", func(s *stats) uint64 { return s.Received.Updates.Load() }),
		counter("opens_sent", "Number of BGP OPEN messages sent.", func(s *stats) uint64 { return s.Sent.Opens.Load() }),
		counter("opens_received", "Number of BGP OPEN messages received.", func(s *stats) uint64 { return s.Received.Opens.Load() }),
		counter("keepalives_sent", "Number of BGP KEEPALIVE messages sent.", func(s *stats) uint64 { return s.Sent.Keepalives.Load() }),
		counter("keepalives_received", "Number of BGP KEEPALIVE messages received.", func(s *stats) uint64 { return s.Received.Keepalives.Load() }),
		counter("notifications_sent", "Number of BGP NOTIFICATION messages sent.", func(s *stats) uint64 { return s.Sent.Notifications.Load() }),
		counter("notifications_received_total", "Number of BGP NOTIFICATION messages received.",
			func(s *stats) uint64 { return s.Received.Notifications.Load() }),
		counter("route_refresh_sent", "Number of BGP ROUTE-REFRESH messages sent.", func(s *stats) uint64 { return s.Sent.Refreshes.Load() }),
		counter("total_sent", "Number of BGP messages sent.", func(s *stats) uint64 { return s.Sent.Total() }),
		counter("total_received", "Number of BGP messages received.", func(s *stats) uint64 { return s.Received.Total() }),
	)
}

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	described := map[string]bool{}
	for _, m := range c.metrics() {
		if text := m.desc.String(); !described[text] {
			described[text] = true
			ch <- m.desc
		}
	}
}

// Collect implements prometheus.Collector. Sessions with one endpoint, from different source addresses, are one series.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	metrics := c.metrics()
	for endpoint, peerings := range c.sessions.byEndpoint() {
		for _, m := range metrics {
			sum := 0.0
			for _, p := range peerings {
				sum += m.value(p)
			}
			if m.limit != 0 {
				sum = min(sum, m.limit)
			}
			ch <- prometheus.MustNewConstMetric(m.desc, m.kind, sum, append([]string{endpoint}, m.label...)...)
		}
	}
}

func (s *Sessions) byEndpoint() map[string][]*peering {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string][]*peering{}
	for _, p := range s.sessions {
		endpoint := p.snapshot().Endpoint()
		found[endpoint] = append(found[endpoint], p)
	}
	return found
}
