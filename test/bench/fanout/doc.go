// SPDX-License-Identifier: Apache-2.0

// Command fanout is the part of the speaker that announces, without Kubernetes: its table of routes and its BGP sessions, used as
// the speaker uses them. It has as many services as it is told, each with one address that every peer is told of, and changes them
// as its standard input says: one word a line, the names of the benchmark's changes. It ends with its input.
package main
