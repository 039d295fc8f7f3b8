// SPDX-License-Identifier: Apache-2.0

// Package allocator decides which service holds which addresses. It keeps pools, addresses in use and services that wait
// for an address, and answers a Request with addresses or with a Refusal that says why not.
//
// The choice is deterministic: pools that are reserved for some services come before those open to all, each in the
// order of ipam.Pools; within a pool the ranges as written, lowest free address first. The next free address is found
// in time logarithmic in the number of addresses in use, and memory is proportional to that number, however large the
// pools.
//
// What is assigned stays assigned: no change of pools takes an address from a service, unless the pool allows disruption
// and there is another address to give. A service that moves, be it for that or because its request changes, which its labels and
// those of its namespace are part of, gets its new address before the old one is free for others (Settle). A service that cannot be served waits, and is served, oldest
// first, as soon as an address that it can use is released or the pools change.
//
// Two services that hold one address and cannot share it any more are in conflict: neither loses it, and the younger is refused.
// What is decided depends on requests, pools and what services hold, and not on what happened before, so that it is the same after
// a restart.
//
// A request goes this way: Allocate (allocator.go) has it decided (choose.go, the only place where addresses are chosen; together.go
// for services that move together), puts the decision into effect (assignment.go, address.go), and serves those that wait for what has
// changed (wait.go). SetPools finds out whom a change of pools concerns (pools.go), and has those decided anew. A refusal is data
// (refusal.go) until a sentence is made of it (message.go).
//
// The package knows neither clients nor clocks. An Allocator is safe for concurrent use.
package allocator
