// SPDX-License-Identifier: Apache-2.0

// Package policy compiles what one node does about BGP: from the node, BGPPeers, BGPAdvertisements, Communities, BFDProfiles,
// IPAddressPools and Secrets to an immutable Policy, which says what sessions the node has and, for any address of a
// service, which advertisements concern it. It is pure: no client, clock or goroutine.
//
// The objects are those in use, see package active. A bad object is a Rejection of that object alone, and is not used. Of two
// that contradict each other the one with an ActiveConfiguration is used, else the older one, else the one whose name comes
// first. So what is in use depends on the API alone, and a speaker that starts uses what one that runs does. That two peers are one
// also depends on the address that the node connects from.
//
// With two exceptions: a session keeps the password and the BFD profile that it has when these cannot be had any more, for as long as the
// speaker runs, since they are in no ActiveConfiguration. A speaker that starts does not connect without the password, and
// connects without the profile. Otherwise Compile takes from the previous Policy only what is the same, so that its pointers tell what has changed, and the router ID.
//
// An address that was assigned stays announced, whatever becomes of its pool; see Policy.Pool.
package policy
