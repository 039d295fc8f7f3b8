// SPDX-License-Identifier: Apache-2.0

// Package debug is the speaker's part of the debug endpoint: what the node does, and why it does not do the rest. It has
// types of its own for what it tells, so that nothing is told that is not meant to be, such as a password.
package debug
