// SPDX-License-Identifier: Apache-2.0

// Package conformance keeps a table of what tests have seen routers do: feature by router, address family and kind of session. Tests say
// which cell they are about, and docs/conformance.md is made of what passed. So nothing is in the table that no test runs.
package conformance
