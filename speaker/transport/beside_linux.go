// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"errors"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Beside returns an address of this node of the family that the local one is not of, for a router that knows the local one: an address of
// the same interface, since the router is on its subnet too, and own if that is one of them. If the interface has none, it is own, which
// may be the zero Addr.
func Beside(own, local netip.Addr) netip.Addr {
	addresses, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	// A list that was interrupted lacks no address of an interface whose addresses have not changed meanwhile. On a node where services or pods
	// come and go, many are interrupted.
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return own
	}
	device := -1
	for i := range addresses {
		if a, ok := netip.AddrFromSlice(addresses[i].IP); ok && a.Unmap() == local.WithZone("") {
			device = addresses[i].LinkIndex
		}
	}
	best := netip.Addr{}
	for i := range addresses {
		a, ok := netip.AddrFromSlice(addresses[i].IP)
		if a = a.Unmap(); !ok || addresses[i].LinkIndex != device || a.Is4() == local.Is4() || !isNextHop(a, addresses[i].Flags) {
			continue
		}
		if a == own {
			return own
		}
		if !best.IsValid() || a.Less(best) {
			best = a
		}
	}
	if best.IsValid() {
		return best
	}
	return own
}

// isNextHop reports whether an address is one that lasts and that a router may send packets to.
func isNextHop(a netip.Addr, flags int) bool {
	const fleeting = unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED | unix.IFA_F_DEPRECATED | unix.IFA_F_TEMPORARY
	return a.IsGlobalUnicast() && flags&fleeting == 0
}
