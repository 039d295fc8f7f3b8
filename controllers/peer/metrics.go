// SPDX-License-Identifier: Apache-2.0

package peer

import "github.com/prometheus/client_golang/prometheus"

// collector reads the metrics off the sums whenever they are collected: they end with their peer. A replica that stands by has none.
type collector struct {
	feed                 *feed
	desired, established *prometheus.Desc
}

func newCollector(f *feed) *collector {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("metallb_peer_sessions_"+name, help, []string{"name"}, nil)
	}
	return &collector{
		feed:        f,
		desired:     describe("desired", "Number of nodes that should have a session with the BGPPeer."),
		established: describe("established", "Number of nodes whose session with the BGPPeer is established."),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.desired
	ch <- c.established
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	for name, s := range c.feed.summaries() {
		ch <- prometheus.MustNewConstMetric(c.desired, prometheus.GaugeValue, float64(s.desired), name)
		ch <- prometheus.MustNewConstMetric(c.established, prometheus.GaugeValue, float64(s.established), name)
	}
}
