// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"metallb.io/metallb/speaker/session"
)

// Stage is how far a connection has come. Stages follow each other in this order; Ended may follow any.
type Stage int

const (
	// OpenSent: this side's OPEN was written.
	OpenSent Stage = iota + 1
	// OpenConfirm: the peer's OPEN has come, and was answered by a KEEPALIVE.
	OpenConfirm
	// Confirmed: the peer's first KEEPALIVE has come. The reader gets it when Release is called.
	Confirmed
	// Established: the reader has taken that KEEPALIVE in, and asks for what follows. It is not told after Ended.
	Established
	// Ended: nothing more passes; End says why.
	Ended
)

// End is why a connection ended. The zero value is that this side closed it without a word.
type End struct {
	// Sent and Received are the NOTIFICATION that ended it, if one did.
	Sent, Received *session.Notification
	// Communication is the text in the one received (RFC 9003).
	Communication string
	// Detail is what was wrong with the message that the one sent answers, if that is known.
	Detail string
	// Err is what broke the connection: io.EOF if the peer closed it.
	Err error
}

const (
	// bufferSize is what is read at a time. It grows for a message that is larger.
	bufferSize = 16 << 10
	// farewellTime bounds how long the peer may take to accept a NOTIFICATION.
	farewellTime = time.Second
	// refreshTime is the least time between two requests to send everything again.
	refreshTime = time.Second
)

// Conn is a connection to a peer, for one goroutine to read, which is an implementation of BGP, and any to write whole messages. When it has
// ended, reads wait until it is closed and writes do nothing: so its user need not be quick to find out, and is told by follow.
type Conn struct {
	net.Conn
	remote net.Addr
	stats  *Stats
	follow func(Stage)

	released, asked, resting, closed gate

	// writing holds a token while a message is written.
	writing chan struct{}

	mu    sync.Mutex
	open  Open // the peer's
	hold  time.Duration
	ended bool
	end   End
	// marker is what is waited for to be discarded.
	marker    []byte
	discarded gate

	// What follows belongs to the reader.

	store  []byte
	unread []byte // what has come, in store
	rest   []byte // what is left of the message that is passed on
	phase  phase
	// heard is whether messages have come for which a KEEPALIVE is to be passed on.
	heard bool
	// requests for everything to be sent again, and when the next may be passed on.
	requests requests
	due      time.Time
	// kept is whether this side's first KEEPALIVE was written. It belongs to who holds writing.
	kept bool
}

// gate is a channel that is closed once.
type gate struct {
	done chan struct{}
	once *sync.Once
}

func newGate() gate { return gate{done: make(chan struct{}), once: &sync.Once{}} }

func (g gate) open() { g.once.Do(func() { close(g.done) }) }

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// phase is which messages may come next.
type phase int

const (
	awaitOpen phase = iota
	awaitKeepalive
	confirmed
	established
)

// New makes a Conn of a connection to the peer. Follow is called for each stage, by whoever reads, writes or closes; it must not wait for
// them.
func New(conn net.Conn, peer netip.AddrPort, stats *Stats, follow func(Stage)) *Conn {
	return &Conn{
		Conn: conn, stats: stats, follow: follow,
		remote:   &net.TCPAddr{IP: peer.Addr().AsSlice(), Port: int(peer.Port()), Zone: peer.Addr().Zone()},
		released: newGate(), asked: newGate(), resting: newGate(), closed: newGate(), discarded: newGate(),
		writing: make(chan struct{}, 1),
		store:   make([]byte, bufferSize),
	}
}

// RemoteAddr is the peer's address as New was given it, with the zone written alike.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// LocalAddress is the address of this side, without its zone.
func (c *Conn) LocalAddress() netip.Addr {
	local, ok := c.LocalAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return local.AddrPort().Addr().Unmap().WithZone("")
}

// SyscallConn is that of the connection, for socket options.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.Conn.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// Open is the peer's OPEN; the zero value before it has come.
func (c *Conn) Open() Open {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// HoldTime is what both sides have agreed upon when the peer's OPEN has come (RFC 4271 section 4.2).
func (c *Conn) HoldTime() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return min(c.hold, c.open.HoldTime)
}

// End is why the connection ended, when it has.
func (c *Conn) End() End {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end
}

// Release lets the peer's first KEEPALIVE pass.
func (c *Conn) Release() { c.released.open() }

// Resting is closed when the connection has ended and the reader, which has taken in all that it got, asks for more.
func (c *Conn) Resting() <-chan struct{} { return c.resting.done }

// Closed is closed when Close was called.
func (c *Conn) Closed() <-chan struct{} { return c.closed.done }

// Discarded is closed when octets have been discarded among which are these, or LetGo or Close was called.
func (c *Conn) Discarded(octets []byte) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.marker = octets
	return c.discarded.done
}

// LetGo says that nobody waits for the writer any more.
func (c *Conn) LetGo() { c.discarded.open() }

// Cease tells the peer why the connection ends (RFC 4486), and ends it.
func (c *Conn) Cease(subcode uint8) {
	const cease = 6
	c.refuse(refuse(cease, subcode, nil, ""))
}

// Close ends the connection, and what waits for it.
func (c *Conn) Close() error {
	c.finish(End{})
	c.closed.open()
	c.discarded.open()
	return nil
}

// finish ends the connection for the first reason that there is.
func (c *Conn) finish(why End) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	c.ended, c.end = true, why
	c.mu.Unlock()
	_ = c.Conn.Close()
	c.follow(Ended)
}

func (c *Conn) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// Write writes whole messages. That it fails is told as the end of the connection. A NOTIFICATION by which the writer ends an established session is
// written at once, but Write returns when LetGo was called: until then the writer goes on to write what it has.
func (c *Conn) Write(b []byte) (int, error) {
	if c.write(b) && isDone(c.asked.done) {
		late := time.NewTimer(farewellTime)
		defer late.Stop()
		select {
		case <-c.discarded.done:
		case <-late.C:
		}
	}
	return len(b), nil
}

// write reports whether the connection has been ended by the messages.
func (c *Conn) write(b []byte) bool {
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	if c.hasEnded() {
		c.discard(b)
		return false
	}
	if _, err := c.Conn.Write(b); err != nil {
		c.finish(End{Err: err})
		return false
	}
	for rest := b; len(rest) >= headerSize; {
		size := int(binary.BigEndian.Uint16(rest[markerSize:]))
		if size < headerSize || size > len(rest) {
			break
		}
		c.sent(rest[:size])
		rest = rest[size:]
	}
	return c.hasEnded()
}

func (c *Conn) discard(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.marker != nil && bytes.Contains(b, c.marker) {
		c.discarded.open()
	}
}

func (c *Conn) sent(m message) {
	c.stats.Sent.count(m.kind())
	switch m.kind() {
	case open:
		c.mu.Lock()
		c.hold = parseOpen(m).HoldTime
		c.mu.Unlock()
		c.follow(OpenSent)
	case keepalive:
		if !c.kept {
			c.kept = true
			c.follow(OpenConfirm)
		}
	case notification:
		n, _ := parseNotification(m)
		c.finish(End{Sent: &n})
	case update, routeRefresh:
	}
}

// Read reads messages as they are to be passed on.
func (c *Conn) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		m, err := c.next()
		if err != nil {
			return 0, err
		}
		c.rest = m
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// next returns the next message that is to be passed on.
func (c *Conn) next() (message, error) {
	if c.phase == confirmed {
		c.phase = established
		if !c.hasEnded() {
			c.follow(Established)
		}
		c.asked.open()
	}
	for {
		m, wrong := c.take()
		switch {
		case wrong != nil:
			c.refuse(wrong)
		case m != nil:
			if c.passes(m) {
				return m, nil
			}
			continue
		case c.heard:
			c.heard = false
			return newMessage(keepalive), nil
		}
		if m := c.dueRequest(); m != nil {
			return m, nil
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// take returns the first message of what has come, nil if there is no whole one, or why it is none.
func (c *Conn) take() (message, *refusal) {
	if c.hasEnded() || len(c.unread) < headerSize {
		return nil, nil
	}
	size, wrong := checkHeader(c.unread, c.Open().extended)
	if wrong != nil || size > len(c.unread) {
		return nil, wrong
	}
	m := message(c.unread[:size])
	c.unread = c.unread[size:]
	return m, nil
}

// fill reads what comes next, if it comes before a request is due. Nothing comes on a connection that has ended: then it waits for Close.
func (c *Conn) fill() error {
	if !c.hasEnded() {
		if len(c.unread) == len(c.store) { // a message of more than that has begun
			c.store = make([]byte, maxExtendedSize)
		}
		kept := copy(c.store, c.unread)
		waiting := c.requests.any()
		if waiting {
			_ = c.SetReadDeadline(c.due)
		}
		n, err := c.Conn.Read(c.store[kept:])
		c.unread = c.store[:kept+n]
		late := errors.Is(err, os.ErrDeadlineExceeded)
		if waiting {
			_ = c.SetReadDeadline(time.Time{})
		}
		switch {
		case n > 0, late && waiting:
			return nil
		case late:
			return err
		}
		c.finish(End{Err: err})
	}
	c.resting.open()
	<-c.closed.done
	return net.ErrClosed
}

// dueRequest returns a request for everything to be sent again, if there is one and it may pass: after a time, and when the peer has taken what is
// being sent. Else a peer that asks and does not read would have it pile up.
func (c *Conn) dueRequest() message {
	if !c.requests.any() || time.Now().Before(c.due) {
		return nil
	}
	c.due = time.Now().Add(refreshTime)
	select {
	case c.writing <- struct{}{}:
		<-c.writing
		return c.requests.take()
	default:
		return nil
	}
}

// passes takes note of a message, and reports whether it is to be passed on.
func (c *Conn) passes(m message) bool {
	c.stats.Received.count(m.kind())
	if m.kind() == notification {
		n, communication := parseNotification(m)
		c.finish(End{Received: &n, Communication: communication})
		return false
	}
	switch c.phase {
	case awaitOpen:
		return c.expect(open, m) && c.opened(m)
	case awaitKeepalive:
		return c.expect(keepalive, m) && c.confirm()
	case confirmed, established:
		return c.maintains(m)
	default:
		return false
	}
}

// expect refuses another message than that which is due (RFC 6608 section 3).
func (c *Conn) expect(due kind, m message) bool {
	if m.kind() == due {
		return true
	}
	const finiteStateMachineError, inOpenSent, inOpenConfirm = 5, 1, 2
	subcode := byte(inOpenSent)
	if c.phase == awaitKeepalive {
		subcode = inOpenConfirm
	}
	c.refuse(refuse(finiteStateMachineError, subcode, []byte{byte(m.kind())}, "the peer sent %s where %s is due", m.kind(), due))
	return false
}

func (c *Conn) opened(m message) bool {
	c.phase = awaitKeepalive
	c.mu.Lock()
	c.open = parseOpen(m)
	c.mu.Unlock()
	if hold := c.HoldTime(); hold > Dead {
		_ = c.giveUpAfter(hold) // If this fails, it is given up earlier.
	}
	return true
}

// confirm holds the first KEEPALIVE back until it is released.
func (c *Conn) confirm() bool {
	c.follow(Confirmed)
	select {
	case <-c.released.done:
		c.phase = confirmed
		return true
	case <-c.closed.done:
		return false
	}
}

// maintains takes note of a message of a session that is established, and reports whether it is to be passed on.
func (c *Conn) maintains(m message) bool {
	switch m.kind() {
	case update:
		announced, wrong := announcedIn(m)
		if wrong != nil {
			c.refuse(wrong)
			return false
		}
		c.stats.Prefixes.Add(uint64(announced)) //nolint:gosec // It is not negative.
		c.heard = true
	case keepalive:
		c.heard = true
	case routeRefresh:
		c.requests.add(m)
	case open, notification:
		const finiteStateMachineError, inEstablished = 5, 3
		c.refuse(refuse(finiteStateMachineError, inEstablished, []byte{byte(m.kind())}, "the peer sent another %s", m.kind()))
	}
	return false
}

// refuse answers what is wrong, and ends the connection.
func (c *Conn) refuse(r *refusal) {
	_ = c.SetWriteDeadline(time.Now().Add(farewellTime))
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	if c.hasEnded() {
		return
	}
	if _, err := c.Conn.Write(r.message()); err == nil {
		c.stats.Sent.count(notification)
	}
	c.finish(End{Sent: &r.notification, Detail: r.text})
}
