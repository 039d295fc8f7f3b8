// SPDX-License-Identifier: Apache-2.0

//go:build race

package announcement_test

// rebooted and announced are the numbers of nodes and services in the simulation of reboots: the race detector makes it many
// times slower, and finds nothing, since it has one goroutine.
const rebooted, announced = 200, 1600
