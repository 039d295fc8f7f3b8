// SPDX-License-Identifier: Apache-2.0

package bfd

import "github.com/prometheus/client_golang/prometheus"

// collector reads the metrics off the sessions, so that there are series for the sessions that there are, and no others.
type collector struct {
	sessions *Sessions
}

// metric is one with a value for each peer. The values of sessions with one peer are added.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*Session) float64
}

func describe(name, help, label string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("metallb", "bfd", name), help, []string{label}, nil)
}

func counter(name, help string, value func(*Session) uint64) metric {
	return metric{
		desc: describe(name, help, "peer"), kind: prometheus.CounterValue,
		value: func(s *Session) float64 { return float64(value(s)) },
	}
}

func noEcho(*Session) uint64 { return 0 }

// metrics are those of a peer.
func (collector) metrics() []metric {
	return []metric{
		{describe("session_up", "BFD session state (1 is up, 0 is down).", "peer"), prometheus.GaugeValue, func(s *Session) float64 {
			if s.Status().State == Up {
				return 1
			}
			return 0
		}},
		counter("control_packet_input", "Number of BFD control packets received.", func(s *Session) uint64 { return s.counts.received.Load() }),
		counter("control_packet_output", "Number of BFD control packets sent.", func(s *Session) uint64 { return s.counts.sent.Load() }),
		counter("echo_packet_input", "Number of BFD echo packets received; always 0.", noEcho),
		counter("echo_packet_output", "Number of BFD echo packets sent; always 0.", noEcho),
		counter("session_up_events", "Number of times the BFD session came up.", func(s *Session) uint64 { return s.counts.ups.Load() }),
		counter("session_down_events", "Number of times the BFD session went down.", func(s *Session) uint64 { return s.counts.downs.Load() }),
	}
}

func ignoredDesc() *prometheus.Desc {
	return describe("control_packets_ignored_total", "Number of received BFD control packets that were ignored, by reason.", "reason")
}

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range c.metrics() {
		ch <- m.desc
	}
	ch <- ignoredDesc()
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	peers := c.sessions.byPeer()
	for _, m := range c.metrics() {
		for peer, sessions := range peers {
			sum := 0.0
			for _, s := range sessions {
				sum += m.value(s)
			}
			if m.kind == prometheus.GaugeValue {
				sum = min(sum, 1)
			}
			ch <- prometheus.MustNewConstMetric(m.desc, m.kind, sum, peer)
		}
	}
	if len(peers) == 0 {
		return
	}
	for r := accepted + 1; r < reasons; r++ {
		ch <- prometheus.MustNewConstMetric(ignoredDesc(), prometheus.CounterValue, float64(c.sessions.ignored[r].Load()), r.String())
	}
}

func (s *Sessions) byPeer() map[string][]*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	peers := map[string][]*Session{}
	for session := range s.sessions {
		peer := session.config.Peer.String()
		peers[peer] = append(peers[peer], session)
	}
	return peers
}
