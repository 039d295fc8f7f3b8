// SPDX-License-Identifier: Apache-2.0

package rib

import (
	"slices"

	"metallb.io/metallb/api/bgp"
)

const (
	// drainingPrepend is how many more times the local ASN is in the AS path of a path that drains. Advertisements seldom differ by more.
	drainingPrepend = 3
	// drainingMED is the MULTI_EXIT_DISC of a path that drains: the highest but one, since some routers take the highest for infinite and the
	// path for unusable.
	drainingMED uint32 = 1<<32 - 2
	// bytesPerEndpoint is the bandwidth that an endpoint stands for, in bytes per second: 1 Mbit/s, so that routers that show Mbit/s show the
	// number of endpoints. What counts is the proportion of the paths. Routers that keep 32 bits of bytes per second have room for 34,359
	// endpoints of a node, and those that keep kilobytes have no fraction.
	bytesPerEndpoint = 125_000
)

// Attributes are what one peer is told of a path besides its prefix, its next hop and its origin.
type Attributes struct {
	// LocalPref is the LOCAL_PREF; nil if the path has none of its own. It is for internal peers alone (RFC 4271 section 5.1.5).
	LocalPref *uint32
	// ASPathPrepend is how many times the local ASN is in the AS path besides the once that is due. An internal peer gets an empty AS path:
	// it would take its own ASN in it for a loop and ignore the route (RFC 4271 section 9.1.2).
	ASPathPrepend int
	// MED is for both kinds of peers: a router of another autonomous system does not pass it on to a third (RFC 4271 section 5.1.4).
	MED bgp.MED
	// Communities are each once, the link bandwidth, of which there is at most one, and graceful-shutdown included. The slice is shared and
	// must not be mutated.
	Communities []bgp.Community
}

// To returns what the peer is told of the path.
//
// A path that drains has the community GRACEFUL_SHUTDOWN, which routers may honour or not (RFC 8326), and besides that what every router
// goes by: the lowest LOCAL_PREF towards internal peers, a longer AS path towards external ones, and the highest MULTI_EXIT_DISC, for
// routers that ignore the length of AS paths.
func (p Path) To(peer *bgp.Peer) Attributes {
	localPref, prepend := p.LocalPref, int(p.ASPathPrepend)
	a := Attributes{MED: p.MED, Communities: p.communitiesTo(peer)}
	if p.Draining {
		localPref, prepend, a.MED = 0, prepend+drainingPrepend, bgp.NewMED(new(drainingMED))
	}
	switch {
	case !peer.IBGP():
		a.ASPathPrepend = prepend
	case localPref != 0 || p.Draining:
		a.LocalPref = &localPref
	}
	return a
}

// communitiesTo are the communities that the peer is told. Of several link bandwidths routers are to go by the lowest (RFC 10005).
func (p Path) communitiesTo(peer *bgp.Peer) []bgp.Community {
	bandwidths, others := 0, p.Communities
	for _, c := range p.Communities {
		if c.IsLinkBandwidth() {
			bandwidths++
		}
	}
	if p.Weight > 0 || bandwidths > 1 {
		var bandwidth []bgp.Community
		others = nil
		for _, c := range p.Communities {
			if c.IsLinkBandwidth() {
				bandwidth = append(bandwidth, c)
			} else {
				others = append(others, c)
			}
		}
		if p.Weight > 0 {
			bandwidth = []bgp.Community{bgp.LinkBandwidth(peer.LocalASN, float32(p.Weight)*bytesPerEndpoint)}
		}
		others = append(others, slices.MinFunc(bandwidth, bgp.Community.CompareBandwidth))
	}
	if shutdown, _ := bgp.WellKnown("graceful-shutdown"); p.Draining && !slices.Contains(others, shutdown) {
		others = append(slices.Clip(others), shutdown)
	}
	return others
}
