// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/osrg/gobgp/v4/pkg/apiutil"
	packet "github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
)

// originIGP says that the route comes from within the autonomous system (RFC 4271 section 4.3).
const originIGP = 0

// announcement is the path as GoBGP takes it for the session. GoBGP adds the default of 100 to a path without LOCAL_PREF, towards internal
// peers, and prepends the local ASN once to the AS path that the path has, towards external ones (RFC 4271 section 5.1.2).
func announcement(p rib.Path, c bgp.Peer, nextHop netip.Addr) (*apiutil.Path, error) {
	path, err := pathTo(p.Prefix, nextHop)
	if err != nil {
		return nil, err
	}
	told := p.To(&c)
	if told.LocalPref != nil {
		path.Attrs = append(path.Attrs, packet.NewPathAttributeLocalPref(*told.LocalPref))
	}
	if told.MED.IsSet {
		path.Attrs = append(path.Attrs, packet.NewPathAttributeMultiExitDisc(told.MED.Value))
	}
	if told.ASPathPrepend > 0 {
		prepended := slices.Repeat([]uint32{c.LocalASN}, told.ASPathPrepend)
		path.Attrs = append(path.Attrs, packet.NewPathAttributeAsPath([]packet.AsPathParamInterface{
			packet.NewAs4PathParam(packet.BGP_ASPATH_ATTR_TYPE_SEQ, prepended),
		}))
	}
	if !c.IBGP() && c.LocalASN > math.MaxUint16 {
		path.Attrs = append(path.Attrs, roomForAS4Path(1+told.ASPathPrepend))
	}
	path.Attrs = append(path.Attrs, communities(fitting(told.Communities), c.IBGP())...)
	return path, nil
}

// room is an attribute that is never sent, and for which GoBGP leaves room in a message all the same.
type room struct {
	*packet.PathAttributeUnknown
	octets int
}

// roomForAS4Path is what a message grows by towards a peer that knows no ASNs of four octets: the AS path then has ASNs of two, and a copy with
// the real ones (RFC 6793 section 4.2.2). GoBGP (v4.8.0) makes the copy when it has filled the message already, and drops one that is too long,
// with all its routes. What the peer knows is not known before there is a connection, so that all get a few routes less in each message.
func roomForAS4Path(asns int) packet.PathAttributeInterface {
	const (
		header, segment = 3, 2
		longer          = 2 // octets for each ASN
	)
	return room{unassigned, header + segment + longer*asns}
}

// unassigned is of a type that no attribute has (RFC 2042). GoBGP takes out what is not transitive.
var unassigned = packet.NewPathAttributeUnknown(packet.BGP_ATTR_FLAG_OPTIONAL|packet.BGP_ATTR_FLAG_TRANSITIVE, 255, nil)

// Len is how much room there is to be.
func (r room) Len(...*packet.MarshallingOption) int { return r.octets }

// Serialize returns nothing.
func (room) Serialize(...*packet.MarshallingOption) ([]byte, error) { return nil, nil }

// pathTo is a path to the prefix with nothing but the mandatory attributes. An IPv4 prefix with an IPv6 next hop is announced as RFC 8950
// has it.
func pathTo(prefix netip.Prefix, nextHop netip.Addr) (*apiutil.Path, error) {
	nlri, err := packet.NewIPAddrPrefix(prefix)
	if err != nil {
		return nil, fmt.Errorf("prefix %s: %w", prefix, err)
	}
	path := &apiutil.Path{
		Family: packet.RF_IPv6_UC,
		Nlri:   nlri,
		Attrs:  []packet.PathAttributeInterface{packet.NewPathAttributeOrigin(originIGP)},
	}
	if prefix.Addr().Is4() {
		path.Family = packet.RF_IPv4_UC
	}
	var attribute packet.PathAttributeInterface
	if prefix.Addr().Is4() && nextHop.Is4() {
		attribute, err = packet.NewPathAttributeNextHop(nextHop)
	} else {
		attribute, err = packet.NewPathAttributeMpReachNLRI(path.Family, []packet.PathNLRI{{NLRI: nlri}}, nextHop)
	}
	if err != nil {
		return nil, fmt.Errorf("next hop of %s: %w", prefix, err)
	}
	path.Attrs = append(path.Attrs, attribute)
	return path, nil
}

// withdrawal is how the prefix is withdrawn: GoBGP goes by the NLRI alone.
func withdrawal(prefix netip.Prefix) (*apiutil.Path, error) {
	if prefix.Addr().Is4() {
		return pathTo(prefix, netip.IPv4Unspecified())
	}
	return pathTo(prefix, netip.IPv6Unspecified())
}
