// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command bfd measures what BFD sessions cost, and how late their packets are while the process and the machine have other things to do. The
// speaker's BFD sessions run in this process, those of a router in another, each in a network namespace of its own. What the speaker sends is
// timed by the router's kernel, so that the figures owe nothing to when the router's process is scheduled. It needs root.
package main
