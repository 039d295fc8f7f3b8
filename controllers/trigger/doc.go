// SPDX-License-Identifier: Apache-2.0

// Package wake lets one reconciler ask another to look at objects again.
package wake
