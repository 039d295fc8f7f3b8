// SPDX-License-Identifier: Apache-2.0

// Package pace says when the objects are to be written that speakers tell the cluster of themselves by: soon, at a random moment,
// and not again for a while, so that the API server bears it if all nodes have something to tell at once.
//
// The package is pure: time and chance are given.
package pace
