// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"context"
	"sync"
)

// inbox is the queue of one session: what it is told to do and what GoBGP reports, in order. It has no bound, because
// GoBGP reports from goroutines that must not wait for the session, which may be waiting for them; who sends commands
// waits for the answer, so the queue stays short.
type inbox struct {
	mu    sync.Mutex
	tasks []func()
	// wake holds a token if there are tasks.
	wake chan struct{}
}

func newInbox() *inbox {
	return &inbox{wake: make(chan struct{}, 1)}
}

// put never blocks.
func (b *inbox) put(task func()) {
	b.mu.Lock()
	b.tasks = append(b.tasks, task)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take returns all tasks.
func (b *inbox) take() []func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	tasks := b.tasks
	b.tasks = nil
	return tasks
}

// pending is a command whose outcome is awaited.
type pending struct {
	outcome chan error // has room for one
	// gone is closed when the session has ended.
	gone <-chan struct{}
	// fatal is whether the session ends if the command fails.
	fatal bool
}

func failed(err error) pending {
	p := pending{outcome: make(chan error, 1)}
	p.outcome <- err
	return p
}

// await returns the command's outcome. A command that the session did not come to, because it ended, has no error. If the
// command was fatal, the session has ended.
func (p pending) await(ctx context.Context) error {
	select {
	case err := <-p.outcome:
		if err != nil && p.fatal {
			p.awaitEnd(ctx)
		}
		return err
	case <-p.gone:
		select {
		case err := <-p.outcome:
			return err
		default:
			return nil
		}
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p pending) awaitEnd(ctx context.Context) {
	select {
	case <-p.gone:
	case <-ctx.Done():
	}
}
