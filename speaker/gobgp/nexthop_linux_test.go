// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"net"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"

	"metallb.io/metallb/speaker/transport"
	bgptest "metallb.io/metallb/test/bgp"
)

// On a node where services or pods come and go, as many addresses do, and the kernel is interrupted when it lists them.
func TestTheNextHopStaysWhileAddressesOfOtherInterfacesComeAndGo(t *testing.T) {
	t.Parallel()
	bgptest.Require(t)
	if apart(t) {
		return
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	beside := netip.MustParseAddr("2001:db8::77")
	if err := netlink.AddrReplace(lo, addressOf(beside)); err != nil {
		t.Fatal(err)
	}
	services := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "services"}, PeerName: "pods"}
	if err := netlink.LinkAdd(services); err != nil {
		t.Fatal(err)
	}
	for _, p := range hosts(1000) {
		if err := netlink.AddrAdd(services, addressOf(p.Prefix.Addr())); err != nil {
			t.Fatal(err)
		}
	}
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		coming := addressOf(netip.MustParseAddr("10.1.0.0"))
		for {
			select {
			case <-stop:
				close(stopped)
				return
			default:
			}
			for _, change := range []func(netlink.Link, *netlink.Addr) error{netlink.AddrAdd, netlink.AddrDel} {
				if err := change(services, coming); err != nil {
					stopped <- err
					return
				}
			}
		}
	}()
	tried, interrupted, lost := 0, 0, 0
	for ; tried < 500 && interrupted < 10; tried++ {
		if _, err := netlink.AddrList(nil, netlink.FAMILY_ALL); err != nil {
			interrupted++
		}
		if got := transport.Beside(netip.Addr{}, netip.MustParseAddr("127.0.0.1")); got != beside {
			lost++
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if lost > 0 {
		t.Errorf("of %d times that a next hop was asked for there was none %d times; the kernel was interrupted %d times", tried, lost, interrupted)
	}
	if interrupted == 0 {
		t.Skip("the kernel was never interrupted, so that nothing is known")
	}
}

// addressOf is the address alone, as one of an interface that can be used at once.
func addressOf(a netip.Addr) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}, Flags: bgptest.NoDAD}
}
