// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
	"time"
)

// Write writes whole messages. That it fails is told as the end of the connection. A NOTIFICATION by which the writer ends
// an established session is written at once, but Write returns when LetGo was called: until then the writer goes on to write
// what it has.
func (c *Conn) Write(b []byte) (int, error) {
	if c.write(b) && isDone(c.asked.done) {
		late := time.NewTimer(letGoTime)
		defer late.Stop()
		select {
		case <-c.discarded.done:
		case <-late.C:
		}
	}
	return len(b), nil
}

// write reports whether the messages have ended the connection.
func (c *Conn) write(b []byte) (over bool) {
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	if c.hasEnded() {
		c.discard(b)
		return false
	}
	for m := range messages(b) {
		if m.kind() == notification {
			n, _ := parseNotification(m)
			c.farewell(End{Sent: &n})
			over = true
		}
	}
	b = c.marked(b)
	if _, err := c.Conn.Write(b); err != nil {
		c.finish(End{Err: err})
		return false
	}
	for m := range messages(b) {
		c.sent(m)
	}
	return over
}

// marked returns the octets with the flags of graceful restart in the OPEN that they begin with, if they do. Those of the writer are not
// changed.
func (c *Conn) marked(b []byte) []byte {
	if c.restart == nil || len(b) < headerSize || message(b).kind() != open {
		return b
	}
	b = slices.Clone(b)
	for m := range messages(b) {
		markRestart(m, c.restart())
		break
	}
	return b
}

// messages are those in b, as far as they are whole.
func messages(b []byte) iter.Seq[message] {
	return func(yield func(message) bool) {
		for len(b) >= headerSize {
			size := int(binary.BigEndian.Uint16(b[markerSize:]))
			if size < headerSize || size > len(b) || !yield(message(b[:size])) {
				return
			}
			b = b[size:]
		}
	}
}

// farewell says how the connection ends once a NOTIFICATION is written. The peer may close it before the writer gets to say so.
func (c *Conn) farewell(why End) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parting == nil {
		c.parting = &why
	}
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
		own := parseOpen(m)
		c.hold, c.notification = own.HoldTime, own.Notification
		c.mu.Unlock()
		c.follow(OpenSent)
	case keepalive:
		if !c.kept {
			c.kept = true
			c.follow(OpenConfirm)
		}
	case notification:
		c.finish(End{}) // as farewell has it
	case update, routeRefresh:
	}
}

// refuse answers what is wrong, and ends the connection.
func (c *Conn) refuse(r *refusal) {
	_ = c.SetWriteDeadline(time.Now().Add(farewellTime))
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	if c.hasEnded() {
		return
	}
	c.farewell(End{Sent: &r.notification, Detail: r.text})
	if _, err := c.Conn.Write(r.message()); err == nil {
		c.stats.Sent.count(notification)
	}
	c.finish(End{})
}
