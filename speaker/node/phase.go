// SPDX-License-Identifier: Apache-2.0

package node

import (
	"time"

	"metallb.io/metallb/internal/drain"
)

// phase is how far a node has come that drains.
type phase int

const (
	// serving: the node announces as it is to.
	serving phase = iota
	// telling: all paths drain, and not every session that is up has taken that up.
	telling
	// waiting: they have, and routers get time to use other nodes.
	waiting
	// withdrawing: the node is to announce nothing, and not every session that is up has taken that up.
	withdrawing
	// drained: the node announces nothing.
	drained
)

// withdrawn reports whether the node is to announce nothing.
func (p phase) withdrawn() bool { return p >= withdrawing }

// circumstances are what a phase goes by.
type circumstances struct {
	// signal is why the node drains; none if it does not.
	signal drain.Signal
	// starts is whether the speaker has just started.
	starts bool
	// taken is whether every session that is up has taken up what the phase has begun with.
	taken bool
	// since is how long the phase has lasted, and delay how long routers get to use other nodes.
	since, delay time.Duration
}

// next returns the phase that follows at once, or the same. A signal that ends, ends all phases. A speaker that starts on a node that is to leave withdraws at once: its
// predecessor has ended and its routes with it, so that none may come back.
func (p phase) next(c circumstances) phase {
	switch {
	case !c.signal.Any():
		return serving
	case p == serving && c.starts && c.signal.Withdraws():
		return withdrawing
	case p == serving || p.withdrawn() && !c.signal.Withdraws():
		return telling
	case p.isOver(c):
		return p + 1
	}
	return p
}

// isOver reports whether the next phase of a drain is to begin.
func (p phase) isOver(c circumstances) bool {
	switch p {
	case telling:
		return c.taken || c.since >= drainTime
	case waiting:
		return c.since >= c.delay && c.signal.Withdraws()
	case withdrawing:
		return c.taken
	case serving, drained:
	}
	return false
}
