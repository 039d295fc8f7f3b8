// SPDX-License-Identifier: Apache-2.0

// Package gobgp runs the BGP sessions of one node on GoBGP. It is the only package that imports GoBGP.
//
// # One server per peer
//
// Each session has a GoBGP server of its own that listens on no port, gets no routes, and whose RIB is that peer's
// Adj-RIB-Out. So a route can not leak from one peer to another, attributes per peer need no policy, and a
// peer that is slow, flaps or is reconfigured disturbs no other. An idle server takes less than a megabyte.
//
// # One goroutine per session
//
// A goroutine owns each session. It is told what the session is to be, that something has changed in the table of what is announced,
// and what happens on the connection, and then looks what there is to do: it takes up the configuration, then the changes, as the table has
// them by then. Nobody waits for it. It is ended by Sessions.Close, which waits for that, or by a Configure that does not name the peer any
// more. Nothing of GoBGP outlives it.
//
// # The connection
//
// Package transport makes the connection to the peer, and sees and counts what passes; see there for what GoBGP does not get
// to see. GoBGP is handed the connection as one that it has accepted, and has the peer as long as there is one. See decision
// 8 for how, and why.
//
// A peer with a BFD profile has a BFD session as well (package bfd), which begins and ends with the peering and not with connections. Its failure
// ends the connection, and the session is opened again when BFD is up again. See decision 12.
//
// The paths are put into the RIB before the first attempt, so the first thing that an established peer gets is one packed
// dump, and then, if it knows graceful restart (RFC 4724), the End-of-RIB marker. A session that is lost is dialled again at
// once. After that, attempts follow each other ever more slowly, up to the connect time, without end. The fourth loss within
// a minute waits for five seconds, which damps a peer that oscillates.
//
// GoBGP is told nothing of the end of a connection: it reads nothing more, and what it writes goes nowhere, until it is told
// to forget the peer. What it has queued for a peer when it forgets it would stay for ever (v4.8.0), so the session first
// waits until the queue is empty.
//
// GoBGP can not propose a hold time of 0. A hold time of 0 is therefore sent as 65535 s: the peer's proposal is smaller
// and holds, and if that is 0, so is what is negotiated.
//
// # Graceful restart
//
// GoBGP advertises the capability of RFC 4724 and knows of no restart, so that it waits for nobody before it sends the routes. Package transport sets
// the flags in each OPEN: see decision 10. A session whose routes the peer is to keep ends without a NOTIFICATION (Sessions.CloseKeepingRoutes),
// every other one with one that has the peer keep nothing.
//
// # The race detector
//
// Starting a GoBGP server writes two variables of GoBGP's package table, with the same zero values each time, which
// other servers read without a lock. It is harmless, but the race detector reports it if a server is started while
// another has a session. Configure therefore starts all new servers before it opens any new session, and a restart keeps
// its server unless router ID or local ASN change. What remains is a server that is started while another peer is up, and so
// the tests run each in a process of its own if the race detector is on.
package gobgp
