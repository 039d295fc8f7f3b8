// SPDX-License-Identifier: Apache-2.0

package dataplane

import (
	"context"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/internal/drain"
)

// interval is between questions about the proxy's health. It is short beside any timeout, and a question costs nothing.
const interval = 5 * time.Second

// health is what the proxy has answered of itself and of the node, so far.
type health struct {
	mu sync.Mutex
	// answered is whether the proxy has ever answered. One that never has is none that could fail.
	answered bool
	// leaving is what the last answer said, and failingSince when the proxy was first not healthy since it last was; zero if it is healthy.
	leaving      bool
	failingSince time.Time
	// signal is what comes of it.
	signal drain.Signal
}

// note takes note of an answer, or that there was none, and reports whether the signal is another one than before.
func (h *health) note(now time.Time, a answer, answered bool, timeout time.Duration) (changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answered = h.answered || answered
	if answered {
		h.leaving = a.leaving
	}
	switch {
	case answered && a.healthy:
		h.failingSince = time.Time{}
	case h.answered && h.failingSince.IsZero():
		h.failingSince = now
	}
	before := h.signal
	switch {
	case h.leaving:
		h.signal = drain.Signal{Kind: drain.ProxyLeaving}
	case timeout > 0 && !h.failingSince.IsZero() && now.Sub(h.failingSince) >= timeout:
		h.signal = drain.Signal{Kind: drain.ProxyFailing}
	default:
		h.signal = drain.Signal{}
	}
	return h.signal != before
}

// everAnswered reports whether the proxy has ever answered.
func (h *health) everAnswered() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.answered
}

func (h *health) current() drain.Signal {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.signal
}

// Signal returns whether the node is to drain by what the proxy has answered, or has not answered for a while: ProxyLeaving, ProxyFailing or none. It may be
// called from any goroutine.
func (p *Probe) Signal() drain.Signal { return p.health.current() }

// Start asks the proxy every few seconds how it is, until the context ends.
func (p *Probe) Start(ctx context.Context) error {
	ticker := p.options.Clock.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C():
			p.Ask(ctx)
		}
	}
}

// Ask asks the proxy once, for a second at most, and calls Options.Changed if the Signal is another one then. It may be called from any
// goroutine.
func (p *Probe) Ask(ctx context.Context) {
	a, err := p.ask(ctx)
	p.observe(ctx, a, err)
}

// observe takes note of how the proxy is. That it was not asked to the end, since the speaker stops, says nothing of it.
func (p *Probe) observe(ctx context.Context, a answer, err error) {
	if ctx.Err() != nil || !p.health.note(p.options.Clock.Now(), a, err == nil, p.options.Timeout) {
		return
	}
	log.FromContext(ctx).Info("the node's service proxy tells of its health", "url", p.options.URL, "signal", p.Signal().Kind.String(), "error", err)
	p.options.Changed()
}
