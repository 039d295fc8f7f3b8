// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"cmp"
	"slices"

	packet "github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"metallb.io/metallb/api/bgp"
)

// communityRoom is how many octets of communities are sent with a route. With them, a message has 270 octets left for its header and all else
// that there may be (RFC 4271 section 4), and one advertisement may have all the communities that it can name. GoBGP (v4.8.0) panics if the
// attributes of an IPv4 route are larger than a message, and does not send an IPv6 route then.
const communityRoom = 3800

// fitting returns the communities that there is room for: those that every router acts on first, since they limit where the route goes, and
// the large ones last.
func fitting(all []bgp.Community) []bgp.Community {
	const largest = 12
	if len(all)*largest <= communityRoom {
		return all
	}
	inOrder := slices.Clone(all)
	slices.SortStableFunc(inOrder, func(a, b bgp.Community) int { return cmp.Compare(rank(a), rank(b)) })
	room := communityRoom
	for i, c := range inOrder {
		if room -= octets(c); room < 0 {
			return inOrder[:i]
		}
	}
	return all
}

// rank is the lower the less a route can do without the community.
func rank(c bgp.Community) int {
	const wellKnown = 0xffff // RFC 1997
	if c.Kind() == bgp.Standard && c.Uint32()>>16 == wellKnown {
		return 0
	}
	return octets(c)
}

// octets is the size of the community in a message.
func octets(c bgp.Community) int {
	switch c.Kind() {
	case bgp.Large:
		return 12
	case bgp.Extended:
		return 8
	default:
		return 4
	}
}

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
