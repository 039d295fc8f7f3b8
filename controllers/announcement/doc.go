// SPDX-License-Identifier: Apache-2.0

// Package announcement says in the condition metallb.io/Announced of each Service from how many nodes its addresses are
// announced to which peers, or why not; and in the status of each BGPAdvertisement how many Services it covers.
//
// What is reported is what is: a node counts only while it reports that its session with a peer is established. The configuration,
// the endpoints and the sessions are put together in a Tracker, by groups of addresses that the same advertisements select, so
// that an event costs what it concerns and no more. Every write goes out to every node, so that few are made: what only
// changes numbers is written slowly, see Tracker.Turn.
package announcement
