// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"context"
	"errors"
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
	stop := comeAndGo(services)
	tried, interrupted, lost := 0, 0, 0
	for ; tried < 500 && interrupted < 10; tried++ {
		if _, err := netlink.AddrList(nil, netlink.FAMILY_ALL); err != nil {
			interrupted++
		}
		if got := transport.Beside(netip.Addr{}, netip.MustParseAddr("127.0.0.1")); got != beside {
			lost++
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if lost > 0 {
		t.Errorf("of %d times that a next hop was asked for there was none %d times; the kernel was interrupted %d times", tried, lost, interrupted)
	}
	if interrupted == 0 {
		t.Skip("the kernel was never interrupted, so that nothing is known")
	}
}

// comeAndGo adds an address to the interface and deletes it, over and over until stop.
func comeAndGo(link netlink.Link) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		coming := addressOf(netip.MustParseAddr("10.1.0.0"))
		for ctx.Err() == nil {
			if err := errors.Join(netlink.AddrAdd(link, coming), netlink.AddrDel(link, coming)); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	return func() error {
		cancel()
		return <-ended
	}
}

// addressOf is the address alone, as one of an interface that can be used at once.
func addressOf(a netip.Addr) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}, Flags: bgptest.NoDAD}
}
