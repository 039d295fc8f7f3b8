// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"metallb.io/metallb/api/bgp"
)

// Open is what matters of an OPEN message (RFC 4271 section 4.2). The zero value is none.
type Open struct {
	// ASN is the one of four octets if there is one (RFC 6793 section 4.1).
	ASN      uint32
	HoldTime time.Duration
	RouterID netip.Addr
	// Families are those whose unicast routes the sender takes (RFC 4760 section 8).
	Families bgp.Families
	// IPv6NextHop is whether it takes IPv4 routes with an IPv6 next hop (RFC 8950 section 4).
	IPv6NextHop bool
	// GracefulRestart is whether it keeps the routes of a session that is lost (RFC 4724 section 4.2), Restarts whether it also restarts like that
	// itself: it has families of which it preserves the forwarding state (section 3).
	GracefulRestart, Restarts bool
	// Notification is whether it also keeps them when a NOTIFICATION ends the session, unless that is a Hard Reset (RFC 8538 section 2).
	Notification bool
	// Capabilities are the names of those that it has advertised, sorted and unique, with commas between.
	Capabilities string
	// extended is whether it takes messages of more than 4096 octets (RFC 8654).
	extended bool
}

// The codes of capabilities (RFC 5492).
const (
	multiprotocol   = 1
	extendedNextHop = 5
	extendedMessage = 6
	gracefulRestart = 64
	fourOctetASN    = 65
)

// names of capabilities, short forms of those in the IANA registry "Capability Codes".
var names = map[byte]string{
	multiprotocol:   "multiprotocol",
	2:               "route-refresh",
	extendedNextHop: "extended-next-hop",
	extendedMessage: "extended-message",
	9:               "role",
	gracefulRestart: "graceful-restart",
	fourOctetASN:    "four-octet-asn",
	69:              "add-path",
	70:              "enhanced-route-refresh",
	71:              "long-lived-graceful-restart",
	73:              "fqdn",
	75:              "software-version",
}

// maxCapabilities bounds how many are named: a peer may send any.
const maxCapabilities = 32

// parseOpen reads what it can. That an OPEN is malformed is for the state machine to say, which looks at all of it.
func parseOpen(m message) Open {
	b := m.body()
	o := Open{
		ASN:      uint32(binary.BigEndian.Uint16(b[1:])),
		HoldTime: time.Duration(binary.BigEndian.Uint16(b[3:])) * time.Second,
		RouterID: netip.AddrFrom4([4]byte(b[5:9])),
	}
	spoken := false
	advertised := map[string]bool{}
	capabilities(b[9:], func(code byte, value []byte) {
		name, known := names[code]
		if !known {
			name = "code " + strconv.Itoa(int(code))
		}
		if len(advertised) < maxCapabilities {
			advertised[name] = true
		}
		switch {
		case code == multiprotocol && len(value) == 4:
			spoken = true
			f := familyAt(value[0:2], value[3])
			o.Families.IPv4, o.Families.IPv6 = o.Families.IPv4 || f == ipv4, o.Families.IPv6 || f == ipv6
		case code == extendedNextHop:
			o.IPv6NextHop = o.IPv6NextHop || takesIPv6NextHop(value)
		case code == fourOctetASN && len(value) == 4:
			o.ASN = binary.BigEndian.Uint32(value)
		case code == extendedMessage:
			o.extended = true
		case code == gracefulRestart && len(value) >= restartSize:
			o.GracefulRestart, o.Restarts = true, len(value) > restartSize
			o.Notification = value[0]&notificationFlag != 0
		}
	})
	if !spoken {
		o.Families.IPv4 = true
	}
	o.Capabilities = strings.Join(slices.Sorted(maps.Keys(advertised)), ",")
	return o
}

// takesIPv6NextHop reports whether one of the tuples is IPv4 unicast routes with an IPv6 next hop (RFC 8950 section 4).
func takesIPv6NextHop(tuples []byte) bool {
	const size = 6
	for ; len(tuples) >= size; tuples = tuples[size:] {
		// The subsequent identifier has two octets here, of which the first is 0.
		if tuples[2] == 0 && familyAt(tuples[0:2], tuples[3]) == ipv4 && binary.BigEndian.Uint16(tuples[4:]) == uint16(ipv6) {
			return true
		}
	}
	return false
}

// capabilities calls for each capability in the optional parameters (RFC 5492 section 4), until they end or break off.
func capabilities(b []byte, each func(code byte, value []byte)) {
	const capability, extendedLength = 2, 255
	parameters, lengthSize := b[1:], 1
	if b[0] == extendedLength && len(b) > 3 && b[1] == extendedLength { // RFC 9072 section 2
		parameters, lengthSize = b[4:], 2
	}
	for len(parameters) > lengthSize {
		code := parameters[0]
		value, rest, ok := cut(parameters[1:], lengthSize)
		if !ok {
			return
		}
		parameters = rest
		for code == capability && len(value) > 1 {
			content, others, ok := cut(value[1:], 1)
			if !ok {
				return
			}
			each(value[0], content)
			value = others
		}
	}
}

// cut takes a value that is preceded by its length, of one or two octets, and returns what follows it too.
func cut(b []byte, lengthSize int) (value, rest []byte, ok bool) {
	if len(b) < lengthSize {
		return nil, nil, false
	}
	length := int(b[0])
	if lengthSize == 2 {
		length = int(binary.BigEndian.Uint16(b))
	}
	b = b[lengthSize:]
	if len(b) < length {
		return nil, nil, false
	}
	return b[:length], b[length:], true
}
