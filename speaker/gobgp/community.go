// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	packet "github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"metallb.io/metallb/api/bgp"
)

// communities are the attributes with the communities, for an internal peer or an external one.
func communities(all []bgp.Community, internal bool) []packet.PathAttributeInterface {
	var (
		standard []uint32
		large    []*packet.LargeCommunity
		extended []packet.ExtendedCommunityInterface
	)
	for _, community := range all {
		switch community.Kind() {
		case bgp.Standard:
			standard = append(standard, community.Uint32())
		case bgp.Large:
			parts := community.Large()
			large = append(large, packet.NewLargeCommunity(parts[0], parts[1], parts[2]))
		case bgp.Extended:
			octets := community.Octets(internal)
			extended = append(extended, packet.NewUnknownExtended(packet.ExtendedCommunityAttrType(octets[0]), octets[1:]))
		}
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
