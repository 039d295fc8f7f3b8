// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// sink is a router of the simplest kind: it accepts connections, exchanges OPEN and KEEPALIVE, and keeps what it is told.
type sink struct {
	t        testing.TB
	listener *net.TCPListener
	behave   behaviour
	running  sync.WaitGroup

	mu       sync.Mutex
	conn     net.Conn
	opens    int
	messages int                    // UPDATE messages of all connections, End-of-RIB left out
	routes   map[netip.Prefix]route // of the present connection
	beforeEOR,
	eors int
	withdrawn    int                  // prefixes of all connections
	wasWithdrawn map[netip.Prefix]int // what withdrawn was when the prefix was first announced
	notified     []bgp.BGPNotification
	offers       []restartOffer
}

// restartOffer is what an OPEN of the speaker says of graceful restart.
type restartOffer struct {
	restarted, notification bool
	time                    int
	// families are those in the capability, each with whether its forwarding state is preserved.
	families map[bgp.Family]bool
}

// behaviour of a sink. The zero value is a well-behaved eBGP peer.
type behaviour struct {
	asn      uint32
	holdTime uint16
	// families of the OPEN; nil is both, an empty list is none.
	families []bgp.Family
	// answerOpen, if set, is written in place of the OPEN.
	answerOpen *bgp.BGPMessage
	// answerKeepalive, if set, is written in place of the first KEEPALIVE.
	answerKeepalive *bgp.BGPMessage
	// twoOctets has the peer know no ASNs of four octets (RFC 6793).
	twoOctets bool
	// closeFirst has connections closed when they are accepted.
	closeFirst bool
	// mute has it read and say nothing.
	mute bool
	// restart is its capability of graceful restart; nil is that of a router that keeps routes of others. With forgets it has none.
	restart *bgp.CapGracefulRestart
	forgets bool
	// silent has no KEEPALIVE follow the first one.
	silent bool
}

type route struct {
	nextHop     netip.Addr
	asPath      []uint32
	as4Path     []uint32
	localPref   uint32
	communities string
}

const (
	sinkASN    = 64512
	speakerASN = 64500
)

func notification(code, subcode uint8) *bgp.BGPMessage {
	return bgp.NewBGPNotificationMessage(code, subcode, nil)
}

// newSink listens on a free port of the loopback address.
func newSink(tb testing.TB, b behaviour) *sink {
	tb.Helper()
	return newSinkAt(tb, b, "127.0.0.1:0")
}

func newSinkAt(tb testing.TB, b behaviour, address string) *sink {
	tb.Helper()
	if b.asn == 0 {
		b.asn = sinkASN
	}
	if b.holdTime == 0 {
		b.holdTime = 90
	}
	at := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))
	listener, err := net.ListenTCP("tcp", at)
	if err != nil {
		tb.Fatalf("listening on %s: %v", address, err)
	}
	s := &sink{t: tb, listener: listener, behave: b, wasWithdrawn: map[netip.Prefix]int{}}
	s.running.Go(s.accept)
	tb.Cleanup(s.close)
	return s
}

func (s *sink) addrPort() netip.AddrPort {
	return s.listener.Addr().(*net.TCPAddr).AddrPort()
}

// close stops listening and breaks the connection.
func (s *sink) close() {
	_ = s.listener.Close()
	s.drop()
	s.running.Wait()
}

// drop breaks the connection.
func (s *sink) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// say writes a message on the connection.
func (s *sink) say(m *bgp.BGPMessage) {
	b, err := m.Serialize()
	if err != nil {
		s.t.Errorf("serializing: %v", err)
	}
	s.sayRaw(string(b))
}

// sayRaw writes anything on the connection.
func (s *sink) sayRaw(octets string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		s.t.Error("there is no connection to write on")
		return
	}
	if _, err := io.WriteString(s.conn, octets); err != nil {
		s.t.Errorf("writing to the speaker: %v", err)
	}
}

func (s *sink) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.opens++
		s.conn, s.routes, s.beforeEOR, s.eors = conn, map[netip.Prefix]route{}, 0, 0
		s.mu.Unlock()
		if !s.behave.closeFirst {
			s.talk(conn)
		}
		_ = conn.Close()
	}
}

func (s *sink) talk(conn net.Conn) {
	open := s.open()
	if s.behave.answerOpen != nil {
		open = s.behave.answerOpen
	}
	if !s.behave.mute && write(conn, open) != nil {
		return
	}
	for kept := false; ; {
		m, err := read(conn, &bgp.MarshallingOption{Use2ByteAS: s.behave.twoOctets})
		if err != nil {
			return
		}
		s.note(m)
		var answer *bgp.BGPMessage
		switch m.Header.Type {
		case bgp.BGP_MSG_NOTIFICATION:
			return
		case bgp.BGP_MSG_OPEN:
			answer = bgp.NewBGPKeepAliveMessage()
			if s.behave.answerKeepalive != nil {
				answer = s.behave.answerKeepalive
			}
		case bgp.BGP_MSG_KEEPALIVE:
			if !s.behave.silent || !kept {
				answer = bgp.NewBGPKeepAliveMessage()
			}
			kept = true
		}
		if answer != nil && !s.behave.mute && write(conn, answer) != nil {
			return
		}
	}
}

func (s *sink) open() *bgp.BGPMessage {
	families := s.behave.families
	if families == nil {
		families = []bgp.Family{bgp.RF_IPv4_UC, bgp.RF_IPv6_UC}
	}
	capable := make([]bgp.ParameterCapabilityInterface, 0, 2+len(families))
	switch {
	case s.behave.restart != nil:
		capable = append(capable, s.behave.restart)
	case !s.behave.forgets:
		capable = append(capable, bgp.NewCapGracefulRestart(false, false, 0, nil))
	}
	if !s.behave.twoOctets {
		capable = append(capable, bgp.NewCapFourOctetASNumber(s.behave.asn))
	}
	for _, f := range families {
		capable = append(capable, bgp.NewCapMultiProtocol(f))
	}
	capabilities := bgp.NewOptionParameterCapability(capable)
	as := uint16(bgp.AS_TRANS)
	if s.behave.asn <= 65535 {
		as = uint16(s.behave.asn)
	}
	open, err := bgp.NewBGPOpenMessage(as, s.behave.holdTime, netip.MustParseAddr("192.0.2.254"),
		[]bgp.OptionParameterInterface{capabilities})
	if err != nil {
		s.t.Errorf("making an OPEN: %v", err)
	}
	return open
}

// note keeps what the speaker says.
func (s *sink) note(m *bgp.BGPMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch body := m.Body.(type) {
	case *bgp.BGPOpen:
		s.offers = append(s.offers, offerIn(body))
	case *bgp.BGPNotification:
		s.notified = append(s.notified, *body)
	case *bgp.BGPUpdate:
		if end, _ := body.IsEndOfRib(); end {
			if s.eors == 0 {
				s.beforeEOR = len(s.routes)
			}
			s.eors++
			return
		}
		s.messages++
		s.update(body)
	}
}

func offerIn(o *bgp.BGPOpen) restartOffer {
	const restarted, notification, preserved = 8, 4, 0x80
	offer := restartOffer{families: map[bgp.Family]bool{}}
	for _, parameter := range o.OptParams {
		for _, c := range parameter.(*bgp.OptionParameterCapability).Capability {
			if c, ok := c.(*bgp.CapGracefulRestart); ok {
				offer.restarted, offer.notification, offer.time = c.Flags&restarted != 0, c.Flags&notification != 0, int(c.Time)
				for _, t := range c.Tuples {
					offer.families[bgp.NewFamily(t.AFI, t.SAFI)] = t.Flags&preserved != 0
				}
			}
		}
	}
	return offer
}

func (s *sink) update(u *bgp.BGPUpdate) {
	s.withdrawn += len(u.WithdrawnRoutes)
	for _, w := range u.WithdrawnRoutes {
		delete(s.routes, w.NLRI.(*bgp.IPAddrPrefix).Prefix)
	}
	var r route
	reached := u.NLRI
	for _, a := range u.PathAttributes {
		switch a := a.(type) {
		case *bgp.PathAttributeNextHop:
			r.nextHop = a.Value
		case *bgp.PathAttributeLocalPref:
			r.localPref = a.Value
		case *bgp.PathAttributeAsPath:
			for _, segment := range a.Value {
				r.asPath = append(r.asPath, segment.GetAS()...)
			}
		case *bgp.PathAttributeAs4Path:
			for _, segment := range a.Value {
				r.as4Path = append(r.as4Path, segment.AS...)
			}
		case *bgp.PathAttributeCommunities, *bgp.PathAttributeLargeCommunities:
			r.communities += a.String()
		case *bgp.PathAttributeMpReachNLRI:
			r.nextHop, reached = a.Nexthop, a.Value
		case *bgp.PathAttributeMpUnreachNLRI:
			for _, w := range a.Value {
				delete(s.routes, w.NLRI.(*bgp.IPAddrPrefix).Prefix)
			}
		}
	}
	for _, n := range reached {
		prefix := n.NLRI.(*bgp.IPAddrPrefix).Prefix
		s.routes[prefix] = r
		if _, again := s.wasWithdrawn[prefix]; !again {
			s.wasWithdrawn[prefix] = s.withdrawn
		}
	}
}

// heard is a copy of what the sink knows.
type heard struct {
	connections, updates, endsOfRIB, beforeEndOfRIB int
	routes                                          map[netip.Prefix]route
	wasWithdrawn                                    map[netip.Prefix]int
	notified                                        []bgp.BGPNotification
	offers                                          []restartOffer
}

func (s *sink) heard() heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return heard{
		connections: s.opens, updates: s.messages, endsOfRIB: s.eors, beforeEndOfRIB: s.beforeEOR,
		routes: maps.Clone(s.routes), wasWithdrawn: maps.Clone(s.wasWithdrawn), notified: append([]bgp.BGPNotification(nil), s.notified...),
		offers: append([]restartOffer(nil), s.offers...),
	}
}

func write(w io.Writer, m *bgp.BGPMessage) error {
	b, err := m.Serialize()
	if err != nil {
		return fmt.Errorf("serializing: %w", err)
	}
	_, err = w.Write(b)
	return err
}

func read(r io.Reader, options ...*bgp.MarshallingOption) (*bgp.BGPMessage, error) {
	header := make([]byte, bgp.BGP_HEADER_LENGTH)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint16(header[16:18])
	if length < bgp.BGP_HEADER_LENGTH {
		return nil, errors.New("message is shorter than its header")
	}
	message := make([]byte, length)
	copy(message, header)
	if _, err := io.ReadFull(r, message[len(header):]); err != nil {
		return nil, err
	}
	return bgp.ParseBGPMessage(message, options...)
}

// eventually waits for a condition, and fails with what it last said of it.
func eventually(tb testing.TB, within time.Duration, met func() (bool, string)) {
	tb.Helper()
	deadline := time.After(within)
	for {
		began := time.Now()
		ok, said := met()
		if ok {
			return
		}
		select {
		case <-deadline:
			tb.Fatalf("not within %s: %s", within, said)
		case <-time.After(max(5*time.Millisecond, time.Since(began))): // What is waited for needs the processors, too.
		}
	}
}
