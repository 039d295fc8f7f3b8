// SPDX-License-Identifier: Apache-2.0

// Package rib is the table of what every peer is to be told: the desired Adj-RIB-Out (RFC 4271 section 3.2) of each.
//
// Owners (services) contribute paths per peer. Contributions to one prefix are merged, so that services which share an
// address or an aggregate are announced as one path that goes away with the last of them. A change of one owner marks
// exactly the prefixes that are to be told otherwise; its cost does not depend on how many owners there are.
//
// Sessions follow the table by feeds. A feed has the prefixes that are marked, and reads the table when the session takes them, so that
// a session is never told of what is over, and one that is slow delays nobody.
package rib
