// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// bridgeFilter makes packets between the ports of a bridge pass the machine's packet filter. It is there if a container
// engine is, whose filter drops what it does not know, and would separate the nodes.
const (
	bridgeFilter  = "net/bridge/bridge-nf-call-iptables"
	bridgeFilter6 = "net/bridge/bridge-nf-call-ip6tables"
)

// hostSysctls are kernel settings of the whole machine that a cluster changes: routing by Up, the rest by the kubelet. The
// machine does not route IPv6: nothing of the cluster goes through it, and a machine that does loses the default
// route that it has from a router's advertisements.
func hostSysctls() []string {
	return []string{
		"net/ipv4/ip_forward", bridgeFilter, bridgeFilter6,
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
	}
}

// link names the machine's end of a node's connection to the bridge.
func (n Node) link() string { return fmt.Sprintf("kv%d", n.index) }

// hardwareAddr is the link-layer address of the node on the bridge: a locally administered one with the digits of the IPv4 address. A node that was
// off has the same again, since its neighbors know it by that.
func (n Node) hardwareAddr() net.HardwareAddr {
	return append(net.HardwareAddr{2, 0}, n.Addr.AsSlice()...)
}

// checkNetwork refuses a machine on which names or addresses of the cluster are taken.
func checkNetwork(nodes []Node) error {
	links := append(make([]string, 0, 1+len(nodes)), Bridge)
	for _, n := range nodes {
		links = append(links, n.link())
	}
	for _, link := range links {
		if _, err := netlink.LinkByName(link); err == nil {
			return fmt.Errorf("there is a network link %s already, which is of no cluster that is known here; if it is of no use: ip link delete %[1]s", link)
		}
	}
	for _, n := range nodes {
		if _, err := os.Stat(n.NetNS); err == nil {
			return fmt.Errorf("there is a network namespace %s already, which is of no cluster that is known here; if it is of no use: ip netns delete %[1]s", n.Name)
		}
	}
	if err := checkRoutes(); err != nil {
		return err
	}
	for _, port := range []int{etcdPort, etcdPeerPort} {
		listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			return fmt.Errorf("etcd cannot listen: %w", err)
		}
		_ = listener.Close()
	}
	return nil
}

// checkRoutes refuses a machine with routes to what a cluster uses.
func checkRoutes() error {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return fmt.Errorf("listing routes: %w", err)
	}
	for _, route := range routes {
		for _, network := range []string{NodeNetwork, NodeNetwork6, PodNetwork, PodNetwork6, ServiceCIDR, ServiceCIDR6} {
			if used, ok := prefixOf(route.Dst); ok && used.Bits() > 0 && used.Overlaps(netip.MustParsePrefix(network)) {
				return fmt.Errorf("this machine has a route to %s, and a cluster uses %s", used, network)
			}
		}
	}
	return nil
}

// makeBridge makes the bridge with the machine on it, and has the machine route.
func makeBridge() error {
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: Bridge}}
	if err := netlink.LinkAdd(bridge); err != nil {
		return fmt.Errorf("making the bridge %s: %w", Bridge, err)
	}
	handle, err := netlink.NewHandle()
	if err != nil {
		return err
	}
	defer handle.Close()
	if err := setSysctl("net/ipv6/conf/"+Bridge+"/disable_ipv6", "0"); err != nil {
		return err
	}
	if err := setUp(handle, Bridge, onBridge(netip.MustParseAddr(HostAddr)), onBridge(netip.MustParseAddr(HostAddr6))); err != nil {
		return err
	}
	for _, filter := range []string{bridgeFilter, bridgeFilter6} {
		if _, err := readSysctl(filter); err != nil {
			continue
		}
		if err := setSysctl(filter, "0"); err != nil {
			return err
		}
	}
	return setSysctl("net/ipv4/ip_forward", "1")
}

// onBridge returns an address with the length of the bridge's network of its family.
func onBridge(addr netip.Addr) netip.Prefix {
	network := NodeNetwork
	if addr.Is6() {
		network = NodeNetwork6
	}
	return netip.PrefixFrom(addr, netip.MustParsePrefix(network).Bits())
}

// connect joins a node to the bridge and makes the routes between it and all others. It runs outside the node.
func connect(n Node, nodes []Node) error {
	ns, err := netns.GetFromPath(n.NetNS)
	if err != nil {
		return fmt.Errorf("opening the network namespace of %s: %w", n.Name, err)
	}
	defer ns.Close()
	inside, err := netlink.NewHandleAt(ns)
	if err != nil {
		return fmt.Errorf("opening the network namespace of %s: %w", n.Name, err)
	}
	defer inside.Close()
	bridge, err := netlink.LinkByName(Bridge)
	if err != nil {
		return fmt.Errorf("finding the bridge %s: %w", Bridge, err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MasterIndex, attrs.Flags = n.link(), bridge.Attrs().Index, net.FlagUp
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsFd(ns), PeerHardwareAddr: n.hardwareAddr()}
	if err := netlink.LinkAdd(veth); err != nil {
		return fmt.Errorf("connecting %s to the bridge: %w", n.Name, err)
	}
	if err := errors.Join(setUp(inside, "lo"), setUp(inside, "eth0", onBridge(n.Addr), onBridge(n.Addr6))); err != nil {
		return err
	}
	for _, gateway := range []string{HostAddr, HostAddr6} {
		if err := inside.RouteAdd(&netlink.Route{Gw: netip.MustParseAddr(gateway).AsSlice()}); err != nil {
			return fmt.Errorf("adding the default route of %s by way of %s: %w", n.Name, gateway, err)
		}
	}
	for _, other := range nodes {
		if other.index == n.index {
			continue
		}
		for _, route := range podRoutes(other) {
			if err := inside.RouteAdd(route); err != nil {
				return fmt.Errorf("adding the route from %s to the pods of %s: %w", n.Name, other.Name, err)
			}
		}
	}
	for _, route := range podRoutes(n) {
		if err := netlink.RouteReplace(route); err != nil { // that of a node which was stopped is there yet
			return fmt.Errorf("adding the route to the pods of %s: %w", n.Name, err)
		}
	}
	return nil
}

// podRoutes are the ways to the pods of a node, from anywhere on the bridge.
func podRoutes(n Node) []*netlink.Route {
	addrs, pods := n.Addrs(), n.podCIDRs()
	routes := make([]*netlink.Route, 0, len(pods))
	for i, cidr := range pods {
		routes = append(routes, &netlink.Route{Dst: ipNetOf(cidr), Gw: addrs[i].AsSlice()})
	}
	return routes
}

// setUp gives a link addresses and sets it up.
func setUp(handle *netlink.Handle, name string, addrs ...netip.Prefix) error {
	link, err := handle.LinkByName(name)
	if err != nil {
		return fmt.Errorf("finding the link %s: %w", name, err)
	}
	for _, addr := range addrs {
		add := &netlink.Addr{IPNet: ipNetOf(addr)}
		if addr.Addr().Is6() {
			add.Flags = unix.IFA_F_NODAD // nobody else has it, and a second to find that out is a second of start
		}
		if err := handle.AddrAdd(link, add); err != nil {
			return fmt.Errorf("giving %s the address %s: %w", name, addr, err)
		}
	}
	if err := handle.LinkSetUp(link); err != nil {
		return fmt.Errorf("setting up %s: %w", name, err)
	}
	return nil
}

// tuneNode sets up routing in the network namespace of a node, in which it has to run.
func tuneNode() error {
	return errors.Join(
		setSysctl("net/ipv4/ip_forward", "1"),
		setSysctl("net/ipv4/conf/all/rp_filter", "0"), // replies may leave by another node than requests came in by
		setSysctl("net/ipv4/conf/default/rp_filter", "0"),
		setSysctl("net/ipv4/fib_multipath_hash_policy", "1"), // by address and port
		setSysctl("net/ipv6/conf/all/forwarding", "1"),
		setSysctl("net/ipv6/fib_multipath_hash_policy", "1"),
	)
}

// removeNetwork removes what makeBridge and connect made, routes included.
func removeNetwork(nodes []Node) error {
	var errs []error
	for _, n := range nodes {
		errs = append(errs, removeLink(n.link()), removeNamespace(n))
	}
	return errors.Join(append(errs, removeLink(Bridge))...)
}

func removeLink(name string) error {
	link, err := netlink.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("removing the link %s: %w", name, err)
	}
	return nil
}

// removeNamespace removes a network namespace's name, and with it the namespace, for no process is in it any more. The
// name may be there without a namespace if Up was killed just then.
func removeNamespace(n Node) error {
	for {
		err := unix.Unmount(n.NetNS, unix.MNT_DETACH)
		if err == nil {
			continue // it may be mounted on more than once
		}
		if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("removing the network namespace %s: %w", n.Name, err)
		}
		break
	}
	if err := os.Remove(n.NetNS); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the network namespace %s: %w", n.Name, err)
	}
	return nil
}

func readSysctl(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join("/proc/sys", name))
	return string(text), err
}

// setSysctl sets a kernel setting unless it is as wanted; some cannot be written inside a container.
func setSysctl(name, value string) error {
	if now, err := readSysctl(name); err == nil && strings.TrimSpace(now) == strings.TrimSpace(value) {
		return nil
	}
	if err := os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0); err != nil {
		return fmt.Errorf("setting the kernel's %s to %s: %w", name, strings.TrimSpace(value), err)
	}
	return nil
}

// ipNetOf converts a prefix with an address in it.
func ipNetOf(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
}

// prefixOf converts a route's destination.
func prefixOf(ipNet *net.IPNet) (netip.Prefix, bool) {
	if ipNet == nil {
		return netip.Prefix{}, false
	}
	addr, ok := netip.AddrFromSlice(ipNet.IP)
	ones, _ := ipNet.Mask.Size()
	return netip.PrefixFrom(addr.Unmap(), ones), ok
}
