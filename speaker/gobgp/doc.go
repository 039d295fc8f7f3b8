// SPDX-License-Identifier: Apache-2.0

// Package gobgp runs the BGP sessions of one node on GoBGP. It is the only package that imports GoBGP.
//
// # One server per peer
//
// Each session has a GoBGP server of its own that listens on no port, rejects every route it receives, and whose RIB is
// that peer's Adj-RIB-Out. So a route can not leak from one peer to another, attributes per peer need no policy, and a
// peer that is slow, flaps or is reconfigured disturbs no other. An idle server takes less than a megabyte.
//
// # One goroutine per session
//
// A goroutine owns each session: it takes commands and what GoBGP reports from one queue, in order, and is ended by
// Sessions.Close or by a Configure that does not name the peer any more; both wait for it. Nothing of GoBGP outlives it.
//
// # Opening and keeping a session
//
// The paths are put into the RIB before the peer is added, so the first thing that an established peer gets is one
// packed dump, and then, if it knows graceful restart (RFC 4724), the End-of-RIB marker. A session that is lost is
// removed from GoBGP and added again, because GoBGP would hold it in Idle for five seconds. After that, attempts follow each
// other at the connect time, without end. The fourth loss within a minute is left to GoBGP's five seconds: that damps a
// peer that oscillates, and bounds what GoBGP loses, which is a goroutine and some two kilobytes for every other peer that
// is removed with something in its send queue (v4.8.0 closes the queue before it has emptied it).
//
// GoBGP can not propose a hold time of 0. A hold time of 0 is therefore sent as 65535 s: the peer's proposal is smaller
// and holds, and if that is 0, so is what is negotiated.
//
// # Why an attempt failed
//
// GoBGP tells its logger, and often only its logger, why a connection failed. A log handler turns these records into
// events of the session, so that the log has one line per failed attempt, with the reason in words. What is in an OPEN that
// is refused, such as the peer's ASN, and in a NOTIFICATION that refuses this side's, GoBGP tells nobody. So while it logs that
// it is about to read either, the handler finds the connection's socket and looks at the message without taking it. What
// comes later than half a second is not seen; the line then says what is usually wrong.
//
// # The race detector
//
// Starting a GoBGP server writes two variables of GoBGP's package table, with the same zero values each time, which
// other servers read without a lock. It is harmless, but the race detector reports it if a server is started while
// another has a session. Configure therefore starts all new servers before it opens any session, and a restart keeps
// its server unless router ID or local ASN change. What remains is a server that is started while another peer is up, and so
// the tests run each in a process of its own if the race detector is on.
package gobgp
