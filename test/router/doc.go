// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command router is the test router: it runs BIRD and FRR as children, lets any number of BGP nodes connect, and serves
// a page that shows what each of them thinks.
//
// As a pod it inspects. In a network namespace, with --forward, it is a router: the routes of one of the two daemons are
// installed into the kernel, with all nodes that announce a prefix as equal next hops.
//
// BIRD 2 and FRR 8 or later must be installed; both are Debian packages (bird2, frr).
package main
