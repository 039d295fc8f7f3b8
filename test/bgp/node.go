// SPDX-License-Identifier: Apache-2.0

package bgptest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"metallb.io/metallb/test/lifetime"
	"metallb.io/metallb/test/router/namespace"
)

// Node is a network namespace with a link to the test's. Test and node are neighbours on one subnet of each family.
type Node struct {
	// Test4 and Test6 are the test's addresses on the link.
	Test4, Test6 netip.Addr
	// Other4 is another one of the test's.
	Other4 netip.Addr
	// Addr4 and Addr6 are the node's.
	Addr4, Addr6 netip.Addr

	// Link is the test's end of the link.
	Link      string
	namespace netns.NsHandle
}

// Lab makes the nodes of a test process; there is to be one in a process. Its zero value is ready for use.
type Lab struct {
	last atomic.Uint32
}

// NewNode makes a node that goes with the test.
func (l *Lab) NewNode(tb testing.TB) *Node {
	tb.Helper()
	Require(tb)
	i := l.last.Add(1)
	subnet4 := netip.AddrFrom4([4]byte{192, 168, byte(i), 0})
	subnet6 := netip.AddrFrom16([16]byte{0xfd, 0, 0, 0, 0, 0, 0, byte(i)})
	node := &Node{Link: fmt.Sprintf("peer%d", i)}
	node.Test4 = subnet4.Next()
	node.Addr4 = node.Test4.Next()
	node.Other4 = netip.AddrFrom4([4]byte{192, 168, byte(i), 101}) // Tests take the addresses next to the others for nobody's.
	node.Test6 = subnet6.Next()
	node.Addr6 = node.Test6.Next()
	if err := node.make(); err != nil {
		tb.Fatalf("making a router's namespace: %v", err)
	}
	tb.Cleanup(func() {
		if err := node.remove(); err != nil {
			tb.Errorf("removing a router's namespace: %v", err)
		}
	})
	return node
}

// make creates the namespace on a thread of its own, which does not return to the pool.
func (n *Node) make() error {
	made := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		namespace, err := netns.New()
		n.namespace = namespace
		made <- err
	}()
	if err := <-made; err != nil {
		return fmt.Errorf("new namespace: %w", err)
	}
	there, err := netlink.NewHandleAt(n.namespace)
	if err != nil {
		return err
	}
	defer there.Close()
	if err := up(there, "lo"); err != nil {
		return err
	}
	return n.connect()
}

// connect makes the link and gives both sides their addresses.
func (n *Node) connect() error {
	veth := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: n.Link},
		PeerName:      "eth0",
		PeerNamespace: netlink.NsFd(n.namespace),
	}
	if err := netlink.LinkAdd(veth); err != nil {
		return fmt.Errorf("adding the link: %w", err)
	}
	here, err := netlink.NewHandle()
	if err != nil {
		return err
	}
	defer here.Close()
	there, err := netlink.NewHandleAt(n.namespace)
	if err != nil {
		return err
	}
	defer there.Close()
	if err := up(here, n.Link, n.Test4, n.Other4, n.Test6); err != nil {
		return err
	}
	return up(there, "eth0", n.Addr4, n.Addr6)
}

// up sets an interface up and gives it addresses of a /24 or /64, usable at once.
func up(h *netlink.Handle, name string, addresses ...netip.Addr) error {
	link, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	for _, a := range addresses {
		bits := 24
		if a.Is6() {
			bits = 64
		}
		address, err := netlink.ParseAddr(netip.PrefixFrom(a, bits).String())
		if err != nil {
			return err
		}
		if a.Is6() {
			address.Flags = NoDAD
		}
		if err := h.AddrAdd(link, address); err != nil {
			return fmt.Errorf("address %s on %s: %w", a, name, err)
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("setting %s up: %w", name, err)
	}
	return nil
}

func (n *Node) remove() error {
	if err := n.disconnect(); err != nil && !errors.As(err, new(netlink.LinkNotFoundError)) {
		return err
	}
	return n.namespace.Close()
}

func (n *Node) disconnect() error {
	link, err := netlink.LinkByName(n.Link)
	if err != nil {
		return err
	}
	return netlink.LinkDel(link)
}

// Disconnect removes both sides of the link, and Connect makes them anew, with the same addresses but for the link-local ones.
func (n *Node) Disconnect(tb testing.TB) {
	tb.Helper()
	if err := n.disconnect(); err != nil {
		tb.Fatalf("removing the link: %v", err)
	}
}

// Connect makes the link that there is not any more.
func (n *Node) Connect(tb testing.TB) {
	tb.Helper()
	if err := n.connect(); err != nil {
		tb.Fatalf("making the link: %v", err)
	}
}

// Inside changes the node's side of the link.
func (n *Node) Inside(tb testing.TB, change func(there *netlink.Handle, eth0 netlink.Link) error) {
	tb.Helper()
	there, err := netlink.NewHandleAt(n.namespace)
	if err != nil {
		tb.Fatal(err)
	}
	defer there.Close()
	eth0, err := there.LinkByName("eth0")
	if err == nil {
		err = change(there, eth0)
	}
	if err != nil {
		tb.Fatalf("changing the node's link: %v", err)
	}
}

// Run calls f in the node's namespace. What it opens stays there; goroutines that it starts do not run there.
func (n *Node) Run(tb testing.TB, f func() error) {
	tb.Helper()
	if err := namespace.Run(fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.namespace), f); err != nil {
		tb.Fatalf("in the node's namespace: %v", err)
	}
}

// Forward has the node forward IPv6, as a router does.
func (n *Node) Forward(tb testing.TB) {
	tb.Helper()
	n.Run(tb, func() error { return os.WriteFile("/proc/sys/net/ipv6/conf/all/forwarding", []byte("1"), 0o600) })
}

// SetLink sets the test's side of the link up or down.
func (n *Node) SetLink(tb testing.TB, isUp bool) {
	tb.Helper()
	link, err := netlink.LinkByName(n.Link)
	if err == nil && isUp {
		err = n.linkUp(link)
	} else if err == nil {
		err = netlink.LinkSetDown(link)
	}
	if err != nil {
		tb.Fatalf("setting the link: %v", err)
	}
}

// Vanish sets the node's side of the link down: nothing more comes from the node, nor reaches it, and it tells nobody.
func (n *Node) Vanish(tb testing.TB) {
	tb.Helper()
	n.Inside(tb, func(there *netlink.Handle, eth0 netlink.Link) error { return there.LinkSetDown(eth0) })
}

// Weights asks the node's kernel in which proportion it spreads connections to the prefix over next hops. There are none if it has no
// route.
func (n *Node) Weights(tb testing.TB, prefix netip.Prefix) map[netip.Addr]int {
	tb.Helper()
	there, err := netlink.NewHandleAt(n.namespace)
	if err != nil {
		tb.Fatal(err)
	}
	defer there.Close()
	family := unix.AF_INET
	if prefix.Addr().Is6() {
		family = unix.AF_INET6
	}
	destination := &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
	routes, err := there.RouteListFiltered(family, &netlink.Route{Dst: destination}, netlink.RT_FILTER_DST)
	if err != nil {
		tb.Fatalf("reading the kernel's routes: %v", err)
	}
	weights := map[netip.Addr]int{}
	note := func(gateway []byte, weight int) {
		if hop, ok := netip.AddrFromSlice(gateway); ok {
			weights[hop.Unmap()] = weight
		}
	}
	for i := range routes {
		if len(routes[i].MultiPath) == 0 {
			note(routes[i].Gw, 1)
		}
		for _, hop := range routes[i].MultiPath {
			note(hop.Gw, hop.Hops+1) // The kernel's number is one less than what ip-route(8) shows.
		}
	}
	return weights
}

// linkUp gives the link back the address that it has lost while it was down.
func (n *Node) linkUp(link netlink.Link) error {
	if err := netlink.LinkSetUp(link); err != nil {
		return err
	}
	address, err := netlink.ParseAddr(netip.PrefixFrom(n.Test6, 64).String())
	if err != nil {
		return err
	}
	address.Flags = NoDAD
	return netlink.AddrReplace(link, address)
}

// inNamespace is the command line of a program in the node's namespace.
func (n *Node) inNamespace(program string, args []string) []string {
	return append([]string{fmt.Sprintf("--net=/proc/%d/fd/%d", os.Getpid(), n.namespace), program}, args...)
}

// process is a router's daemon.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// start runs a daemon in the foreground. The thread that starts a process must live on, or the program is killed, so
// one thread starts and awaits it.
func (n *Node) start(output io.Writer, program string, args ...string) (*process, error) {
	p := &process{exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.exited)
		p.cmd = exec.CommandContext(context.Background(), "nsenter", n.inNamespace(program, args)...)
		p.cmd.Stdout, p.cmd.Stderr = output, output
		lifetime.Bind(p.cmd, syscall.SIGKILL)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	return p, nil
}

// kill ends the daemon at once, without a word to its peers but what the kernel says.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}
