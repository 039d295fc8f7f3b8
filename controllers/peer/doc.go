// SPDX-License-Identifier: Apache-2.0

// Package peer says in the status of each BGPPeer how many of the nodes that should have a session with it have one, and
// what keeps the others from it. An event says once that they are not all established, unless it is over within seconds, and
// once that they are again.
//
// Speakers report their sessions in BGPSessionStates. An index adds them up for each peer as they change, so that one session of
// thousands costs as one of a few. A node that is not ready is not believed: its sessions do not
// count, and their BGPSessionStates are set to Unknown. Nor is a speaker that was killed for good on a node that is ready: it
// has said what pod it runs in, and kubelets report of pods whether they run. A lease for each speaker would say the same at
// the cost of a write every few seconds for each node, all of the time, which nodes make already; and the end of a pod
// is known at once, that of a lease when it runs out.
package peer
