// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
)

// oneAtATime takes one more service through its life, again and again.
func (b *bench) oneAtATime(ctx context.Context, m *measurement) error {
	samples := make(map[string][]time.Duration)
	for i := range b.samples {
		if err := b.oneLife(ctx, fmt.Sprintf("single-%04d", i), samples); err != nil {
			return err
		}
	}
	for name, list := range samples {
		m.Latencies[name] = summarize(list)
	}
	return nil
}

// oneLife creates a service, takes its endpoint away, gives it back, and deletes the service. Each latency counts from
// before the request to the API server.
func (b *bench) oneLife(ctx context.Context, name string, samples map[string][]time.Duration) error {
	c := b.cluster.client
	slice, service := makeSlice(name, true), makeService(name)
	if err := c.Create(ctx, slice); err != nil {
		return err
	}
	begin := time.Now()
	if err := c.Create(ctx, service); err != nil {
		return err
	}
	samples[latencyCreate] = append(samples[latencyCreate], time.Since(begin))
	a, err := b.tracker.waitAddress(ctx, name)
	if err != nil {
		return err
	}
	samples[latencyAddress] = append(samples[latencyAddress], a.at.Sub(begin))
	route := netip.PrefixFrom(a.address, a.address.BitLen())
	at, err := b.sink.WaitRoute(ctx, route)
	if err != nil {
		return err
	}
	samples[latencyRoute] = append(samples[latencyRoute], at.Sub(begin))

	for _, step := range []struct {
		latency string
		request func() error
		wait    func(context.Context, netip.Prefix) (time.Time, error)
	}{
		{latencyLoss, func() error { return b.setReady(ctx, slice, false) }, b.sink.WaitNoRoute},
		{latencyReturn, func() error { return b.setReady(ctx, slice, true) }, b.sink.WaitRoute},
		{latencyDeletion, func() error { return c.Delete(ctx, service) }, b.sink.WaitNoRoute},
	} {
		begin := time.Now()
		if err := step.request(); err != nil {
			return err
		}
		at, err := step.wait(ctx, route)
		if err != nil {
			return err
		}
		samples[step.latency] = append(samples[step.latency], at.Sub(begin))
	}
	return c.Delete(ctx, slice)
}

func (b *bench) setReady(ctx context.Context, slice *discoveryv1.EndpointSlice, ready bool) error {
	slice.Endpoints[0].Conditions = makeSlice("", ready).Endpoints[0].Conditions
	return b.cluster.client.Update(ctx, slice)
}
