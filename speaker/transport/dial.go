// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
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
	// TTL of what is sent, hop limit with IPv6; 0 leaves it to the kernel.
	TTL int
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
	if zone := t.Peer.Addr().Zone(); zone != "" {
		if _, err := net.InterfaceByName(zone); err != nil {
			return nil, fmt.Errorf("interface %s is not on this node", zone)
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
// route. It sends nothing.
func SourceTo(peer netip.Addr) netip.Addr {
	const anyPort = 9
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(peer, anyPort)))
	if err != nil {
		return netip.Addr{}
	}
	defer func() { _ = conn.Close() }()
	return localAddress(conn)
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
	if t.TTL != 0 {
		level, option := unix.IPPROTO_IP, unix.IP_TTL
		if !t.Peer.Addr().Unmap().Is4() {
			level, option = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS
		}
		if err := unix.SetsockoptInt(fd, level, option, t.TTL); err != nil {
			return os.NewSyscallError("setting the TTL", err)
		}
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
