// SPDX-License-Identifier: Apache-2.0

//go:build linux

package discovery

import (
	"net/netip"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
)

// packet is what matters of a message that was received.
type packet struct {
	kind kind
	// from is link-local and has no zone. It is who has sent the message; of a confirmation, the address that was asked for.
	from netip.Addr
}

type kind int

const (
	// solicitation: it wants an advertisement of us.
	solicitation kind = iota
	// advertisement: it is a router.
	advertisement
	// confirmation: it has the address that it was asked for.
	confirmation
	// echo: it answers what we have sent to all routers.
	echo
)

// icmpv6Protocol is what icmp.ParseMessage calls ICMPv6 (RFC 4443 section 1).
const icmpv6Protocol = 58

// parse reads a message, whose checksum the kernel has verified. It reports false of what is not valid, or not for us. The identifier is
// of our echoes.
func parse(content []byte, hopLimit int, from netip.Addr, id int) (packet, bool) {
	const header = 4 // octets of an ICMPv6 message before what its kind defines
	if len(content) < header || content[1] != 0 || !isLinkLocal(from) {
		return packet{}, false
	}
	from = from.WithZone("")
	if ipv6.ICMPType(content[0]) == ipv6.ICMPTypeEchoReply {
		m, err := icmp.ParseMessage(icmpv6Protocol, content)
		if err != nil {
			return packet{}, false
		}
		body, isEcho := m.Body.(*icmp.Echo)
		return packet{echo, from}, isEcho && body.ID == id
	}
	// A router has not forwarded it: who sends it is on the link (RFC 4861 sections 6.1 and 7.1).
	if hopLimit != ndp.HopLimit {
		return packet{}, false
	}
	message, err := ndp.ParseMessage(content)
	if err != nil {
		return packet{}, false
	}
	switch m := message.(type) {
	case *ndp.RouterSolicitation:
		return packet{solicitation, from}, true
	case *ndp.RouterAdvertisement:
		return packet{advertisement, from}, true
	case *ndp.NeighborAdvertisement:
		return packet{confirmation, m.TargetAddress}, isLinkLocal(m.TargetAddress)
	default:
		return packet{}, false
	}
}

// isLinkLocal reports whether the address is a link-local one of IPv6.
func isLinkLocal(a netip.Addr) bool { return a.Is6() && !a.Is4In6() && a.IsLinkLocalUnicast() }
