// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"metallb.io/metallb/speaker/session"
)

// Stage is how far a connection has come. Stages follow each other in this order; Ended may follow any.
type Stage int

const (
	// OpenSent is that this side's OPEN was written.
	OpenSent Stage = iota + 1
	// OpenConfirm is that the peer's OPEN has come, and was answered by a KEEPALIVE.
	OpenConfirm
	// Confirmed is that the peer's first KEEPALIVE has come. The reader gets it when Release is called.
	Confirmed
	// Established is that the reader has taken that KEEPALIVE in, and asks for what follows. It is not told after Ended.
	Established
	// Ended is that nothing more passes; End says why.
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
	// letGoTime bounds how long a writer that has ended the connection waits for LetGo, which comes in moments, and in seconds on a machine
	// that is overloaded.
	letGoTime = 30 * time.Second
	// OpenTime is how long the peer may take to send its OPEN. RFC 4271 section 8.2.2 asks for a large value and suggests four minutes, in
	// which nobody is told why there is no session. A router that works does not need as long: one that delays its OPEN (DelayOpen, section
	// 8.1.1) sends it as soon as it gets this side's.
	OpenTime = 10 * time.Second
	// refreshTime is the least time between two requests to send everything again.
	refreshTime = time.Second
)

// Conn is a connection to a peer, for one goroutine to read, which is an implementation of BGP, and any to write whole
// messages. When it has ended, reads wait until it is closed and writes do nothing: so its user need not be quick to find
// out, and is told by follow.
type Conn struct {
	net.Conn
	remote net.Addr
	stats  *Stats
	follow func(Stage)
	accept func(asn uint32) bool
	more   func()
	// restart may be nil.
	restart func() Restart

	released, asked, resting, closed gate

	// late ends the connection if the peer's OPEN, or a KEEPALIVE that no hold time bounds, does not come in time.
	late *time.Timer

	// writing holds a token while a message is written.
	writing chan struct{}

	mu   sync.Mutex
	open Open // the peer's
	hold time.Duration
	// notification is whether this side's OPEN says that it supports RFC 8538.
	notification bool

	ended bool
	end   End
	// parting is how it ends if that is by a NOTIFICATION from this side.
	parting *End
	// marker is what is waited for to be discarded.
	marker    []byte
	discarded gate

	// What follows belongs to the reader.

	store  []byte
	unread []byte // what has come, in store
	rest   []byte // what is left of the message that is passed on
	phase  phase
	// heard is whether a KEEPALIVE is to be passed on, for messages that have come or to bridge a silence. lastHeard is when the last
	// message came, and bridged whether a KEEPALIVE was passed on since.
	heard, bridged bool
	lastHeard      time.Time
	// requests for everything to be sent again, and when the next may be passed on.
	requests requests
	due      time.Time
	// kept is whether this side's first KEEPALIVE was written. It belongs to who holds writing.
	kept bool
}

// phase is which messages may come next.
type phase int

const (
	awaitOpen phase = iota
	awaitKeepalive
	confirmed
	established
)

// Watcher is who is told of a connection. Its functions are called by whoever reads, writes or closes, and must not wait for them. A nil
// one is not called; any ASN is accepted then.
type Watcher struct {
	// Follow is called for each stage.
	Follow func(Stage)
	// Accept reports whether the peer may have the ASN. One that may not gets the NOTIFICATION Bad Peer AS (RFC 4271 section 6.2).
	Accept func(asn uint32) bool
	// More is called when the number of prefixes that the peer has announced has doubled, at least.
	More func()
	// Restart is asked when this side's OPEN is written, for the flags of the capability of graceful restart in it. If it is nil, the OPEN is left as it is.
	Restart func() Restart
}

// New makes a Conn of a connection to the peer.
func New(conn net.Conn, peer netip.AddrPort, stats *Stats, watcher Watcher) *Conn {
	if watcher.Follow == nil {
		watcher.Follow = func(Stage) {}
	}
	if watcher.Accept == nil {
		watcher.Accept = func(uint32) bool { return true }
	}
	if watcher.More == nil {
		watcher.More = func() {}
	}
	c := &Conn{
		Conn: conn, stats: stats, follow: watcher.Follow, accept: watcher.Accept, more: watcher.More, restart: watcher.Restart,
		remote:   &net.TCPAddr{IP: peer.Addr().AsSlice(), Port: int(peer.Port()), Zone: peer.Addr().Zone()},
		released: newGate(), asked: newGate(), resting: newGate(), closed: newGate(), discarded: newGate(),
		writing: make(chan struct{}, 1),
		store:   make([]byte, bufferSize),
	}
	const holdTimerExpired = 4
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late = time.AfterFunc(OpenTime, func() { c.refuse(refuse(holdTimerExpired, 0, nil, "")) })
	return c
}

// RemoteAddr is the peer's address as New was given it, with the zone written alike.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// LocalAddress is the address of this side, without its zone.
func (c *Conn) LocalAddress() netip.Addr {
	return localAddress(c)
}

// localAddress is the address of this side, without its zone; the zero Addr if the connection has none.
func localAddress(c net.Conn) netip.Addr {
	local, ok := c.LocalAddr().(interface{ AddrPort() netip.AddrPort })
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

// Cease tells the peer why the connection ends (RFC 4486), and ends it. The peer keeps no routes: if it kept them after other
// NOTIFICATIONs, it gets a Hard Reset, with what it would get otherwise in it (RFC 8538 section 3.1).
func (c *Conn) Cease(subcode uint8) {
	if c.keepsRoutesOnNotification() {
		c.refuse(refuse(cease, hardReset, []byte{cease, subcode}, ""))
		return
	}
	c.refuse(refuse(cease, subcode, nil, ""))
}

// keepsRoutesOnNotification reports whether both sides support RFC 8538.
func (c *Conn) keepsRoutesOnNotification() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.notification && c.open.Notification
}

// Abandon ends the connection without a NOTIFICATION, so that a peer with graceful restart keeps the routes (RFC 4724 section 4.2). The user is
// told of it as of every end, and is to close the connection.
func (c *Conn) Abandon() { c.finish(End{}) }

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
	if c.parting != nil {
		why = *c.parting
	}
	c.ended, c.end = true, why
	c.late.Stop()
	c.mu.Unlock()
	_ = c.Conn.Close()
	c.follow(Ended)
}

func (c *Conn) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
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
