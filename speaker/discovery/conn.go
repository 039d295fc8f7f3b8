// SPDX-License-Identifier: Apache-2.0

//go:build linux

package discovery

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
	"golang.org/x/time/rate"
)

// maxMessage bounds the octets of a message that are read. Advertisements are far smaller.
const maxMessage = 9216

// packetRate is how many messages are read in a second, and packetBurst how many at once. A router sends one in some seconds.
const (
	packetRate  = 100
	packetBurst = 50
)

var (
	allNodes   = netip.MustParseAddr("ff02::1")
	allRouters = netip.MustParseAddr("ff02::2")
)

// conn sends and receives ICMPv6 on one interface.
type conn struct {
	link link
	raw  *ipv6.PacketConn
	// id marks echoes as ours.
	id int
	// packets is closed when receiving has failed.
	packets chan packet
	ctx     context.Context
	cancel  context.CancelFunc
	reading sync.WaitGroup
}

// listen opens a socket on the link, bound to its address. It needs CAP_NET_RAW; without it the error is os.ErrPermission.
func listen(ctx context.Context, l link) (*conn, error) {
	// By number: Go remembers for a minute which name has which.
	zone := strconv.Itoa(l.index)
	socket, err := icmp.ListenPacket("ip6:ipv6-icmp", l.address.WithZone(zone).String())
	if err != nil {
		return nil, fmt.Errorf("opening an ICMPv6 socket on interface %s: %w", l.name, err)
	}
	c := &conn{
		link: l, raw: socket.IPv6PacketConn(), id: l.index & 0xffff,
		packets: make(chan packet),
	}
	c.ctx, c.cancel = context.WithCancel(ctx)
	if err := c.prepare(); err != nil {
		c.cancel()
		_ = c.raw.Close()
		return nil, fmt.Errorf("preparing an ICMPv6 socket on interface %s: %w", l.name, err)
	}
	c.reading.Go(c.read)
	return c, nil
}

func (c *conn) prepare() error {
	var filter ipv6.ICMPFilter
	filter.SetAll(true)
	for _, kind := range []ipv6.ICMPType{
		ipv6.ICMPTypeRouterSolicitation, ipv6.ICMPTypeRouterAdvertisement, ipv6.ICMPTypeNeighborAdvertisement, ipv6.ICMPTypeEchoReply,
	} {
		filter.Accept(kind)
	}
	iface := &net.Interface{Index: c.link.index}
	for _, set := range []func() error{
		func() error { return c.raw.SetICMPFilter(&filter) },
		func() error { return c.raw.SetControlMessage(ipv6.FlagHopLimit, true) },
		func() error { return c.raw.SetMulticastLoopback(false) },
		func() error { return c.raw.SetMulticastInterface(iface) },
		func() error { return c.raw.SetHopLimit(ndp.HopLimit) },
		func() error { return c.raw.SetMulticastHopLimit(ndp.HopLimit) },
		func() error { return c.raw.JoinGroup(iface, &net.IPAddr{IP: allNodes.AsSlice()}) },
		func() error { return c.raw.JoinGroup(iface, &net.IPAddr{IP: allRouters.AsSlice()}) },
	} {
		if err := set(); err != nil {
			return err
		}
	}
	return nil
}

// isFor reports whether the socket is still that of the link.
func (c *conn) isFor(l link) bool {
	return l.unusable == nil && l.index == c.link.index && l.address == c.link.address && string(l.mac) == string(c.link.mac)
}

// close returns when nothing more is read.
func (c *conn) close() {
	c.cancel()
	_ = c.raw.Close()
	c.reading.Wait()
}

// read hands on what is received, and leaves what is too much for the kernel to drop.
func (c *conn) read() {
	defer close(c.packets)
	limiter := rate.NewLimiter(packetRate, packetBurst)
	buffer := make([]byte, maxMessage)
	for {
		n, control, source, err := c.raw.ReadFrom(buffer)
		if err != nil {
			return
		}
		from, isIP := source.(*net.IPAddr)
		if !isIP || control == nil {
			continue
		}
		address, _ := netip.AddrFromSlice(from.IP)
		if p, ok := parse(buffer[:n], control.HopLimit, address, c.id); ok {
			select {
			case c.packets <- p:
			case <-c.ctx.Done():
				return
			}
		}
		if limiter.Wait(c.ctx) != nil {
			return
		}
	}
}

// advertise sends a router advertisement that makes nobody use the node as a default router.
func (c *conn) advertise(to netip.Addr) error {
	return c.sendNDP(&ndp.RouterAdvertisement{Options: c.source()}, to)
}

// solicit asks all routers to advertise.
func (c *conn) solicit() error {
	return c.sendNDP(&ndp.RouterSolicitation{Options: c.source()}, allRouters)
}

// ask asks a neighbour whether it has the address (RFC 4861 section 7.3.1).
func (c *conn) ask(neighbour netip.Addr) error {
	return c.sendNDP(&ndp.NeighborSolicitation{TargetAddress: neighbour, Options: c.source()}, neighbour)
}

// echo has all routers answer.
func (c *conn) echo() error {
	message := icmp.Message{Type: ipv6.ICMPTypeEchoRequest, Body: &icmp.Echo{ID: c.id}}
	content, err := message.Marshal(nil)
	if err != nil {
		return err
	}
	return c.send(content, allRouters)
}

// source is the option that tells the link-layer address (RFC 4861 section 4.6.1). Links other than Ethernet's do without.
func (c *conn) source() []ndp.Option {
	const ethernet = 6
	if len(c.link.mac) != ethernet {
		return nil
	}
	return []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: c.link.mac}}
}

func (c *conn) sendNDP(message ndp.Message, to netip.Addr) error {
	content, err := ndp.MarshalMessage(message)
	if err != nil {
		return fmt.Errorf("message to %s: %w", to, err)
	}
	return c.send(content, to)
}

// send sends from the address that the socket is bound to; the kernel puts the checksum in.
func (c *conn) send(content []byte, to netip.Addr) error {
	_, err := c.raw.WriteTo(content, &ipv6.ControlMessage{HopLimit: ndp.HopLimit, IfIndex: c.link.index}, &net.IPAddr{IP: to.AsSlice()})
	return err
}
