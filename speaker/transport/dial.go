// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
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
	return setPassword(fd, t.Peer.Addr(), t.Password)
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

// giveUpAfter has the connection end when the peer has acknowledged nothing for so long.
func (c *Conn) giveUpAfter(dead time.Duration) error {
	s, err := c.SyscallConn()
	if err != nil {
		return err
	}
	return onSocket(s, func(fd int) error { return setDead(fd, dead) })
}
