// SPDX-License-Identifier: Apache-2.0

//go:build linux

package capture

import (
	"bytes"
	"slices"
	"sync"
	"time"
)

// The kernel shows one packet several times: once as sent and once as received on the loopback, once per port and once
// on a bridge. The same bytes within echoWindow among the last echoDepth packets are one packet; TCP repeats a
// segment no sooner than after 200 ms.
const (
	echoWindow = 20 * time.Millisecond
	echoDepth  = 64
)

// packet is one recorded packet with its link header.
type packet struct {
	at   time.Time
	data []byte
}

// ring holds the newest packets that fit into a number of bytes.
type ring struct {
	limit int

	mu        sync.Mutex
	held      []packet
	size      int
	discarded int
}

func newRing(limit int) *ring { return &ring{limit: limit} }

// add records a copy of data unless it is an echo.
func (r *ring) add(at time.Time, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.held) - 1; i >= 0 && i >= len(r.held)-echoDepth && at.Sub(r.held[i].at) < echoWindow; i-- {
		if bytes.Equal(r.held[i].data[headerLen:], data[headerLen:]) {
			return
		}
	}
	r.held = append(r.held, packet{at: at, data: bytes.Clone(data)})
	r.size += len(data)
	for r.size > r.limit && len(r.held) > 1 {
		r.size -= len(r.held[0].data)
		r.held[0].data = nil
		r.held = r.held[1:]
		r.discarded++
	}
}

// packets returns what is held, oldest first. The packets' bytes are never changed afterwards.
func (r *ring) packets() []packet {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.held)
}

func (r *ring) count() (held, discarded int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.held), r.discarded
}
