// SPDX-License-Identifier: Apache-2.0

package leadership

import "time"

// Clock tells the time in a way that does not stop when the process or the machine does.
type Clock interface {
	Now() Instant
}

// Instant is a moment by two clocks: one goes on while the machine is suspended, the other is set right when a virtual machine
// that was paused goes on.
type Instant struct {
	// boot is the time since the machine was started.
	boot time.Duration
	wall time.Time
}

// IsZero reports whether the Instant is none.
func (i Instant) IsZero() bool { return i == Instant{} }

// Since returns how long ago the other was, by the clock that says more.
func (i Instant) Since(o Instant) time.Duration { return max(i.boot-o.boot, i.wall.Sub(o.wall)) }

type realClock struct{}

// Now returns the present moment. The wall clock's is without Go's monotonic reading, which stops with the machine.
func (realClock) Now() Instant { return Instant{boot: sinceBoot(), wall: time.Now().Round(0)} }
