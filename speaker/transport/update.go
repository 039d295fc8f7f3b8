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

// prefixes are how many an UPDATE announces and withdraws.
type prefixes struct{ announced, withdrawn int }

// readUpdate counts the prefixes in an UPDATE (RFC 4271 section 4.3), or says why they can not be read, which resets the session. All
// other errors have its routes treated as withdrawn (RFC 7606 section 2): there is nothing to do.
func readUpdate(m message) (prefixes, *refusal) {
	var count prefixes
	withdrawn, rest, ok := cut(m.body(), 2)
	if !ok {
		return count, malformed("the withdrawn routes are longer than the message")
	}
	attributes, announced, ok := cut(rest, 2)
	if !ok {
		return count, malformed("the attributes are longer than the message")
	}
	if count.withdrawn, ok = countPrefixes(withdrawn, ipv4); !ok {
		return count, invalidPrefix()
	}
	if count.announced, ok = countPrefixes(announced, ipv4); !ok {
		return count, invalidPrefix()
	}
	return count, count.readAttributes(attributes)
}

// malformed is RFC 4271 section 6.3: Malformed Attribute List.
func malformed(text string) *refusal { return refuse(3, 1, nil, "%s", text) }

// invalidPrefix is RFC 4271 section 6.3: Invalid Network Field.
func invalidPrefix() *refusal { return refuse(3, 10, nil, "a prefix is invalid") }

// readAttributes counts the prefixes in attributes. What is broken off is left (RFC 7606 section 4).
func (p *prefixes) readAttributes(b []byte) *refusal {
	const extendedLength = 0x10
	var reach, unreach bool
	for len(b) > 2 {
		lengthSize := 1
		if b[0]&extendedLength != 0 {
			lengthSize = 2
		}
		code := b[1]
		value, rest, ok := cut(b[2:], lengthSize)
		if !ok {
			return nil
		}
		b = rest
		switch code {
		case mpReachNLRI:
			if ok = !reach && p.readReach(value); !ok {
				return invalidAttribute(reach, "MP_REACH_NLRI")
			}
			reach = true
		case mpUnreachNLRI:
			if ok = !unreach && p.readUnreach(value); !ok {
				return invalidAttribute(unreach, "MP_UNREACH_NLRI")
			}
			unreach = true
		}
	}
	return nil
}

// invalidAttribute is that an attribute is there again (RFC 7606 section 3 g), or its prefixes can not be read (section 5.3).
func invalidAttribute(again bool, name string) *refusal {
	if again {
		return malformed("two attributes " + name)
	}
	return refuse(3, 9, nil, "%s is malformed", name)
}

// readReach reads MP_REACH_NLRI (RFC 4760 section 3). Families of which nobody has spoken count for nothing.
func (p *prefixes) readReach(b []byte) bool {
	const reserved = 1
	if len(b) < 3 {
		return false
	}
	_, rest, ok := cut(b[3:], 1) // the next hop
	if !ok || len(rest) < reserved {
		return false
	}
	n, ok := countPrefixes(rest[reserved:], familyAt(b[:2], b[2]))
	p.announced += n
	return ok
}

// readUnreach reads MP_UNREACH_NLRI (RFC 4760 section 4).
func (p *prefixes) readUnreach(b []byte) bool {
	if len(b) < 3 {
		return false
	}
	n, ok := countPrefixes(b[3:], familyAt(b[:2], b[2]))
	p.withdrawn += n
	return ok
}

// countPrefixes counts prefixes, each its length in bits and as many octets as that takes.
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
