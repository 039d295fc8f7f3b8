// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Community is a BGP community: standard (RFC 1997), large (RFC 8092) or extended (RFC 4360). It is comparable.
type Community struct {
	kind CommunityKind
	// parts are, of a standard community, its two numbers; of a large one, its three; of an extended one, the first and the last
	// four of its octets.
	parts [3]uint32
}

// CommunityKind says which attribute a community is sent in.
type CommunityKind int

// Kinds of communities.
const (
	Standard CommunityKind = iota
	Large
	Extended
)

const largePrefix = "large:"

// llgrStale marks the routes of a peer that is gone. They are not to be sent to routers without long-lived graceful restart (RFC 9494
// section 4.3), and GoBGP does not.
var llgrStale = wellKnownCommunity(6)

// wellKnown are the communities that have a name (IANA registry "BGP Well-known Communities"), but for llgrStale.
var wellKnown = map[string]Community{
	"graceful-shutdown":   wellKnownCommunity(0),      // RFC 8326
	"accept-own":          wellKnownCommunity(1),      // RFC 7611
	"no-llgr":             wellKnownCommunity(7),      // RFC 9494
	"blackhole":           wellKnownCommunity(666),    // RFC 7999
	"no-export":           wellKnownCommunity(0xFF01), // RFC 1997
	"no-advertise":        wellKnownCommunity(0xFF02), // RFC 1997
	"no-export-subconfed": wellKnownCommunity(0xFF03), // RFC 1997
	"no-peer":             wellKnownCommunity(0xFF04), // RFC 3765
}

func wellKnownCommunity(number uint32) Community { return Community{parts: [3]uint32{0xFFFF, number}} }

// WellKnown returns the community that has the name in the IANA registry "BGP Well-known Communities".
func WellKnown(name string) (c Community, found bool) {
	c, found = wellKnown[name]
	return c, found
}

// ParseCommunity parses "a:b", two 16-bit numbers; "large:a:b:c", three 32-bit numbers; an extended community, see parseExtended;
// or the name of a well-known community.
func ParseCommunity(s string) (Community, error) {
	if c, found := WellKnown(s); found {
		return c, nil
	}
	rest, large := strings.CutPrefix(s, largePrefix)
	sections := strings.Split(rest, ":")
	switch {
	case large && len(sections) == 3:
		return parseNumbers(s, Large, sections)
	case !large && len(sections) == 4:
		return Community{}, fmt.Errorf("invalid marker for large community %q: expected community to be of format large:a:b:c", s)
	case len(sections) == 3 && slices.Contains(extendedMarkers, sections[0]):
		return parseExtended(s, sections)
	case !large && len(sections) == 2:
		return parseNumbers(s, Standard, sections)
	}
	return Community{}, fmt.Errorf("invalid community format: %q; "+
		"write \"a:b\", \"large:a:b:c\", \"rt:a:b\", \"soo:a:b\", \"bandwidth:a:b\" or a well-known name such as \"no-export\"", s)
}

// parseNumbers parses the sections of a standard or a large community.
func parseNumbers(s string, kind CommunityKind, sections []string) (Community, error) {
	limit, maxDigits := uint64(1<<16-1), 5
	if kind == Large {
		limit, maxDigits = 1<<32-1, 10
	}
	c := Community{kind: kind}
	for i, section := range sections {
		n, err := parseSection(s, section, limit, maxDigits)
		if err != nil {
			return Community{}, err
		}
		c.parts[i] = uint32(n) //nolint:gosec // The limit is 32 bits at most.
	}
	if c == llgrStale {
		return Community{}, fmt.Errorf("invalid community value: %q is LLGR_STALE (RFC 9494): routers would not be sent the route; remove it", s)
	}
	return c, nil
}

// parseSection parses a number in a community.
func parseSection(community, section string, limit uint64, maxDigits int) (uint64, error) {
	n, err := strconv.ParseUint(section, 10, 64)
	if err != nil || n > limit || len(section) > maxDigits {
		return 0, fmt.Errorf("invalid community value: invalid section %q of community %q: must be a number from 0 to %d", section, community, limit)
	}
	return n, nil
}

// String returns the community as ParseCommunity reads it, in numbers.
func (c Community) String() string {
	switch c.kind {
	case Large:
		return fmt.Sprintf("%s%d:%d:%d", largePrefix, c.parts[0], c.parts[1], c.parts[2])
	case Extended:
		return c.extendedString()
	default:
		return fmt.Sprintf("%d:%d", c.parts[0], c.parts[1])
	}
}

// Kind returns which attribute the community is sent in.
func (c Community) Kind() CommunityKind { return c.kind }

// Uint32 returns a standard community as the four octets that are sent (RFC 1997); 0 for another.
func (c Community) Uint32() uint32 {
	if c.kind != Standard {
		return 0
	}
	return c.parts[0]<<16 | c.parts[1]
}

// Large returns the three parts of a large community: global administrator and two of local meaning (RFC 8092 section 3);
// zeros for another.
func (c Community) Large() [3]uint32 {
	if c.kind != Large {
		return [3]uint32{}
	}
	return c.parts
}

// Compare orders communities: standard ones first, then large ones, then by their numbers.
func (c Community) Compare(o Community) int {
	return cmp.Or(cmp.Compare(c.kind, o.kind), slices.Compare(c.parts[:], o.parts[:]))
}
