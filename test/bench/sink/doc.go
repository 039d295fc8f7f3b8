// SPDX-License-Identifier: Apache-2.0

// Package sink is a passive BGP speaker that takes every route it is told and counts: messages, octets, prefixes, and when
// each arrived. It chooses no routes and passes none on.
package sink
