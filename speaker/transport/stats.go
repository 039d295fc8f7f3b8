// SPDX-License-Identifier: Apache-2.0

package transport

import "sync/atomic"

// Stats count what passes over all connections to one peer. They may be read from any goroutine.
type Stats struct {
	Sent, Received Tally
	// Prefixes that the peer has announced, each as often as it did.
	Prefixes atomic.Uint64
}

// Tally counts the messages of one direction by type (RFC 4271 section 4.1, RFC 2918).
type Tally struct {
	Opens, Updates, Notifications, Keepalives, Refreshes atomic.Uint64
}

// Total is the number of messages of all types.
func (t *Tally) Total() uint64 {
	return t.Opens.Load() + t.Updates.Load() + t.Notifications.Load() + t.Keepalives.Load() + t.Refreshes.Load()
}

func (t *Tally) count(k kind) {
	switch k {
	case open:
		t.Opens.Add(1)
	case update:
		t.Updates.Add(1)
	case notification:
		t.Notifications.Add(1)
	case keepalive:
		t.Keepalives.Add(1)
	case routeRefresh:
		t.Refreshes.Add(1)
	}
}
