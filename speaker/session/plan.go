// SPDX-License-Identifier: Apache-2.0

package session

import (
	"maps"
	"slices"
)

// Plan turns the sessions that run into those that are wanted. Every list is sorted by peer; a session that is as
// wanted is in none of them.
type Plan struct {
	// Start are sessions that do not run.
	Start []Config
	// Stop are peers whose session is not wanted any more.
	Stop []string
	// Restart are sessions that must be closed and opened again to take up the change.
	Restart []Config
	// Retime are sessions of which only timers change. They are negotiated with the next OPEN message, so the session
	// that is up is left alone.
	Retime []Config
}

// Diff returns the plan from what runs to what is wanted. Of several configurations of one peer the last counts.
func Diff(running map[string]Config, wanted []Config) Plan {
	want := make(map[string]Config, len(wanted))
	for _, c := range wanted {
		want[c.Peer] = c
	}

	var p Plan
	for _, name := range slices.Sorted(maps.Keys(want)) {
		c := want[name]
		old, runs := running[name]
		switch {
		case !runs:
			p.Start = append(p.Start, c)
		case old == c:
		case old.withTimersOf(c) == c:
			p.Retime = append(p.Retime, c)
		default:
			p.Restart = append(p.Restart, c)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(running)) {
		if _, ok := want[name]; !ok {
			p.Stop = append(p.Stop, name)
		}
	}
	return p
}

func (c Config) withTimersOf(d Config) Config {
	c.HoldTime, c.KeepaliveTime, c.ConnectTime = d.HoldTime, d.KeepaliveTime, d.ConnectTime
	return c
}
