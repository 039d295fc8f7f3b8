// SPDX-License-Identifier: Apache-2.0

//go:build linux

package discovery

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/testr"
	"github.com/mdlayher/ndp"
	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	bgptest "metallb.io/metallb/test/bgp"
)

// lab makes the namespaces of routers.
var lab bgptest.Lab

func TestMain(m *testing.M) {
	bgptest.Isolate()
	goleak.VerifyTestMain(m)
}

// patience is more than anything here takes, on a busy machine.
const patience = 30 * time.Second

// node is one on which a Finder runs.
type node struct {
	*testing.T
	finder  *Finder
	changed chan struct{}
	// last is the answer about the first interface, and changes how often it was told that this is another one.
	last    string
	changes int
	mu      sync.Mutex
}

// start starts a Finder that follows the interfaces until the test ends.
func start(t *testing.T, interfaces ...string) *node {
	t.Helper()
	return startWith(t, testr.New(t), interfaces...)
}

func startWith(t *testing.T, logger logr.Logger, interfaces ...string) *node {
	t.Helper()
	n := &node{T: t, changed: make(chan struct{}, 1)}
	n.finder = New(Options{Logger: logger, Changed: func() {
		n.note(interfaces)
		select {
		case n.changed <- struct{}{}:
		default:
		}
	}})
	n.finder.Follow(interfaces)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- n.finder.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return n
}

// note counts changes of what is known of the first interface.
func (n *node) note(interfaces []string) {
	if len(interfaces) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	router, err := n.finder.Router(interfaces[0])
	if now := fmt.Sprint(router, err); now != n.last {
		n.last = now
		n.changes++
	}
}

// told returns how often it was told of a change.
func (n *node) told() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changes
}

// await waits until the answer is as wanted, a part of the error or the address, and returns how long it took.
func (n *node) await(want string, ask func() (netip.Addr, error)) time.Duration {
	n.Helper()
	began, late := time.Now(), time.After(patience)
	for {
		router, err := ask()
		if err == nil && router.String() == want || err != nil && strings.Contains(err.Error(), want) {
			return time.Since(began).Round(time.Millisecond)
		}
		select {
		case <-n.changed:
		case <-late:
			n.Fatalf("after %s: %s, %v; want %s", patience, router, err, want)
		}
	}
}

func (n *node) awaitRouter(iface, want string) time.Duration {
	n.Helper()
	return n.await(want, func() (netip.Addr, error) { return n.finder.Router(iface) })
}

// awaitLink waits until the Finder listens on the interface, or does not.
func (n *node) awaitLink(iface string, listens bool) {
	n.Helper()
	tick, late := time.NewTicker(20*time.Millisecond), time.After(patience)
	defer tick.Stop()
	n.finder.mu.Lock()
	follower := n.finder.followers[iface]
	n.finder.mu.Unlock()
	for follower.listens.Load() != listens {
		select {
		case <-tick.C:
		case <-late:
			n.Fatalf("listens on %s: %v", iface, !listens)
		}
	}
}

// awaitForgotten waits until nothing is known of the interface any more, of which nobody is told.
func (n *node) awaitForgotten(iface string) {
	n.Helper()
	tick, late := time.NewTicker(20*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for {
		router, err := n.finder.Router(iface)
		if err != nil && strings.Contains(err.Error(), "is not known yet") {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			n.Fatalf("not forgotten: %s, %v", router, err)
		}
	}
}

// linkLocal returns the link-local address of the router, on the test's interface.
func linkLocal(t *testing.T, n *bgptest.Node) string {
	t.Helper()
	var found string
	n.Inside(t, func(there *netlink.Handle, eth0 netlink.Link) error {
		addresses, err := there.AddrList(eth0, netlink.FAMILY_V6)
		for _, a := range addresses {
			if a.IP.IsLinkLocalUnicast() {
				found = a.IP.String() + "%" + n.Link
			}
		}
		return err
	})
	if found == "" {
		t.Fatal("the router has no link-local address")
	}
	return found
}

// ourLinkLocal returns that of the test's side.
func ourLinkLocal(t *testing.T, n *bgptest.Node) netip.Addr {
	t.Helper()
	link, err := netlink.LinkByName(n.Link)
	if err != nil {
		t.Fatal(err)
	}
	addresses, err := netlink.AddrList(link, netlink.FAMILY_V6)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if a.IP.IsLinkLocalUnicast() {
			address, _ := netip.AddrFromSlice(a.IP)
			return address
		}
	}
	t.Fatal("we have no link-local address")
	return netip.Addr{}
}

// move gives the router another link-local address.
func move(t *testing.T, n *bgptest.Node, to string) string {
	t.Helper()
	from, _, _ := strings.Cut(linkLocal(t, n), "%")
	change(t, n, to, (*netlink.Handle).AddrAdd)
	change(t, n, from, (*netlink.Handle).AddrDel)
	return to + "%" + n.Link
}

// change adds or removes an address of the router's, which is usable at once.
func change(t *testing.T, n *bgptest.Node, address string, do func(*netlink.Handle, netlink.Link, *netlink.Addr) error) {
	t.Helper()
	n.Inside(t, func(there *netlink.Handle, eth0 netlink.Link) error {
		a, err := netlink.ParseAddr(address + "/64")
		if err != nil {
			return err
		}
		a.Flags = unix.IFA_F_NODAD
		return do(there, eth0, a)
	})
}

// impostor sends router advertisements from an address that it gives the router's side of the link.
func impostor(t *testing.T, n *bgptest.Node, address string) *conn {
	t.Helper()
	l := link{name: "eth0", address: netip.MustParseAddr(address)}
	n.Inside(t, func(_ *netlink.Handle, eth0 netlink.Link) error {
		l.index, l.mac = eth0.Attrs().Index, eth0.Attrs().HardwareAddr
		return nil
	})
	change(t, n, address, (*netlink.Handle).AddrAdd)
	var c *conn
	n.Run(t, func() (err error) {
		c, err = listen(context.Background(), l)
		return err
	})
	t.Cleanup(c.close)
	return c
}

// solicited hands on which addresses the router is asked for, until the test ends.
func solicited(t *testing.T, n *bgptest.Node) <-chan netip.Addr {
	t.Helper()
	var socket *icmp.PacketConn
	n.Run(t, func() (err error) {
		socket, err = icmp.ListenPacket("ip6:ipv6-icmp", "::")
		return err
	})
	var filter ipv6.ICMPFilter
	filter.SetAll(true)
	filter.Accept(ipv6.ICMPTypeNeighborSolicitation)
	if err := socket.IPv6PacketConn().SetICMPFilter(&filter); err != nil {
		t.Fatal(err)
	}
	targets := make(chan netip.Addr)
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() {
		buffer := make([]byte, 1500)
		for {
			size, _, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			m, err := ndp.ParseMessage(buffer[:size])
			if err != nil {
				continue
			}
			select {
			case targets <- m.(*ndp.NeighborSolicitation).TargetAddress:
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = socket.Close()
		reading.Wait()
	})
	return targets
}

// awaitQuestion waits until the router is asked for the address.
func awaitQuestion(t *testing.T, targets <-chan netip.Addr, address string) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case target := <-targets:
			if target == netip.MustParseAddr(address).WithZone("") {
				return
			}
		case <-late:
			t.Fatalf("nobody asks for %s", address)
		}
	}
}

// awaitNeighbours gives the router's side of the link the addresses, and has packets come from each until the kernel has them as neighbours.
// Nothing there says that it is a router.
func awaitNeighbours(t *testing.T, n *bgptest.Node, addresses ...string) {
	t.Helper()
	for _, address := range addresses {
		change(t, n, address, (*netlink.Handle).AddrAdd)
	}
	tick, late := time.NewTicker(20*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for {
		l, err := readLink(n.Link)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.neighbours) == len(addresses) {
			return
		}
		for _, address := range addresses {
			greet(t, n, address)
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("the kernel has the neighbours %s", l.neighbours)
		}
	}
}

// greet sends a packet to our address on the link.
func greet(t *testing.T, n *bgptest.Node, from string) {
	t.Helper()
	zone := "" // By number, since Go remembers names across namespaces.
	n.Inside(t, func(_ *netlink.Handle, eth0 netlink.Link) error {
		zone = strconv.Itoa(eth0.Attrs().Index)
		return nil
	})
	const discard = 9
	to := netip.AddrPortFrom(ourLinkLocal(t, n).WithZone(zone), discard)
	n.Run(t, func() error {
		conn, err := net.DialUDP("udp6", &net.UDPAddr{IP: net.ParseIP(from), Zone: zone}, net.UDPAddrFromAddrPort(to))
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		_, err = conn.Write([]byte{0})
		return err
	})
}
