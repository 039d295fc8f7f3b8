// SPDX-License-Identifier: Apache-2.0

// Package debug is the controller's part of the debug endpoint: who holds which address, who waits for one and why.
package debug
