// SPDX-License-Identifier: Apache-2.0

package dashboard_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/dashboard"
	"metallb.io/metallb/plugin/dashboard/store"
)

// source tells what a test gives it.
type source struct {
	told chan func(store.Receiver) error
}

func newSource() source { return source{make(chan func(store.Receiver) error, 16)} }

// Run tells the receiver until a test has it fail, or the context ends.
func (s source) Run(ctx context.Context, r store.Receiver) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case tell := <-s.told:
			if err := tell(r); err != nil {
				return err
			}
		}
	}
}

func (s source) show(c *cluster.Cluster) {
	s.told <- func(r store.Receiver) error { r.Changed(store.State{Cluster: c}); return nil }
}

func (s source) answer(err error) {
	s.told <- func(r store.Receiver) error { r.Answered(time.Now(), err); return nil }
}

// serve runs the server until the test ends, or what it returns is called, and then expects that nothing of it is left.
func serve(t *testing.T, from dashboard.Source) (url string, stop func() error) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	server, err := dashboard.Listen(t.Context(), "127.0.0.1", 0, from)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	var result error
	stopped := false
	stop = func() error {
		if !stopped {
			cancel()
			result, stopped = <-ended, true
		}
		return result
	}
	t.Cleanup(func() {
		_ = stop()
		goleak.VerifyNone(t, before)
	})
	return server.URL(), stop
}
