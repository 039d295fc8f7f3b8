// SPDX-License-Identifier: Apache-2.0

package session

import (
	"maps"
	"slices"

	"metallb.io/metallb/api/bgp"
)

// Plan turns the sessions that run into those that are wanted. Every list is sorted by peer; a session that is as
// wanted is in none of them.
type Plan struct {
	// Start are sessions that do not run.
	Start []bgp.Peer
	// Stop are peers whose session is not wanted any more.
	Stop []string
	// Restart are sessions that must be closed and opened again to take up the change.
	Restart []bgp.Peer
	// Retime are sessions of which only timers change. They are negotiated with the next OPEN message, so the session
	// that is up is left alone.
	Retime []bgp.Peer
}

// Diff returns the plan from what runs to what is wanted. Of several configurations of one peer the last counts.
func Diff(running map[string]bgp.Peer, wanted []bgp.Peer) Plan {
	want := make(map[string]bgp.Peer, len(wanted))
	for _, c := range wanted {
		want[c.Name] = c
	}

	var p Plan
	for _, name := range slices.Sorted(maps.Keys(want)) {
		c := want[name]
		old, runs := running[name]
		switch {
		case !runs:
			p.Start = append(p.Start, c)
		case old.Equal(c):
		case old.EqualButTimers(c):
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
