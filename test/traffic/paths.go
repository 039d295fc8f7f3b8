// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Blink is how short a time a whole route may be gone that still counts as replaced. BIRD replaces an IPv6 route by deleting and adding it.
const Blink = 100 * time.Millisecond

// Change is what a route became at a moment: the gateways that it forwards over, none if there is no route.
type Change struct {
	At       time.Time
	Prefix   netip.Prefix
	Gateways []netip.Addr
}

// Path is a way to a prefix.
type Path struct {
	Prefix  netip.Prefix
	Gateway netip.Addr
}

// Absence is a time without a path. Until is zero if the path has not come back.
type Absence struct{ From, Until time.Time }

// Paths are the absences of each path that was ever missing, since it was there first.
type Paths map[Path][]Absence

// absences reads from the changes of routes, in order of time, when paths were missing.
func absences(changes []Change) Paths {
	all := Paths{}
	had := map[netip.Prefix][]netip.Addr{}
	for i, c := range changes {
		if len(c.Gateways) == 0 && blinks(changes[i:]) {
			continue
		}
		for _, gateway := range had[c.Prefix] {
			if !slices.Contains(c.Gateways, gateway) {
				path := Path{c.Prefix, gateway}
				all[path] = append(all[path], Absence{From: c.At})
			}
		}
		for _, gateway := range c.Gateways {
			if times := all[Path{c.Prefix, gateway}]; len(times) > 0 && times[len(times)-1].Until.IsZero() {
				times[len(times)-1].Until = c.At
			}
		}
		had[c.Prefix] = c.Gateways
	}
	return all
}

// blinks reports whether the route that the first of the changes removes is soon there again.
func blinks(changes []Change) bool {
	gone := changes[0]
	for _, next := range changes[1:] {
		if next.At.Sub(gone.At) > Blink {
			return false
		}
		if next.Prefix == gone.Prefix && len(next.Gateways) > 0 {
			return true
		}
	}
	return false
}

// Most returns how often the path was missing that was missing most often.
func (p Paths) Most() int {
	most := 0
	for _, times := range p {
		most = max(most, len(times))
	}
	return most
}

// Longest returns the longest time that a path was missing and came back.
func (p Paths) Longest() time.Duration {
	var longest time.Duration
	for _, times := range p {
		for _, absence := range times {
			if !absence.Until.IsZero() {
				longest = max(longest, absence.Until.Sub(absence.From))
			}
		}
	}
	return longest
}

// String lists the absences.
func (p Paths) String() string {
	lines := make([]string, 0, len(p))
	for path, times := range p {
		var line strings.Builder
		fmt.Fprintf(&line, "%s over %s was missing", path.Prefix, path.Gateway)
		for _, absence := range times {
			fmt.Fprintf(&line, " from %s", absence.From.Format(time.StampMilli))
			if !absence.Until.IsZero() {
				fmt.Fprintf(&line, " for %s", absence.Until.Sub(absence.From).Round(time.Millisecond))
			}
		}
		lines = append(lines, line.String())
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
