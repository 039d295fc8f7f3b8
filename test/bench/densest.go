// SPDX-License-Identifier: Apache-2.0

package main

import "metallb.io/metallb/test/bench/sink"

// Octets of what UPDATE messages consist of.
const (
	maxMessageOctets  = 4096               // RFC 4271 section 4
	updateOctets      = 19 + 2 + 2         // header and two lengths (sections 4.1, 4.3)
	attributeOctets   = 4 + 3 + 7          // ORIGIN, an AS_PATH that is empty, LOCAL_PREF: what an internal peer must be told (section 5)
	nextHopOctets     = 3 + 4              // NEXT_HOP
	communityOctets   = 3 + 4              // COMMUNITIES with one of them (RFC 1997)
	reachOctets       = 2 + 1 + 1 + 16 + 1 // family, next hop with its length, and a reserved octet in MP_REACH_NLRI (RFC 4760 section 3)
	unreachOctets     = 2 + 1              // family in MP_UNREACH_NLRI (section 4)
	prefixOctets      = 1 + 4              // length and address of a prefix
	prefix6Octets     = 1 + 16
	shortHeaderOctets = 3 // of an attribute of up to 255 octets
	longHeaderOctets  = 4
)

// densest is what a peer must at least be told of the change: as many routes in each message as there is room for. An IPv4 route is
// withdrawn in the field for it, whatever next hop it had.
func (k kind) densest(c routeChange) sink.Counters {
	routes, prefix := c.each.announced+c.each.repeated+c.each.withdrawn, prefixOctets
	if k.six {
		prefix = prefix6Octets
	}
	octets := func(n int) int { return updateOctets + attributeOctets + nextHopOctets + c.communities + n*prefix }
	switch {
	case c.each.withdrawn > 0 && k.six:
		octets = func(n int) int { return updateOctets + attribute(unreachOctets+n*prefix) }
	case c.each.withdrawn > 0:
		octets = func(n int) int { return updateOctets + n*prefix }
	case k.at.Is6():
		octets = func(n int) int {
			return updateOctets + attributeOctets + c.communities + attribute(reachOctets+n*prefix)
		}
	}
	most := 1
	for octets(most+1) <= maxMessageOctets {
		most++
	}
	var told sink.Counters
	for ; routes > 0; routes -= most {
		told.Updates++
		told.Bytes += octets(min(routes, most))
	}
	return told
}

// attribute is how long an attribute is that has a value of so many octets (RFC 4271 section 4.3).
func attribute(value int) int {
	if value > 255 {
		return longHeaderOctets + value
	}
	return shortHeaderOctets + value
}
