// SPDX-License-Identifier: Apache-2.0

// Package explain says why something is as it is: a Chain of everything that it depends on, from the first cause to the routers, with what
// mends a link that is broken. It is pure.
package explain
