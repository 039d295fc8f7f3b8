// SPDX-License-Identifier: Apache-2.0

// Package pool says in the status of each IPAddressPool how many addresses are assigned and available, and whether the pool is
// in use as written and compatible with the addresses that services hold. It also has the metrics of pools.
package pool
