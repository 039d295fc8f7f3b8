// SPDX-License-Identifier: Apache-2.0

// Package forward turns a network namespace into one that routes: it sets the kernel's switches and removes the routes
// that a routing daemon left behind.
package forward
