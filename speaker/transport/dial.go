// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Dead is how long a router may leave what is sent to it without an answer. Where a longer hold time is agreed upon, that
// holds.
const Dead = 60 * time.Second

// MaxPassword is the most octets that a password of TCP MD5 may have (Linux' TCP_MD5SIG_MAXKEYLEN).
const MaxPassword = 80

// Target is who to connect to, and how.
type Target struct {
	Peer netip.AddrPort
	// Source is the local address; the zero value leaves the choice to the kernel.
	Source netip.Addr
	// Password for TCP MD5 (RFC 2385); none if empty.
	Password string
	// TTL of what is sent, hop limit with IPv6; 0 leaves it to the kernel. What comes with less than MinTTL is dropped by the kernel
	// (RFC 5082 section 3).
	TTL, MinTTL int
	// Device that the connection is made from, such as that of a VRF; empty leaves it to the routes.
	Device string
	// Timeout of the attempt.
	Timeout time.Duration
	// Dead is how long the peer may be silent, if it is asked; 0 is the constant. Half of it passes before it is asked, so a
	// router that is dead is found where no hold time was agreed upon, too.
	Dead time.Duration
}

func (t Target) dead() time.Duration {
	if t.Dead == 0 {
		return Dead
	}
	return t.Dead
}

// Dial connects.
func (t Target) Dial(ctx context.Context) (net.Conn, error) {
	peer, err := numbered(t.Peer.Addr())
	if err != nil {
		return nil, err
	}
	t.Peer = netip.AddrPortFrom(peer, t.Peer.Port())
	if t.Device != "" {
		if _, err := net.InterfaceByName(t.Device); err != nil {
			return nil, fmt.Errorf("VRF %s is not on this node", t.Device)
		}
	}
	network := "tcp4"
	if !t.Peer.Addr().Unmap().Is4() {
		network = "tcp6"
	}
	d := net.Dialer{
		Timeout:         t.Timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: t.dead() / 2, Interval: t.dead() / 6, Count: 3},
		ControlContext: func(_ context.Context, _, _ string, c syscall.RawConn) error {
			return onSocket(c, t.prepare)
		},
	}
	if t.Source.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(t.source(), 0))
	}
	return d.DialContext(ctx, network, t.Peer.String())
}

// SourceTo returns the local address from which a Target without Source is connected to, without its zone; the zero Addr if there is no
// route. Device is that of the Target. It sends nothing.
func SourceTo(peer netip.Addr, device string) netip.Addr {
	const anyPort = 9
	d := net.Dialer{ControlContext: func(_ context.Context, _, _ string, c syscall.RawConn) error {
		return onSocket(c, func(fd int) error { return bind(fd, device) })
	}}
	peer, err := numbered(peer)
	if err != nil {
		return netip.Addr{}
	}
	conn, err := d.DialContext(context.Background(), "udp", netip.AddrPortFrom(peer, anyPort).String())
	if err != nil {
		return netip.Addr{}
	}
	defer func() { _ = conn.Close() }()
	return localAddress(conn)
}

// numbered has the number of its interface as zone if it has one: of names, Go remembers for a minute which interface had them.
func numbered(a netip.Addr) (netip.Addr, error) {
	if a.Zone() == "" {
		return a, nil
	}
	device, err := net.InterfaceByName(a.Zone())
	if err != nil {
		return a, fmt.Errorf("interface %s is not on this node", a.Zone())
	}
	if usable := net.FlagUp | net.FlagRunning; device.Flags&usable != usable {
		return a, fmt.Errorf("interface %s is down", a.Zone())
	}
	return a.WithZone(strconv.Itoa(device.Index)), nil
}

// source has the zone of the peer if it needs one.
func (t Target) source() netip.Addr {
	if t.Source.IsLinkLocalUnicast() && t.Source.Zone() == "" {
		return t.Source.WithZone(t.Peer.Addr().Zone())
	}
	return t.Source
}

// onSocket does something with the descriptor of a socket.
func onSocket(c syscall.RawConn, do func(fd int) error) error {
	var done error
	if err := c.Control(func(fd uintptr) { done = do(int(fd)) }); err != nil {
		return err
	}
	return done
}

// prepare sets what must be set before the connection is made.
func (t Target) prepare(fd int) error {
	if err := setDead(fd, t.dead()); err != nil {
		return err
	}
	if err := bind(fd, t.Device); err != nil {
		return err
	}
	if err := limitHops(fd, t.Peer.Addr(), t.TTL, t.MinTTL); err != nil {
		return err
	}
	if t.Password == "" {
		return nil
	}
	if len(t.Password) > MaxPassword {
		return fmt.Errorf("the password has %d octets, more than %d", len(t.Password), MaxPassword)
	}
	err := unix.SetsockoptTCPMD5Sig(fd, unix.IPPROTO_TCP, unix.TCP_MD5SIG, md5For(t.Peer.Addr(), t.Password))
	return os.NewSyscallError("setting TCP MD5", err)
}

// limitHops sets the time to live, and that which packets must have that come; 0 is the kernel's own and any.
func limitHops(fd int, peer netip.Addr, ttl, minTTL int) error {
	const kernels = -1
	level, sent, received := unix.IPPROTO_IP, unix.IP_TTL, unix.IP_MINTTL
	if !peer.Unmap().Is4() {
		level, sent, received = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, unix.IPV6_MINHOPCOUNT
	}
	if ttl == 0 {
		ttl = kernels
	}
	if err := unix.SetsockoptInt(fd, level, sent, ttl); err != nil {
		return os.NewSyscallError("setting the TTL", err)
	}
	return os.NewSyscallError("setting the least TTL", unix.SetsockoptInt(fd, level, received, minTTL))
}

// LimitHops changes the TTL and MinTTL of the Target that the connection was made to.
func (c *Conn) LimitHops(ttl, minTTL int) error {
	s, err := c.SyscallConn()
	if err != nil {
		return err
	}
	peer, ok := c.Conn.RemoteAddr().(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return errors.ErrUnsupported
	}
	return onSocket(s, func(fd int) error { return limitHops(fd, peer.AddrPort().Addr(), ttl, minTTL) })
}

// bind has the connection made from the device, unless that is empty.
func bind(fd int, device string) error {
	if device == "" {
		return nil
	}
	return os.NewSyscallError("binding to "+device, unix.BindToDevice(fd, device))
}

// md5For is the key for segments from and to the address.
func md5For(peer netip.Addr, password string) *unix.TCPMD5Sig {
	const port, flow = 2, 4                               // octets of sockaddr_in and sockaddr_in6 before the address
	sig := &unix.TCPMD5Sig{Keylen: uint16(len(password))} //nolint:gosec // It is bounded.
	copy(sig.Key[:], password)
	if peer = peer.Unmap(); peer.Is4() {
		sig.Addr.Family = unix.AF_INET
		copy(sig.Addr.Data[port:], peer.AsSlice())
	} else {
		sig.Addr.Family = unix.AF_INET6
		copy(sig.Addr.Data[port+flow:], peer.AsSlice())
	}
	return sig
}

// setDead is how long what was sent may be unacknowledged (RFC 5482, TCP_USER_TIMEOUT). It bounds the probes too.
func setDead(fd int, after time.Duration) error {
	err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(after.Milliseconds()))
	return os.NewSyscallError("setting TCP_USER_TIMEOUT", err)
}

// giveUpAfter has the connection end when the peer has acknowledged nothing for so long.
func (c *Conn) giveUpAfter(dead time.Duration) error {
	s, err := c.SyscallConn()
	if err != nil {
		return err
	}
	return onSocket(s, func(fd int) error { return setDead(fd, dead) })
}
