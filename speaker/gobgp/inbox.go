// SPDX-License-Identifier: Apache-2.0

package gobgp

import "sync"

// inbox is what one session has to look at: what GoBGP and the connection report, in order, and whether there is anything else.
// What is reported has no bound, because it comes from goroutines that must not wait for the session, which may be waiting for
// them; it is a few tasks for each connection.
type inbox struct {
	mu    sync.Mutex
	tasks []func()
	// wake holds a token if the session is to look.
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
	b.poke()
}

// poke has the session look. It never blocks.
func (b *inbox) poke() {
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
