// SPDX-License-Identifier: Apache-2.0

// Package transport makes the connections to BGP peers and watches what passes. It speaks no BGP by itself: whoever does is
// given a Conn, reads and writes it as any connection, and is never told of what this package has dealt with.
//
// # Dialling
//
// A Target is who to connect to, and how: source address, TCP MD5 (RFC 2385), time to live, and how a router that is dead is found.
// Backoff says when to try again.
//
// # What passes
//
// Both directions are framed by the message header (RFC 4271 section 4.1), counted, and followed as far as the state machine
// goes (section 8): OPEN, the first KEEPALIVE, NOTIFICATION, the end. So a Conn knows who the peer says that it is, what was
// negotiated, and why the connection ended, in the peer's words.
//
// # What does not pass
//
// Routes that the peer sends are counted and dropped, since a load balancer uses none: nothing that a peer sends is kept,
// whatever it sends. In place of UPDATE and KEEPALIVE messages the reader gets one KEEPALIVE for all that have arrived,
// which is what restarts its hold timer. An UPDATE is read no further than to count its prefixes, which is also how far it
// can be wrong: an attribute that is malformed has its routes treated as withdrawn (RFC 7606), and they are not there in any
// case.
//
// A peer that is silent for the hold time is given up here too, and not by the reader. A peer that does not send its OPEN in time is given up, as is one that agrees on no hold time and then sends no KEEPALIVE.
//
// A message that is wrong is answered here by the NOTIFICATION of RFC 4271 section 6, RFC 6608 or RFC 7606, and the
// connection is closed. The reader only ever gets whole messages, in the order that the state machine expects.
//
// # Graceful restart
//
// The OPEN of this side passes with the flags of the capability of graceful restart (RFC 4724 section 3) that the Watcher asks for. An end that is meant
// as one is a Hard Reset where both sides keep routes when a NOTIFICATION ends the session (RFC 8538 section 3.1).
//
// # The user
//
// A user of a Conn, which is GoBGP, is relied upon for four things: it writes whole messages; it writes its OPEN before it reads,
// and a KEEPALIVE before it reads what follows the peer's OPEN; it asks for another message only when it has dealt with the one
// before; and it closes the connection before it waits for its reader.
package transport
