// SPDX-License-Identifier: Apache-2.0

// Package peer tells in the status of each BGPPeer how many of the nodes that should have a session with it have one, and
// what keeps the others from it.
//
// What sessions are like, speakers tell in BGPSessionStates. A node that is not ready is not believed: its sessions do not
// count, and their BGPSessionStates are set to Unknown.
package peer
