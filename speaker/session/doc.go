// SPDX-License-Identifier: Apache-2.0

// Package session says what one BGP session must do and how it fares, in values that know no BGP implementation.
//
// Config is what is wanted of a session, State is what is. Diff compares what runs with what is wanted and yields a
// Plan: which sessions to start, to restart, to leave up with new timers, and to end. Notification puts the codes of
// RFC 4271 section 4.5 into words.
//
// The package is pure: no clock, logger, goroutine or input and output.
package session
