// SPDX-License-Identifier: Apache-2.0

// Package wire reads and writes BGP messages (RFC 4271) on a TCP connection and opens a session over it: as much of
// BGP as a program needs that is to be measured beside a real speaker, or to measure one.
package wire
