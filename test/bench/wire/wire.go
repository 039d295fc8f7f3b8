// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// HoldTime is what both ends propose (RFC 4271 section 10); keepalives are due every third of it.
const HoldTime = 90 * time.Second

// asTrans stands for an ASN of four octets in the two octets of OPEN (RFC 6793 section 9).
const asTrans = 23456

// Conn is a BGP connection. Read may be called by one goroutine at a time, Write by any number.
type Conn struct {
	conn net.Conn
	r    *bufio.Reader
	mu   sync.Mutex // held while a message is written
}

// NewConn makes a BGP connection of a TCP connection, which it owns from then on.
func NewConn(c net.Conn) *Conn {
	return &Conn{conn: c, r: bufio.NewReaderSize(c, 1<<16)}
}

// Close closes the TCP connection; a blocked Read or Write returns an error.
func (c *Conn) Close() error { return c.conn.Close() }

// Read returns the next message and its length in octets, header included. The hold time limits the wait.
func (c *Conn) Read() (*bgp.BGPMessage, int, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(HoldTime)); err != nil {
		return nil, 0, err
	}
	header, err := c.r.Peek(bgp.BGP_HEADER_LENGTH)
	if err != nil {
		return nil, 0, err
	}
	length := int(binary.BigEndian.Uint16(header[16:18]))
	if length < bgp.BGP_HEADER_LENGTH || length > bgp.BGP_MAX_MESSAGE_LENGTH {
		return nil, 0, fmt.Errorf("message length %d is not in [%d, %d]", length, bgp.BGP_HEADER_LENGTH, bgp.BGP_MAX_MESSAGE_LENGTH)
	}
	data := make([]byte, length)
	if _, err := io.ReadFull(c.r, data); err != nil {
		return nil, 0, err
	}
	m, err := bgp.ParseBGPMessage(data)
	if err != nil {
		return nil, 0, fmt.Errorf("parsing a message of %d octets: %w", length, err)
	}
	return m, length, nil
}

// Write sends one message.
func (c *Conn) Write(m *bgp.BGPMessage) error {
	data, err := m.Serialize()
	if err != nil {
		return fmt.Errorf("serializing a message of type %d: %w", m.Header.Type, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err = c.conn.Write(data)
	return err
}

// KeepAlive keeps an established session alive until stop is closed, or nothing can be written any more, which the reader learns of,
// too.
func (c *Conn) KeepAlive(stop <-chan struct{}) {
	tick := time.NewTicker(HoldTime / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if c.Write(bgp.NewBGPKeepAliveMessage()) != nil {
				return
			}
		case <-stop:
			return
		}
	}
}

// Establish exchanges OPEN and KEEPALIVE, so that the session is in state Established (RFC 4271 section 8). It offers IPv4
// unicast and ASNs of four octets, and asks for End-of-RIB by the capability of graceful restart (RFC 4724 section 3).
func (c *Conn) Establish(asn uint32, id netip.Addr) error {
	open, err := openMessage(asn, id)
	if err != nil {
		return err
	}
	if err := c.Write(open); err != nil {
		return fmt.Errorf("sending OPEN: %w", err)
	}
	if err := c.expect(bgp.BGP_MSG_OPEN); err != nil {
		return err
	}
	if err := c.Write(bgp.NewBGPKeepAliveMessage()); err != nil {
		return fmt.Errorf("sending KEEPALIVE: %w", err)
	}
	return c.expect(bgp.BGP_MSG_KEEPALIVE)
}

func (c *Conn) expect(kind uint8) error {
	m, _, err := c.Read()
	if err != nil {
		return fmt.Errorf("waiting for a message of type %d: %w", kind, err)
	}
	if n, ok := m.Body.(*bgp.BGPNotification); ok {
		return fmt.Errorf("the peer sent NOTIFICATION %d/%d", n.ErrorCode, n.ErrorSubcode)
	}
	if m.Header.Type != kind {
		return fmt.Errorf("the peer sent a message of type %d in place of %d", m.Header.Type, kind)
	}
	return nil
}

func openMessage(asn uint32, id netip.Addr) (*bgp.BGPMessage, error) {
	short := uint16(asTrans)
	if asn < 1<<16 {
		short = uint16(asn)
	}
	capabilities := bgp.NewOptionParameterCapability([]bgp.ParameterCapabilityInterface{
		bgp.NewCapMultiProtocol(bgp.RF_IPv4_UC), bgp.NewCapFourOctetASNumber(asn), bgp.NewCapGracefulRestart(false, false, 0, nil),
	})
	m, err := bgp.NewBGPOpenMessage(short, uint16(HoldTime/time.Second), id, []bgp.OptionParameterInterface{capabilities})
	if err != nil {
		return nil, fmt.Errorf("OPEN from AS %d, BGP identifier %s: %w", asn, id, err)
	}
	return m, nil
}

// Announcement returns an UPDATE of iBGP that announces the prefixes, which must fit into one message.
func Announcement(nextHop netip.Addr, prefixes ...netip.Prefix) (*bgp.BGPMessage, error) {
	nlri, err := nlriOf(prefixes)
	if err != nil {
		return nil, err
	}
	hop, err := bgp.NewPathAttributeNextHop(nextHop)
	if err != nil {
		return nil, fmt.Errorf("next hop %s: %w", nextHop, err)
	}
	return bgp.NewBGPUpdateMessage(nil, []bgp.PathAttributeInterface{
		bgp.NewPathAttributeOrigin(0), bgp.NewPathAttributeAsPath(nil), hop, bgp.NewPathAttributeLocalPref(100),
	}, nlri), nil
}

// Withdrawal returns an UPDATE that withdraws the prefixes, which must fit into one message.
func Withdrawal(prefixes ...netip.Prefix) (*bgp.BGPMessage, error) {
	nlri, err := nlriOf(prefixes)
	if err != nil {
		return nil, err
	}
	return bgp.NewBGPUpdateMessage(nlri, nil, nil), nil
}

// EndOfRIB returns the marker for IPv4 unicast (RFC 4724 section 2).
func EndOfRIB() *bgp.BGPMessage { return bgp.NewEndOfRib(bgp.RF_IPv4_UC) }

func nlriOf(prefixes []netip.Prefix) ([]bgp.PathNLRI, error) {
	list := make([]bgp.PathNLRI, 0, len(prefixes))
	for _, p := range prefixes {
		nlri, err := bgp.NewIPAddrPrefix(p)
		if err != nil {
			return nil, fmt.Errorf("prefix %s: %w", p, err)
		}
		list = append(list, bgp.PathNLRI{NLRI: nlri})
	}
	return list, nil
}
