// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"github.com/prometheus/client_golang/prometheus"

	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/speaker/transport"
)

// collector reads the metrics off the sessions' states, so that there are series for the sessions that there are, and
// no others.
type collector struct {
	sessions *Sessions
}

// sample is what the metrics of one endpoint are made of.
type sample struct {
	state  session.State
	counts counts
}

// counts are what has happened since the session was configured, over all its connections.
type counts struct {
	// established and lost are how often the session came up and went down.
	established, lost uint64
	sent, received    tally
	prefixes          uint64
}

// tally are the numbers of messages of one direction.
type tally struct {
	opens, updates, notifications, keepalives, refreshes, total uint64
}

func tallyOf(t *transport.Tally) tally {
	return tally{
		opens: t.Opens.Load(), updates: t.Updates.Load(), notifications: t.Notifications.Load(), keepalives: t.Keepalives.Load(),
		refreshes: t.Refreshes.Load(), total: t.Total(),
	}
}

func (t tally) plus(other tally) tally {
	return tally{
		opens: t.opens + other.opens, updates: t.updates + other.updates, notifications: t.notifications + other.notifications,
		keepalives: t.keepalives + other.keepalives, refreshes: t.refreshes + other.refreshes, total: t.total + other.total,
	}
}

func (c counts) plus(other counts) counts {
	return counts{
		established: c.established + other.established, lost: c.lost + other.lost,
		sent: c.sent.plus(other.sent), received: c.received.plus(other.received),
		prefixes: c.prefixes + other.prefixes,
	}
}

// sample may be called from any goroutine.
func (p *peering) sample() sample {
	p.mu.Lock()
	c := counts{established: p.ups, lost: p.downs}
	p.mu.Unlock()
	c.sent, c.received = tallyOf(&p.stats.Sent), tallyOf(&p.stats.Received)
	c.prefixes = p.stats.Prefixes.Load()
	return sample{p.snapshot(), c}
}

// metric is one with a value, or two values that a label tells apart, for each endpoint.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(sample) float64
	// label is the value of the second label, if there is one.
	label []string
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("metallb", "bgp", name), help, append([]string{"peer"}, labels...), nil)
}

func gauge(name, help string, value func(session.State) int) metric {
	return metric{
		desc: describe(name, help), kind: prometheus.GaugeValue,
		value: func(s sample) float64 { return float64(value(s.state)) },
	}
}

func counter(name, help string, value func(counts) uint64) metric {
	return metric{
		desc: describe(name, help), kind: prometheus.CounterValue,
		value: func(s sample) float64 { return float64(value(s.counts)) },
	}
}

// metrics are all of them.
func (collector) metrics() []metric {
	transitions := describe("session_transitions_total",
		"Number of times that the BGP session came up (to: up) or went down (to: down).", "to")
	transition := func(to string, value func(counts) uint64) metric {
		return metric{
			desc: transitions, kind: prometheus.CounterValue, label: []string{to},
			value: func(s sample) float64 { return float64(value(s.counts)) },
		}
	}
	return []metric{
		gauge("session_up", "BGP session state (1 is up, 0 is down).", func(s session.State) int {
			if s.Up() {
				return 1
			}
			return 0
		}),
		gauge("announced_prefixes_total", "Number of prefixes currently advertised on the BGP session.",
			func(s session.State) int { return s.Advertised }),
		gauge("pending_prefixes_total", "Number of prefixes to be advertised as soon as the BGP session is up.",
			func(s session.State) int { return s.Pending }),
		transition("up", func(c counts) uint64 { return c.established }),
		transition("down", func(c counts) uint64 { return c.lost }),
		counter("updates_total", "Number of BGP UPDATE messages sent.", func(c counts) uint64 { return c.sent.updates }),
		counter("updates_total_received", "Number of BGP UPDATE messages received.", func(c counts) uint64 { return c.received.updates }),
		counter("opens_sent", "Number of BGP OPEN messages sent.", func(c counts) uint64 { return c.sent.opens }),
		counter("opens_received", "Number of BGP OPEN messages received.", func(c counts) uint64 { return c.received.opens }),
		counter("keepalives_sent", "Number of BGP KEEPALIVE messages sent.", func(c counts) uint64 { return c.sent.keepalives }),
		counter("keepalives_received", "Number of BGP KEEPALIVE messages received.", func(c counts) uint64 { return c.received.keepalives }),
		counter("notifications_sent", "Number of BGP NOTIFICATION messages sent.", func(c counts) uint64 { return c.sent.notifications }),
		counter("notifications_received_total", "Number of BGP NOTIFICATION messages received.",
			func(c counts) uint64 { return c.received.notifications }),
		counter("prefixes_received_total", "Number of prefixes that the peer has announced, each as often as it did. They are not used.",
			func(c counts) uint64 { return c.prefixes }),
		counter("route_refresh_sent", "Number of BGP ROUTE-REFRESH messages sent.", func(c counts) uint64 { return c.sent.refreshes }),
		counter("total_sent", "Number of BGP messages sent.", func(c counts) uint64 { return c.sent.total }),
		counter("total_received", "Number of BGP messages received.", func(c counts) uint64 { return c.received.total }),
	}
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
	byEndpoint := map[string]sample{}
	for _, s := range c.sessions.samples() {
		endpoint := s.state.Endpoint()
		if other, ok := byEndpoint[endpoint]; ok {
			s.state.Advertised += other.state.Advertised
			s.state.Pending += other.state.Pending
			if other.state.Up() {
				s.state.FSM = other.state.FSM
			}
			s.counts = s.counts.plus(other.counts)
		}
		byEndpoint[endpoint] = s
	}
	metrics := c.metrics()
	for endpoint, s := range byEndpoint {
		for _, m := range metrics {
			ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(s), append([]string{endpoint}, m.label...)...)
		}
	}
}

// samples are what there is to show of all sessions.
func (s *Sessions) samples() []sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	samples := make([]sample, 0, len(s.sessions))
	for _, p := range s.sessions {
		samples = append(samples, p.sample())
	}
	return samples
}
