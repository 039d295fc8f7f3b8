// SPDX-License-Identifier: Apache-2.0

// Package policy compiles what one node does about BGP: from the node, BGPPeers, BGPAdvertisements, Communities,
// IPAddressPools and Secrets to an immutable Policy, which says what sessions the node has and, for any address of a
// service, which advertisements concern it. It is pure: no client, clock or goroutine.
//
// A bad object is a Rejection of that object alone, and what it last meant stays in force: Compile takes the previous
// Policy, which remembers every object's last good version. Where two objects contradict each other, the one that is in
// force already wins over the one that changed, and else the one whose name comes first.
//
// An address that was assigned stays announced, whatever becomes of its pool; see Policy.Pool. One that no advertisement is
// for any more can go on being announced by what announced it before; see Policy.Hold.
package policy
