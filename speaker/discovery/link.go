// SPDX-License-Identifier: Apache-2.0

//go:build linux

package discovery

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// link is an interface as the kernel has it.
type link struct {
	name  string
	index int
	mac   net.HardwareAddr
	// address is the link-local address to send from. It has no zone; nor have the others.
	address netip.Addr
	// own are all link-local addresses of the node on the interface.
	own []netip.Addr
	// neighbours that may be reached, those of them that say that they are routers, and those that were asked for in vain.
	neighbours, routers, failed []netip.Addr
	// unusable is why no router can be had on the interface; nil if one can.
	unusable error
}

// readLink reads the interface. The error is of the kernel; what is wrong with the interface is told by the link.
func readLink(name string) (link, error) {
	l := link{name: name}
	found, err := netlink.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) || err == nil && found.Attrs().Name != name {
		l.unusable = fmt.Errorf("interface %s is not on this node", name)
		return l, nil
	}
	if err != nil {
		return l, fmt.Errorf("reading interface %s: %w", name, err)
	}
	l.index, l.mac = found.Attrs().Index, found.Attrs().HardwareAddr
	if flags := found.Attrs().RawFlags; flags&unix.IFF_UP == 0 || flags&unix.IFF_RUNNING == 0 {
		l.unusable = fmt.Errorf("interface %s is down", name)
		return l, nil
	}
	if err := l.readAddresses(found); err != nil || l.unusable != nil {
		return l, err
	}
	return l, l.readNeighbours()
}

func (l *link) readAddresses(found netlink.Link) error {
	addresses, err := netlink.AddrList(found, netlink.FAMILY_V6)
	if err != nil {
		return fmt.Errorf("reading the addresses of interface %s: %w", l.name, err)
	}
	l.unusable = fmt.Errorf("interface %s has no IPv6 link-local address: enable IPv6 on it (sysctl net.ipv6.conf.%s.disable_ipv6=0)", l.name, l.name)
	for _, a := range addresses {
		address, ok := addr(a.IP)
		if !ok || !isLinkLocal(address) {
			continue
		}
		l.own = append(l.own, address)
		switch {
		case l.address.IsValid():
		case a.Flags&unix.IFA_F_DADFAILED != 0:
			l.unusable = fmt.Errorf("interface %s cannot use its link-local address %s, which another machine on the link has: give one of them another", l.name, address)
		case a.Flags&unix.IFA_F_TENTATIVE != 0 && a.Flags&unix.IFA_F_OPTIMISTIC == 0:
			l.unusable = fmt.Errorf("interface %s is about to get its link-local address", l.name)
		default:
			l.address = address
		}
	}
	if l.address.IsValid() {
		l.unusable = nil
	}
	return nil
}

// answering are the states of neighbours that have answered and are not known to be gone.
const answering = netlink.NUD_REACHABLE | netlink.NUD_STALE | netlink.NUD_DELAY | netlink.NUD_PROBE | netlink.NUD_PERMANENT

func (l *link) readNeighbours() error {
	neighbours, err := netlink.NeighList(l.index, netlink.FAMILY_V6)
	if err != nil {
		return fmt.Errorf("reading the neighbours on interface %s: %w", l.name, err)
	}
	for i := range neighbours {
		n := &neighbours[i]
		address, ok := addr(n.IP)
		if !ok || !isLinkLocal(address) || slices.Contains(l.own, address) {
			continue
		}
		switch {
		case n.State&netlink.NUD_FAILED != 0:
			l.failed = append(l.failed, address)
		case n.State&answering != 0 && n.Flags&netlink.NTF_ROUTER != 0:
			l.routers = append(l.routers, address)
		case n.State&answering != 0:
			l.neighbours = append(l.neighbours, address)
		}
	}
	return nil
}
