// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"math/rand/v2"
	"time"
)

// shortest is the time between the first attempt and the second.
const shortest = 100 * time.Millisecond

// Backoff says how long after the beginning of an attempt to connect the next one begins. The zero value has had none.
type Backoff struct {
	failed int
}

// Next is the time for the next attempt: it doubles each time, until it is longest, less up to a quarter (RFC 4271 section
// 10), so that many speakers do not come at a time to a router that is back.
func (b *Backoff) Next(longest time.Duration) time.Duration {
	next := longest
	if b.failed < 32 && shortest<<b.failed < longest {
		next = shortest << b.failed
	}
	b.failed++
	return next - time.Duration(rand.Float64()*float64(next)/4) //nolint:gosec // Nobody gains from guessing it.
}

// Reset is to be called when an attempt has succeeded.
func (b *Backoff) Reset() {
	b.failed = 0
}
