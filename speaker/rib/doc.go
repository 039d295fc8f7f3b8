// SPDX-License-Identifier: Apache-2.0

// Package rib is the table of what every peer is to be told: the desired Adj-RIB-Out (RFC 4271 section 3.2) of each.
//
// Owners (services) contribute paths per peer. Contributions to one prefix are merged, so that services which share an
// address or an aggregate are announced as one path that goes away with the last of them. A change of one owner yields
// exactly the changes that each peer must be told; its cost does not depend on how many owners there are.
package rib
