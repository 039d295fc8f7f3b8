// SPDX-License-Identifier: Apache-2.0

// Package listing reads from an API server, or from a cache, all there is of some kinds of objects. It needs no more than a client, so that
// what runs outside of the cluster reads as the controller does.
package listing
