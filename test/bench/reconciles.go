// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// reconciles returns how often each of the controller's reconcilers has looked at an object.
func (b *changes) reconciles(ctx context.Context) (map[string]int, error) {
	var counts map[string]int
	err := b.get(ctx, func(r *http.Response) (err error) {
		counts, err = parseReconciles(r.Body)
		return err
	})
	return counts, err
}

func parseReconciles(text io.Reader) (map[string]int, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(text)
	if err != nil {
		return nil, fmt.Errorf("reading the metrics: %w", err)
	}
	counts := make(map[string]int)
	for _, m := range families["controller_runtime_reconcile_total"].GetMetric() {
		for _, label := range m.GetLabel() {
			if label.GetName() == "controller" {
				counts[label.GetValue()] += int(m.GetCounter().GetValue())
			}
		}
	}
	return counts, nil
}

// subtract returns what has been added since before.
func subtract(after, before map[string]int) map[string]int {
	added := make(map[string]int)
	for name, n := range after {
		if d := n - before[name]; d > 0 {
			added[name] = d
		}
	}
	return added
}

// get reads the controller's metrics to their end.
func (b *changes) get(ctx context.Context, read func(*http.Response) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.metrics+"/metrics", http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("reading the metrics: %s", response.Status)
	}
	if err := read(response); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
