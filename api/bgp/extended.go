// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// What extended communities begin with.
const (
	routeTargetMarker   = "rt"
	routeOriginMarker   = "soo"
	linkBandwidthMarker = "bandwidth"
)

var extendedMarkers = []string{routeTargetMarker, routeOriginMarker, linkBandwidthMarker}

// The first octet of an extended community: what its global administrator is. The second octet is what it means.
const (
	twoOctetAS  = 0x00 // RFC 4360 section 3.1
	ipv4Address = 0x01 // RFC 4360 section 3.2
	fourOctetAS = 0x02 // RFC 5668 section 2

	// nonTransitive is set in the first octet of a community that is not to leave the autonomous system (RFC 4360 section 2).
	nonTransitive = 0x40

	routeTarget   = 0x02 // RFC 4360 section 4
	routeOrigin   = 0x03 // RFC 4360 section 5
	linkBandwidth = 0x04 // RFC 10005
)

// asTrans stands for an ASN where only 2 octets are (RFC 6793 section 9).
const asTrans = 23456

// A bandwidth in bytes per second has no more digits than maxBandwidthDigits, which is 8 Tbit/s.
const (
	maxBandwidth       = 999_999_999_999
	maxBandwidthDigits = 12
)

// parseExtended parses "rt:a:b" and "soo:a:b", a route target and a route origin, where a is an ASN or an IPv4 address, and b a number
// of 32 bits if a is an ASN of 16 bits, or of 16 bits; and "bandwidth:a:b", a link bandwidth, where a is an ASN of 16 bits and b bytes
// per second, rounded to 24 significant bits. The text has these three sections.
func parseExtended(s string, sections []string) (Community, error) {
	marker, admin, number := sections[0], sections[1], sections[2]
	switch marker {
	case linkBandwidthMarker:
		asn, err := parseSection(s, admin, math.MaxUint16, 5)
		if err != nil {
			return Community{}, err
		}
		bandwidth, err := parseSection(s, number, maxBandwidth, maxBandwidthDigits)
		if err != nil {
			return Community{}, err
		}
		return LinkBandwidth(uint32(asn), float32(bandwidth)), nil //nolint:gosec // It is 16 bits.
	case routeTargetMarker:
		return parseRoute(s, routeTarget, admin, number)
	default:
		return parseRoute(s, routeOrigin, admin, number)
	}
}

// parseRoute parses a route target or a route origin.
func parseRoute(s string, meaning uint8, admin, number string) (Community, error) {
	octets := [8]byte{1: meaning}
	if strings.Contains(admin, ".") {
		ip, err := netip.ParseAddr(admin)
		if err != nil || !ip.Is4() {
			return Community{}, fmt.Errorf("invalid community value: invalid section %q of community %q: must be an ASN or an IPv4 address", admin, s)
		}
		octets[0] = ipv4Address
		copy(octets[2:], ip.AsSlice())
	} else {
		asn, err := parseSection(s, admin, math.MaxUint32, 10)
		if err != nil {
			return Community{}, err
		}
		if asn <= math.MaxUint16 {
			octets[0] = twoOctetAS
			binary.BigEndian.PutUint16(octets[2:], uint16(asn))
		} else {
			octets[0] = fourOctetAS
			binary.BigEndian.PutUint32(octets[2:], uint32(asn)) //nolint:gosec // The limit is 32 bits.
		}
	}
	limit, maxDigits := uint64(math.MaxUint16), 5
	if octets[0] == twoOctetAS {
		limit, maxDigits = math.MaxUint32, 10
	}
	n, err := parseSection(s, number, limit, maxDigits)
	if err != nil {
		return Community{}, err
	}
	if octets[0] == twoOctetAS {
		binary.BigEndian.PutUint32(octets[4:], uint32(n)) //nolint:gosec // The limit is 32 bits.
	} else {
		binary.BigEndian.PutUint16(octets[6:], uint16(n)) //nolint:gosec // The limit is 16 bits.
	}
	return extended(octets), nil
}

// LinkBandwidth returns the link bandwidth extended community (RFC 10005) that a router of the ASN attaches, of that many bytes per
// second. It has room for 2 octets of the ASN: AS_TRANS stands for a longer one.
func LinkBandwidth(asn uint32, bytesPerSecond float32) Community {
	if asn > math.MaxUint16 {
		asn = asTrans
	}
	octets := [8]byte{twoOctetAS, linkBandwidth}
	binary.BigEndian.PutUint16(octets[2:], uint16(asn))
	binary.BigEndian.PutUint32(octets[4:], math.Float32bits(bytesPerSecond))
	return extended(octets)
}

func extended(octets [8]byte) Community {
	return Community{kind: Extended, parts: [3]uint32{binary.BigEndian.Uint32(octets[:]), binary.BigEndian.Uint32(octets[4:])}}
}

// Octets returns an extended community as it is sent to an internal peer or to an external one; zeros for another community. A link bandwidth is not
// transitive to internal peers, so that it stays in the autonomous system, and transitive to external ones, since one that is not
// must not get there (RFC 4360 section 6).
func (c Community) Octets(internal bool) [8]byte {
	octets := c.octets()
	if c.IsLinkBandwidth() && internal {
		octets[0] |= nonTransitive
	}
	return octets
}

func (c Community) octets() (octets [8]byte) {
	if c.kind == Extended {
		binary.BigEndian.PutUint32(octets[:], c.parts[0])
		binary.BigEndian.PutUint32(octets[4:], c.parts[1])
	}
	return octets
}

// CompareBandwidth orders link bandwidths by how many bytes per second they are.
func (c Community) CompareBandwidth(o Community) int {
	// Floating-point numbers that are not negative have the order of their bits.
	return cmp.Compare(c.parts[1], o.parts[1])
}

// IsLinkBandwidth reports whether the community is a link bandwidth.
func (c Community) IsLinkBandwidth() bool {
	octets := c.octets()
	return c.kind == Extended && octets[1] == linkBandwidth
}

func (c Community) extendedString() string {
	octets := c.octets()
	two, four := binary.BigEndian.Uint16(octets[2:]), binary.BigEndian.Uint32(octets[2:])
	if octets[1] == linkBandwidth {
		bandwidth := math.Float32frombits(c.parts[1])
		return fmt.Sprintf("%s:%d:%s", linkBandwidthMarker, two, strconv.FormatFloat(float64(bandwidth), 'f', 0, 32))
	}
	marker := routeTargetMarker
	if octets[1] == routeOrigin {
		marker = routeOriginMarker
	}
	switch octets[0] {
	case twoOctetAS:
		return fmt.Sprintf("%s:%d:%d", marker, two, c.parts[1])
	case fourOctetAS:
		return fmt.Sprintf("%s:%d:%d", marker, four, binary.BigEndian.Uint16(octets[6:]))
	default:
		ip, _ := netip.AddrFromSlice(slices.Clone(octets[2:6]))
		return fmt.Sprintf("%s:%s:%d", marker, ip, binary.BigEndian.Uint16(octets[6:]))
	}
}
