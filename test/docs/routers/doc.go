// SPDX-License-Identifier: Apache-2.0

// Package routers runs BIRD and FRR with the first example of each in docs/routers.md, and has two nodes hold sessions with them. It
// is apart from the other tests of the documentation, since its process has a network namespace of its own, in which no API server starts.
package routers
