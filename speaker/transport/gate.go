// SPDX-License-Identifier: Apache-2.0

package transport

import "sync"

// gate is a channel that is closed once.
type gate struct {
	done chan struct{}
	once *sync.Once
}

func newGate() gate { return gate{done: make(chan struct{}), once: &sync.Once{}} }

func (g gate) open() { g.once.Do(func() { close(g.done) }) }

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
