// SPDX-License-Identifier: Apache-2.0

//go:build !race

package announcement_test

// rebooted and announced are the numbers of nodes and services in the simulation of reboots.
const rebooted, announced = 1000, 8000
