// SPDX-License-Identifier: Apache-2.0

//go:build race

package status

// simulated is the number of nodes in the simulation: the race detector makes it many times slower, and finds nothing, since it
// has one goroutine.
const simulated = 500

// raceDetector is whether the race detector is on.
const raceDetector = true
