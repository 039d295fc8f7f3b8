// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"slices"

	packet "github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
)

// bytesPerEndpoint is the bandwidth that an endpoint stands for, in bytes per second: 1 Mbit/s, so that routers that show Mbit/s show the
// number of endpoints. What counts is the proportion of the paths. Routers that keep 32 bits of bytes per second have room for 34,359
// endpoints of a node, and those that keep kilobytes have no fraction.
const bytesPerEndpoint = 125_000

// communities are the attributes with the path's communities.
func communities(p rib.Path, c bgp.Peer) []packet.PathAttributeInterface {
	var (
		standard  []uint32
		large     []*packet.LargeCommunity
		extended  []packet.ExtendedCommunityInterface
		bandwidth []bgp.Community
	)
	add := func(community bgp.Community) {
		octets := community.Octets(c.IBGP())
		extended = append(extended, packet.NewUnknownExtended(packet.ExtendedCommunityAttrType(octets[0]), octets[1:]))
	}
	for _, community := range p.Communities {
		switch community.Kind() {
		case bgp.Standard:
			standard = append(standard, community.Uint32())
		case bgp.Large:
			parts := community.Large()
			large = append(large, packet.NewLargeCommunity(parts[0], parts[1], parts[2]))
		case bgp.Extended:
			if community.IsLinkBandwidth() {
				bandwidth = append(bandwidth, community)
			} else {
				add(community)
			}
		}
	}
	if p.Weight > 0 {
		bandwidth = []bgp.Community{bgp.LinkBandwidth(c.LocalASN, float32(p.Weight)*bytesPerEndpoint)}
	}
	if len(bandwidth) > 0 {
		// Of several, routers are to go by the lowest (RFC 10005).
		add(slices.MinFunc(bandwidth, bgp.Community.CompareBandwidth))
	}
	if shutdown := uint32(packet.COMMUNITY_PLANNED_SHUT); p.Draining && !slices.Contains(standard, shutdown) {
		standard = append(standard, shutdown)
	}
	var attributes []packet.PathAttributeInterface
	if len(standard) > 0 {
		attributes = append(attributes, packet.NewPathAttributeCommunities(standard))
	}
	if len(extended) > 0 {
		attributes = append(attributes, packet.NewPathAttributeExtendedCommunities(extended))
	}
	if len(large) > 0 {
		attributes = append(attributes, packet.NewPathAttributeLargeCommunities(large))
	}
	return attributes
}
