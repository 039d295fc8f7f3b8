// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSummarize(t *testing.T) {
	t.Parallel()
	upTo := func(n int) []time.Duration { // n, n-1, … 1 ms
		var list []time.Duration
		for i := n; i > 0; i-- {
			list = append(list, time.Duration(i)*time.Millisecond)
		}
		return list
	}
	for name, tc := range map[string]struct {
		samples []time.Duration
		want    summary
	}{
		"nothing":                       {want: summary{}},
		"one sample is every rank":      {samples: upTo(1), want: summary{1, time.Millisecond, time.Millisecond, time.Millisecond}},
		"two samples: the median is ≤":  {samples: upTo(2), want: summary{2, time.Millisecond, 2 * time.Millisecond, 2 * time.Millisecond}},
		"a hundred: p99 is not the max": {samples: upTo(100), want: summary{100, 50 * time.Millisecond, 99 * time.Millisecond, 100 * time.Millisecond}},
		"fifty: p99 is the max":         {samples: upTo(50), want: summary{50, 25 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, summarize(tc.samples)); diff != "" {
				t.Errorf("summarize() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSummarizeLeavesTheSamplesInTheirOrder(t *testing.T) {
	t.Parallel()
	samples := []time.Duration{3, 1, 2}
	summarize(samples)
	if diff := cmp.Diff([]time.Duration{3, 1, 2}, samples); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

func TestARatioToNothingIsNone(t *testing.T) {
	t.Parallel()
	if got, ok := ratio(3, 2); got != 1.5 || !ok {
		t.Errorf("ratio(3, 2) = %v, %v", got, ok)
	}
	if got, ok := ratio(3, 0); ok {
		t.Errorf("ratio(3, 0) = %v", got)
	}
}
