// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"net/netip"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/transport"
)

// nextHops are those of the routes of each family. The unspecified address stands for the session's own, which GoBGP fills in; with the
// zero Addr there is none, and no route of the family goes over the session.
type nextHops struct {
	ipv4, ipv6 netip.Addr
}

// expectedNextHops are those to begin with, before there is a connection.
func expectedNextHops(c bgp.Peer) nextHops {
	return nextHopsOf(c, c.Address, transport.Open{IPv6NextHop: true}, func(own, _ netip.Addr) netip.Addr { return own })
}

// nextHopsOf returns the next hops on a connection from the local address to a peer that has sent this OPEN. Routes of the local address's
// own family have it as next hop. So have IPv4 routes over IPv6, if the peer takes that (RFC 8950). Others have an address of the node,
// which beside chooses, given the one that the node has in the cluster. A family that the peer is not configured for has none.
func nextHopsOf(c bgp.Peer, local netip.Addr, open transport.Open, beside func(own, local netip.Addr) netip.Addr) nextHops {
	var h nextHops
	if c.Families.IPv4 {
		h.ipv4 = netip.IPv4Unspecified()
		if local.Is6() && !open.IPv6NextHop {
			h.ipv4 = beside(c.OwnAddresses.IPv4, local)
		}
	}
	if c.Families.IPv6 {
		h.ipv6 = netip.IPv6Unspecified()
		if local.Is4() {
			h.ipv6 = beside(c.OwnAddresses.IPv6, local)
		}
	}
	return h
}

// of returns the next hop for the prefix; the zero Addr if there is none.
func (h nextHops) of(prefix netip.Prefix) netip.Addr {
	if prefix.Addr().Is4() {
		return h.ipv4
	}
	return h.ipv6
}

// families are those that have a next hop.
func (h nextHops) families() bgp.Families {
	return bgp.Families{IPv4: h.ipv4.IsValid(), IPv6: h.ipv6.IsValid()}
}
