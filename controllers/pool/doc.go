// SPDX-License-Identifier: Apache-2.0

// Package pool brings IPAddressPools into force and tells in their status what became of them: how many addresses are
// assigned and available, and whether the pool is valid and compatible with the addresses that services hold.
//
// A pool that contradicts itself, or that overlaps another, is rejected alone; what it said before stays in force.
package pool
