// SPDX-License-Identifier: Apache-2.0

// Package departure tells why a speaker is asked to stop: because another one takes its place at once, as in a rolling update, or because the node
// is to announce nothing any more. Only in the first case may routers keep the routes. The package is pure: no client, clock or goroutine.
//
// Whatever is not known to be an update is an end. The two mistakes do not cost the same: an update that is taken for an end moves routes to other
// nodes, and back, without loss; an end that is taken for an update has routers send packets to a node that is gone, until the restart time is over.
package departure
