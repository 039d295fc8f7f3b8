// SPDX-License-Identifier: Apache-2.0

// Package route says what each node tells each peer, and why it tells nothing of an address. It is computed from what the API server says, by
// the packages by which the speakers decide. What only a node knows is taken from what its speaker reports of its sessions: the routers
// that it has found, how far it is in draining, and which families its service proxy does not forward yet. Passwords are not known, and it is assumed
// that each Secret has one. The package is pure.
package route
