// SPDX-License-Identifier: Apache-2.0

// Package trigger lets one reconciler ask another to look at objects again, and keeps the writes of an object apart.
package trigger
