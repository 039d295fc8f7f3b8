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

// Open is what an OPEN message says.
type Open struct {
	ASN uint32
	ID  netip.Addr
	// Families are those of the routes that are taken (RFC 4760 section 8); IPv4 unicast if there are none.
	Families []bgp.Family
	// IPv6NextHop is whether IPv4 routes may have an IPv6 next hop (RFC 8950 section 4).
	IPv6NextHop bool
}

// Taken are the families of the routes that are taken.
func (o Open) Taken() []bgp.Family {
	if len(o.Families) == 0 {
		return []bgp.Family{bgp.RF_IPv4_UC}
	}
	return o.Families
}

// Establish exchanges OPEN and KEEPALIVE, so that the session is in state Established (RFC 4271 section 8). Beside what it is told, it
// offers ASNs of four octets, and asks for End-of-RIB by the capability of graceful restart (RFC 4724 section 3).
func (c *Conn) Establish(o Open) error {
	open, err := o.message()
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

func (o Open) message() (*bgp.BGPMessage, error) {
	short := uint16(asTrans)
	if o.ASN < 1<<16 {
		short = uint16(o.ASN)
	}
	capabilities := []bgp.ParameterCapabilityInterface{bgp.NewCapFourOctetASNumber(o.ASN), bgp.NewCapGracefulRestart(false, false, 0, nil)}
	for _, family := range o.Taken() {
		capabilities = append(capabilities, bgp.NewCapMultiProtocol(family))
	}
	if o.IPv6NextHop {
		capabilities = append(capabilities, bgp.NewCapExtendedNexthop([]*bgp.CapExtendedNexthopTuple{
			bgp.NewCapExtendedNexthopTuple(bgp.RF_IPv4_UC, bgp.AFI_IP6),
		}))
	}
	m, err := bgp.NewBGPOpenMessage(short, uint16(HoldTime/time.Second), o.ID,
		[]bgp.OptionParameterInterface{bgp.NewOptionParameterCapability(capabilities)})
	if err != nil {
		return nil, fmt.Errorf("OPEN from AS %d, BGP identifier %s: %w", o.ASN, o.ID, err)
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
