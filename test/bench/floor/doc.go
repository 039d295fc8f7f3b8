// SPDX-License-Identifier: Apache-2.0

// Command floor is what the benchmark measures the product against: the least work that gives services addresses and
// announces them. It takes the next address of the first pool it sees, patches the service's status once, and sends one
// UPDATE message per service. It allocates nothing back, checks nothing, explains nothing and survives nothing.
package main
