// SPDX-License-Identifier: Apache-2.0

package transport

import "encoding/binary"

// family is an address family with unicast routes; 0 is any other.
type family byte

const (
	ipv4 family = 1
	ipv6 family = 2
)

// familyAt reads an address family and its subsequent identifier (RFC 4760 section 3).
func familyAt(afi []byte, safi byte) family {
	const unicast = 1
	if f := binary.BigEndian.Uint16(afi); safi == unicast && (f == uint16(ipv4) || f == uint16(ipv6)) {
		return family(f)
	}
	return 0
}

func (f family) bits() int {
	if f == ipv6 {
		return 128
	}
	return 32
}

// The types of attributes (RFC 4760) with prefixes of other families than IPv4.
const (
	mpReachNLRI   = 14
	mpUnreachNLRI = 15
)

// announcedIn counts the prefixes that an UPDATE announces (RFC 4271 section 4.3), or says why its prefixes can not be read,
// which resets the session. All other errors have its routes treated as withdrawn (RFC 7606 section 2): there is nothing to
// do.
func announcedIn(m message) (int, *refusal) {
	withdrawn, rest, ok := cut(m.body(), 2)
	if !ok {
		return 0, malformed("the withdrawn routes are longer than the message")
	}
	attributes, announced, ok := cut(rest, 2)
	if !ok {
		return 0, malformed("the attributes are longer than the message")
	}
	_, ok = countPrefixes(withdrawn, ipv4)
	n, good := countPrefixes(announced, ipv4)
	if !ok || !good {
		const invalidNetworkField = 10 // RFC 4271 section 6.3
		return 0, refuse(updateMessageError, invalidNetworkField, nil, "a prefix is invalid")
	}
	more, wrong := announcedByAttributes(attributes)
	if wrong != nil {
		return 0, wrong
	}
	return n + more, nil
}

const updateMessageError = 3

func malformed(text string) *refusal {
	const malformedAttributeList = 1 // RFC 4271 section 6.3
	return refuse(updateMessageError, malformedAttributeList, nil, "%s", text)
}

// announcedByAttributes counts the prefixes in attributes. What is broken off is left (RFC 7606 section 4).
func announcedByAttributes(b []byte) (int, *refusal) {
	const extendedLength = 0x10
	n := 0
	seen := map[byte]bool{}
	for len(b) > 2 {
		lengthSize := 1
		if b[0]&extendedLength != 0 {
			lengthSize = 2
		}
		code := b[1]
		value, rest, ok := cut(b[2:], lengthSize)
		if !ok {
			return n, nil
		}
		b = rest
		if code != mpReachNLRI && code != mpUnreachNLRI {
			continue
		}
		if seen[code] { // RFC 7606 section 3 g
			return 0, malformed("an attribute with prefixes is there twice")
		}
		seen[code] = true
		announced, ok := countMultiprotocol(code, value)
		if !ok { // RFC 7606 section 5.3
			const optionalAttributeError = 9
			return 0, refuse(updateMessageError, optionalAttributeError, nil, "an attribute with prefixes is malformed")
		}
		n += announced
	}
	return n, nil
}

// countMultiprotocol counts what MP_REACH_NLRI and MP_UNREACH_NLRI announce (RFC 4760 sections 3 and 4).
func countMultiprotocol(code byte, b []byte) (announced int, ok bool) {
	const reserved = 1
	if len(b) < 3 {
		return 0, false
	}
	f, b := familyAt(b[:2], b[2]), b[3:]
	if code == mpUnreachNLRI {
		_, ok = countPrefixes(b, f)
		return 0, ok
	}
	_, b, ok = cut(b, 1) // the next hop
	if !ok || len(b) < reserved {
		return 0, false
	}
	return countPrefixes(b[reserved:], f)
}

// countPrefixes counts prefixes, each its length in bits and as many octets as that takes. Those of other families, of which
// nobody has spoken, count for nothing.
func countPrefixes(b []byte, f family) (n int, ok bool) {
	if f == 0 {
		return 0, true
	}
	for ; len(b) > 0; n++ {
		bits := int(b[0])
		size := 1 + (bits+7)/8
		if bits > f.bits() || size > len(b) {
			return n, false
		}
		b = b[size:]
	}
	return n, true
}
