// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"errors"
	"math/bits"
	"net"
	"os"
	"slices"
	"time"
)

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
		c.phase, c.lastHeard = established, time.Now()
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

// fill reads what comes next, if it comes before something else is due. Nothing comes on a connection that has ended: then it waits for
// Close.
func (c *Conn) fill() error {
	if !c.hasEnded() {
		if len(c.unread) == len(c.store) { // a message of more than that has begun
			c.store = make([]byte, maxExtendedSize)
		}
		kept := copy(c.store, c.unread)
		_ = c.Conn.SetReadDeadline(c.nextDue())
		n, err := c.Conn.Read(c.store[kept:])
		c.unread = c.store[:kept+n]
		switch {
		case n > 0:
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.watchSilence()
			return nil
		}
		c.finish(End{Err: err})
	}
	c.resting.open()
	<-c.closed.done
	return net.ErrClosed
}

// nextDue is when something is to be done though nothing has come; the zero Time is never.
func (c *Conn) nextDue() time.Time {
	var next time.Time
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if c.requests.any() {
		sooner(c.due)
	}
	if hold := c.HoldTime(); hold > 0 && c.phase == established {
		if c.bridged {
			sooner(c.lastHeard.Add(hold))
		} else {
			sooner(c.lastHeard.Add(hold / 2))
		}
	}
	return next
}

// watchSilence ends a session whose peer has been silent for the hold time (RFC 4271 section 6.5). Halfway the reader gets a KEEPALIVE, so that
// its own hold timer never expires first: GoBGP would take leave of the peer by itself, and may lose what it has queued then (v4.8.0).
func (c *Conn) watchSilence() {
	hold := c.HoldTime()
	if hold == 0 || c.phase != established {
		return
	}
	switch silence := time.Since(c.lastHeard); {
	case silence >= hold:
		const holdTimerExpired = 4
		c.refuse(refuse(holdTimerExpired, 0, nil, ""))
	case silence >= hold/2 && !c.bridged:
		c.bridged, c.heard = true, true
	}
}

// hear takes note of a message that shows that the peer is alive, and that the reader is to get a KEEPALIVE for.
func (c *Conn) hear() {
	c.lastHeard, c.bridged, c.heard = time.Now(), false, true
}

// SetReadDeadline does nothing: its user, GoBGP, sets one to have its reader end after it has closed the connection, which ends the reader anyway.
func (c *Conn) SetReadDeadline(time.Time) error { return nil }

// dueRequest returns a request for everything to be sent again, if there is one and it may pass: after a time, and when the
// peer has taken what is being sent. Else a peer that asks and does not read would have it pile up.
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
	o := parseOpen(m)
	c.mu.Lock()
	c.open = o
	c.mu.Unlock()
	c.late.Stop()
	if !c.accept(o.ASN) {
		const openMessageError, badPeerAS = 2, 2
		c.refuse(refuse(openMessageError, badPeerAS, nil, ""))
		return false
	}
	switch hold := c.HoldTime(); {
	case hold > Dead:
		_ = c.giveUpAfter(hold) // If this fails, it is given up earlier.
	case hold == 0: // Nobody else waits for the KEEPALIVE.
		c.late.Reset(OpenTime)
	}
	return true
}

// confirm holds the first KEEPALIVE back until it is released.
func (c *Conn) confirm() bool {
	c.late.Stop()
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
		n := uint64(announced) //nolint:gosec // It is not negative.
		if after := c.stats.Prefixes.Add(n); bits.Len64(after) > bits.Len64(after-n) {
			c.more()
		}
		c.hear()
	case keepalive:
		c.hear()
	case routeRefresh:
		c.requests.add(m)
	case open, notification:
		const finiteStateMachineError, inEstablished = 5, 3
		c.refuse(refuse(finiteStateMachineError, inEstablished, []byte{byte(m.kind())}, "the peer sent another %s", m.kind()))
	}
	return false
}

// requests are ROUTE-REFRESH messages (RFC 2918) that wait, one of each family: several are answered at a time.
type requests [ipv6 + 1]message

// add leaves out families of which nobody has spoken (RFC 2918 section 4).
func (r *requests) add(m message) {
	if f := familyAt(m.body()[:2], m.body()[3]); f != 0 && r[f] == nil {
		r[f] = slices.Clone(m)
	}
}

func (r *requests) any() bool {
	return r[ipv4] != nil || r[ipv6] != nil
}

// take returns one of them, which waits no more.
func (r *requests) take() message {
	for f, m := range r {
		if m != nil {
			r[f] = nil
			return m
		}
	}
	return nil
}
