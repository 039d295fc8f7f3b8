// SPDX-License-Identifier: Apache-2.0

// Package child keeps one daemon running: it starts it, optionally in another network namespace, starts it again
// when it dies, and ends it for sure. The kernel kills the daemon should the parent vanish.
package child
