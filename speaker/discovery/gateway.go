// SPDX-License-Identifier: Apache-2.0

//go:build linux

package discovery

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"metallb.io/metallb/api/v1beta2"
)

// hop is a next hop of a default route.
type hop struct {
	metric  int
	gateway netip.Addr
}

// readGateways keeps the gateways as the kernel's routes say.
func (f *Finder) readGateways(ctx context.Context) {
	for {
		wait := pause
		for _, family := range []v1beta2.GatewayFamily{v1beta2.IPv4Gateway, v1beta2.IPv6Gateway} {
			hops, err := defaultHops(family)
			if err != nil {
				f.options.Logger.Error(err, "reading the default routes; what was known stays so", "family", family)
				wait = retry
				f.routes.give()
				continue
			}
			f.tellGateway(family, hops)
		}
		if !sleep(ctx, wait) {
			return
		}
		select {
		case <-f.routes:
		case <-ctx.Done():
			return
		}
	}
}

// tellGateway publishes the gateway of a family, if the default routes lead to another one now.
func (f *Finder) tellGateway(family v1beta2.GatewayFamily, hops []hop) {
	f.mu.Lock()
	before := f.gateways[family]
	now := answer{router: chooseGateway(hops, before.router)}
	if !now.router.IsValid() {
		now.err = fmt.Errorf("the node has no default route with an %s gateway: add one, or set the peer's address in place of defaultGateway", family)
	}
	f.gateways[family] = now
	f.mu.Unlock()
	if before.equal(now) {
		return
	}
	if now.router.IsValid() {
		f.options.Logger.Info("the default gateway is known", "family", family, "address", now.router.String())
	}
	f.changed()
}

// chooseGateway returns the gateway: the present one if it is as good as any, or if there is no other.
func chooseGateway(hops []hop, present netip.Addr) netip.Addr {
	if len(hops) == 0 {
		return present
	}
	lowest := slices.MinFunc(hops, func(a, b hop) int { return a.metric - b.metric }).metric
	var best []netip.Addr
	for _, h := range hops {
		if h.metric == lowest {
			best = append(best, h.gateway)
		}
	}
	if slices.Contains(best, present) {
		return present
	}
	return slices.MinFunc(best, netip.Addr.Compare)
}

// defaultHops returns the next hops of the family's default routes that the kernel can use.
func defaultHops(family v1beta2.GatewayFamily) ([]hop, error) {
	filter := &netlink.Route{Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST}
	number := netlink.FAMILY_V6
	if family == v1beta2.IPv4Gateway {
		number = netlink.FAMILY_V4
	}
	routes, err := netlink.RouteListFiltered(number, filter, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_TYPE|netlink.RT_FILTER_DST)
	if err != nil {
		return nil, err
	}
	var hops []hop
	for i := range routes {
		r := &routes[i]
		next := r.MultiPath
		if len(next) == 0 {
			next = []*netlink.NexthopInfo{{LinkIndex: r.LinkIndex, Gw: r.Gw, Flags: r.Flags}}
		}
		for _, n := range next {
			if gateway, ok := gatewayOf(n); ok {
				hops = append(hops, hop{r.Priority, gateway})
			}
		}
	}
	return hops, nil
}

// gatewayOf returns the address of a next hop. There is none of a route without one, by a link that is down, or by another family's address.
func gatewayOf(n *netlink.NexthopInfo) (netip.Addr, bool) {
	gateway, ok := addr(n.Gw)
	if !ok || n.Flags&(unix.RTNH_F_DEAD|unix.RTNH_F_LINKDOWN) != 0 {
		return netip.Addr{}, false
	}
	if isLinkLocal(gateway) {
		link, err := netlink.LinkByIndex(n.LinkIndex)
		if err != nil {
			return netip.Addr{}, false // It has just gone, and its routes with it.
		}
		gateway = gateway.WithZone(link.Attrs().Name)
	}
	return gateway, true
}

func addr(ip net.IP) (netip.Addr, bool) {
	a, ok := netip.AddrFromSlice(ip)
	return a.Unmap(), ok && !a.IsUnspecified()
}
