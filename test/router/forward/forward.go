// SPDX-License-Identifier: Apache-2.0

//go:build linux

package forward

import (
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"metallb.io/metallb/test/router/namespace"
)

// switches are set on Enable. Equal paths are chosen by the five-tuple (policy 1), so that one client's connections
// spread over the nodes while each stays on its own.
func switches() [][2]string {
	return [][2]string{
		{"/proc/sys/net/ipv4/ip_forward", "1"},
		{"/proc/sys/net/ipv4/fib_multipath_hash_policy", "1"},
		{"/proc/sys/net/ipv6/conf/all/forwarding", "1"},
		{"/proc/sys/net/ipv6/fib_multipath_hash_policy", "1"},
	}
}

// Enable makes the network namespace at path netNS forward packets; empty means the caller's. A kernel without IPv6
// forwards IPv4 only.
func Enable(netNS string) error { return namespace.Run(netNS, enable) }

func enable() error {
	for _, s := range switches() {
		err := os.WriteFile(s[0], []byte(s[1]), 0o600)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("forwarding: setting %s to %s: %w", s[0], s[1], err)
		}
	}
	return nil
}

// RemoveRoutes removes every route in the network namespace at path netNS that a routing daemon installed: BIRD's, and
// those of FRR's zebra and bgpd. A daemon that was killed leaves its own behind.
func RemoveRoutes(netNS string) error { return namespace.Run(netNS, removeRoutes) }

func removeRoutes() error {
	var errs []error
	for _, protocol := range []netlink.RouteProtocol{unix.RTPROT_BIRD, unix.RTPROT_ZEBRA, unix.RTPROT_BGP} {
		for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
			routes, err := netlink.RouteListFiltered(family, &netlink.Route{Protocol: protocol}, netlink.RT_FILTER_PROTOCOL)
			if err != nil {
				errs = append(errs, fmt.Errorf("listing routes of protocol %d: %w", protocol, err))
				continue
			}
			for _, route := range routes {
				if err := netlink.RouteDel(&route); err != nil && !errors.Is(err, unix.ESRCH) {
					errs = append(errs, fmt.Errorf("removing route to %s: %w", route.Dst, err))
				}
			}
		}
	}
	return errors.Join(errs...)
}
