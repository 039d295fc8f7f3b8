// SPDX-License-Identifier: Apache-2.0

// Package routers watches several routers at once: it reads them together, tells which node is behind which session,
// and remembers the sessions that a router has already forgotten.
package routers
