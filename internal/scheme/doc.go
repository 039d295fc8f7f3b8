// SPDX-License-Identifier: Apache-2.0

// Package scheme has the Go types of objects, by their kinds.
package scheme
