// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/osrg/gobgp/v4/pkg/apiutil"
	packet "github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
)

// originIGP says that the route comes from within the autonomous system (RFC 4271 section 4.3).
const originIGP = 0

// drainingPrepend is how many more times the local ASN is in the AS path of a path that drains. Advertisements seldom differ by more.
const drainingPrepend = 3

// drainingMED is the MULTI_EXIT_DISC of a path that drains: the highest but one, since some routers take the highest for infinite and the path for unusable.
const drainingMED = 1<<32 - 2

// announcement is the path as GoBGP takes it for the session. LOCAL_PREF is for internal peers alone (RFC 4271 section 5.1.5); GoBGP
// adds the default of 100 if there is none.
//
// GoBGP prepends the local ASN once to the AS path that the path has, towards external peers (RFC 4271 section 5.1.2).
// Towards internal ones it leaves the path as it is, so that it must be empty: these would take their own ASN in it for a
// loop and ignore the route (section 9.1.2).
//
// MULTI_EXIT_DISC is for both: a router of another autonomous system does not pass it on to a third (RFC 4271 section 5.1.4).
//
// A path that drains has the community GRACEFUL_SHUTDOWN, which routers may honour or not (RFC 8326), and besides that what every router
// goes by: the lowest LOCAL_PREF towards internal peers, a longer AS path towards external ones, and the highest MULTI_EXIT_DISC, for
// routers that ignore the length of AS paths.
func announcement(p rib.Path, c bgp.Peer, nextHop netip.Addr) (*apiutil.Path, error) {
	path, err := pathTo(p.Prefix, nextHop)
	if err != nil {
		return nil, err
	}
	localPref, prepend := p.LocalPref, int(p.ASPathPrepend)
	if p.Draining {
		localPref, prepend = 0, prepend+drainingPrepend
	}
	if c.IBGP() && (localPref != 0 || p.Draining) {
		path.Attrs = append(path.Attrs, packet.NewPathAttributeLocalPref(localPref))
	}
	med := p.MED
	if p.Draining {
		med = bgp.NewMED(new(uint32(drainingMED)))
	}
	if med.IsSet {
		path.Attrs = append(path.Attrs, packet.NewPathAttributeMultiExitDisc(med.Value))
	}
	if !c.IBGP() && prepend > 0 {
		prepended := slices.Repeat([]uint32{c.LocalASN}, prepend)
		path.Attrs = append(path.Attrs, packet.NewPathAttributeAsPath([]packet.AsPathParamInterface{
			packet.NewAs4PathParam(packet.BGP_ASPATH_ATTR_TYPE_SEQ, prepended),
		}))
	}
	path.Attrs = append(path.Attrs, communities(p, c)...)
	return path, nil
}

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
