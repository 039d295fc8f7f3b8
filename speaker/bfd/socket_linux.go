// SPDX-License-Identifier: Apache-2.0

package bfd

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	// singleHopPort and multiHopPort are the UDP ports that packets are sent to (RFC 5881 section 4, RFC 5883 section 5).
	singleHopPort = 3784
	multiHopPort  = 4784
	// Packets are sent from ports of this range, each session's from another (RFC 5881 section 4).
	firstSource, lastSource = 49152, 65535
	// mostTTL is what packets are sent with, and have when they come from a neighbour (RFC 5881 section 5).
	mostTTL = 255
	// networkControl is the class of service of what the network needs to work (CS6, RFC 4594 section 3.1).
	networkControl = 6 << 5
)

var errTwice = errors.New("another session has the same addresses: BFD packets cannot tell them apart; let one of the peers name no BFDProfile")

// door is a receiving socket, as it is asked for.
type door struct {
	port   int
	six    bool
	device string
}

// receiver is a socket that packets come from.
type receiver struct {
	fd int
	at door
	// users is the number of sessions that need it.
	users int
}

// openReceiver opens a socket beside the others. One that is bound to no device and one that is share a port only if all say so.
func openReceiver(at door, others map[door]*receiver) (*receiver, error) {
	shared := at.device != ""
	for other := range others {
		shared = shared || other.device != ""
	}
	family, bind := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: at.port})
	if at.six {
		family, bind = unix.AF_INET6, &unix.SockaddrInet6{Port: at.port}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("opening a socket", err)
	}
	err = prepareReceiver(fd, at)
	if shared && err == nil {
		err = share(fd, others)
	}
	if err == nil {
		err = unix.Bind(fd, bind)
	}
	if errors.Is(err, unix.EADDRINUSE) {
		err = fmt.Errorf("UDP port %d is taken by another program of this node, such as another BFD daemon: stop one of them", at.port)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &receiver{fd: fd, at: at}, nil
}

// prepareReceiver has the kernel tell the TTL, the local address and the interface of each packet.
func prepareReceiver(fd int, at door) error {
	set := func(level, option int) error {
		return os.NewSyscallError("setting options of a socket", unix.SetsockoptInt(fd, level, option, 1))
	}
	var err error
	if at.six {
		err = errors.Join(set(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY), set(unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT), set(unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO))
	} else {
		err = errors.Join(set(unix.IPPROTO_IP, unix.IP_RECVTTL), set(unix.IPPROTO_IP, unix.IP_PKTINFO))
	}
	if err == nil && at.device != "" {
		err = os.NewSyscallError("binding to "+at.device, unix.BindToDevice(fd, at.device))
	}
	return err
}

// share lets the socket and the others have ports in common.
func share(fd int, others map[door]*receiver) error {
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	for _, r := range others {
		err = errors.Join(err, unix.SetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	}
	return err
}

// sender is the socket that a session sends from.
type sender struct {
	fd int // -1 if it is not open
	// local is the address that packets have as source, without its zone, and device the number of the interface if it is a link-local one.
	local  netip.Addr
	device int
	// problem is why the last packet could not be sent, and broken whether another socket may help.
	problem string
	broken  bool
	// refused is whether the peer has answered that it takes no packets, since one came from it.
	refused bool
}

// refused is what is said of a peer that takes no packets.
const refused = "the router does not take BFD packets (port unreachable): enable BFD on it for this node"

// open opens the socket for packets to the port of the peer.
func (s *sender) open(c Config, port int) error {
	peer := c.Peer.Unmap()
	if zone := peer.Zone(); zone != "" {
		link, err := netlink.LinkByName(zone)
		if err != nil {
			return fmt.Errorf("interface %s is not on this node", zone)
		}
		s.device = link.Attrs().Index
	}
	family := unix.AF_INET
	if !peer.Is4() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("opening a socket", err)
	}
	s.fd = fd
	if err := s.prepare(c, peer); err != nil {
		return err
	}
	if err := unix.Connect(fd, s.address(peer, port)); err != nil {
		return fmt.Errorf("the router cannot be reached: %w", err)
	}
	return s.findLocal()
}

// address is one of the kernel's, on the interface of the session.
func (s *sender) address(a netip.Addr, port int) unix.Sockaddr {
	if a.Is4() {
		return &unix.SockaddrInet4{Port: port, Addr: a.As4()}
	}
	return &unix.SockaddrInet6{Port: port, Addr: a.As16(), ZoneId: uint32(s.device)} //nolint:gosec // Numbers of interfaces are small.
}

// prepare sets what packets are sent with, and from where.
func (s *sender) prepare(c Config, peer netip.Addr) error {
	level, ttl, class := unix.IPPROTO_IP, unix.IP_TTL, unix.IP_TOS
	if !peer.Is4() {
		level, ttl, class = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, unix.IPV6_TCLASS
	}
	if err := unix.SetsockoptInt(s.fd, level, ttl, mostTTL); err != nil {
		return os.NewSyscallError("setting the TTL", err)
	}
	if err := unix.SetsockoptInt(s.fd, level, class, networkControl); err != nil {
		return os.NewSyscallError("setting the class of service", err)
	}
	if c.Device != "" {
		if err := unix.BindToDevice(s.fd, c.Device); err != nil {
			return fmt.Errorf("VRF %s: %w", c.Device, err)
		}
	}
	return s.bind(c.Source, peer)
}

// bind takes a source port that nobody has.
func (s *sender) bind(source, peer netip.Addr) error {
	if source = source.Unmap(); !source.IsValid() {
		source = netip.IPv4Unspecified()
		if !peer.Is4() {
			source = netip.IPv6Unspecified()
		}
	}
	const attempts = 16
	var err error
	for range attempts {
		err = unix.Bind(s.fd, s.address(source, firstSource+rand.IntN(lastSource-firstSource+1))) //nolint:gosec // It need not be unpredictable.
		if !errors.Is(err, unix.EADDRINUSE) {
			break
		}
	}
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("source address %s is not on this node", source)
	}
	return os.NewSyscallError("binding a socket", err)
}

// findLocal asks the kernel for the source address.
func (s *sender) findLocal() error {
	name, err := unix.Getsockname(s.fd)
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		s.local = netip.AddrFrom4(a.Addr)
	case *unix.SockaddrInet6:
		s.local = netip.AddrFrom16(a.Addr)
	}
	return os.NewSyscallError("asking for the source address", err)
}

// send sends a packet, and reports whether it could.
func (s *sender) send(p *[packetLength]byte) bool {
	err := s.write(p)
	if errors.Is(err, unix.ECONNREFUSED) {
		// That is the answer to an earlier packet, and this one was not sent.
		s.refused = true
		err = s.write(p)
	}
	s.problem, s.broken = "", false
	if err != nil && !errors.Is(err, unix.ECONNREFUSED) {
		s.problem = "packets cannot be sent: " + err.Error()
		s.broken = !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.ENOBUFS)
	}
	return err == nil
}

// write does not wait, and so Go's scheduler need not be told of it.
func (s *sender) write(p *[packetLength]byte) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(s.fd), uintptr(unsafe.Pointer(p)), packetLength); errno != 0 { //nolint:gosec // As write(2) wants it.
		return errno
	}
	return nil
}

func (s *sender) close() {
	if s.fd >= 0 {
		_ = unix.Close(s.fd)
	}
	*s = sender{fd: -1}
}

// reach says how far away the peer is, if the session is to find out: a router is on a link of this node if the kernel's route to it has no
// gateway.
func reach(c Config) (Reach, error) {
	switch {
	case c.Reach != Either:
		return c.Reach, nil
	case c.Peer.IsLinkLocalUnicast():
		return SingleHop, nil
	}
	options := &netlink.RouteGetOptions{VrfName: c.Device}
	routes, err := netlink.RouteGetWithOptions(c.Peer.Unmap().AsSlice(), options)
	if err != nil {
		return 0, fmt.Errorf("no route to the router: %w", err)
	}
	for _, route := range routes {
		if len(route.Gw) > 0 || route.Via != nil || len(route.MultiPath) > 0 {
			return MultiHop, nil
		}
	}
	return SingleHop, nil
}
