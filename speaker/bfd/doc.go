// SPDX-License-Identifier: Apache-2.0

// Package bfd finds within a fraction of a second that a router, or the way to it, is gone (BFD, RFC 5880): in asynchronous mode, over one
// hop (RFC 5881) or several (RFC 5883), over IPv4 and IPv6.
//
// # The state machine
//
// A machine is one session as RFC 5880 section 6.8 has it. It is pure: it is given packets and the time, and returns the packets that are due and
// the time at which it wants to be asked again. Everything that is decided is decided there.
//
// # One loop per node
//
// All sessions of a node are one goroutine's. It waits in the kernel for packets, for the next time that a session has, and for what it
// is asked to do. In each turn it takes the time, reads every packet that has come, and only then lets sessions expire, by the time taken
// before: a process that was not scheduled for a while finds the packets that have come meanwhile, and declares nobody dead who has sent. A
// turn lasts a millisecond at least, so that many sessions cost little more than a few. Nothing is allocated for a packet.
//
// There is one receiving socket for each UDP port and family (and VRF) that some session needs, and one sending socket for each session, with
// a source port of its own. The first session opens the loop, and the last one that ends closes it: without sessions there is neither a
// goroutine nor a socket.
//
// # What is not there
//
// Demand mode is not asked for, but a router may ask for it. Authenticated packets are ignored, as no key can be configured. Echo packets are neither
// sent nor asked for, and a session whose profile wants them says why: see echoRefused.
package bfd
