// SPDX-License-Identifier: Apache-2.0

// Package servicestatus tells the cluster to which peers the node announces which service: one ServiceBGPStatus for each service
// that the node announces. It costs services × nodes objects, so that it is off unless asked for.
//
// # What is told
//
// The peers that have been told of the service over a session that is established, and carries routes. While none is, the object
// names no peer. It is deleted when the node no longer announces the service, and all of them when the speaker stops. What
// a speaker that was killed has left behind is taken over by the next, or deleted if it is not true any more.
//
// # What is written when
//
// A change is written within two seconds, at a random moment, and the next of the same service not before ten
// seconds have passed; what happens meanwhile goes into one write. All services of a node together are written so many times in
// a second and no more, so that a lost session of a node with many services is no flood.
package servicestatus
