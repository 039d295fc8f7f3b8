// SPDX-License-Identifier: Apache-2.0

//go:build !race

package status

// simulated is the number of nodes in the simulation.
const simulated = 5000

// raceDetector is whether the race detector is on.
const raceDetector = false
