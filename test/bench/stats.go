// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"slices"
	"time"
)

// summary is what is told of a set of latencies.
type summary struct {
	Samples int           `json:"samples"`
	P50     time.Duration `json:"p50"` // nanoseconds, like all durations here
	P99     time.Duration `json:"p99"`
	Max     time.Duration `json:"max"`
}

// summarize takes percentiles by nearest rank: the smallest sample that at least so many percent do not exceed.
func summarize(samples []time.Duration) summary {
	if len(samples) == 0 {
		return summary{}
	}
	sorted := slices.Sorted(slices.Values(samples))
	rank := func(percent float64) time.Duration {
		return sorted[max(0, int(math.Ceil(percent/100*float64(len(sorted))))-1)]
	}
	return summary{Samples: len(sorted), P50: rank(50), P99: rank(99), Max: sorted[len(sorted)-1]}
}

// ratio returns a/b, and whether that says anything.
func ratio(a, b float64) (float64, bool) {
	if b <= 0 || a < 0 {
		return 0, false
	}
	return a / b, true
}
