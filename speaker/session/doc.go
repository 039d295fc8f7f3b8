// SPDX-License-Identifier: Apache-2.0

// Package session says how one BGP session fares, in values that know no BGP implementation: State, and Notification, which puts the
// codes of RFC 4271 section 4.5 into words. The package is pure: no clock, logger, goroutine or input and output.
package session
