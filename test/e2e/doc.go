// SPDX-License-Identifier: Apache-2.0

// Package e2e tests the whole product on a real cluster with real routers: the tutorial as written, and what happens to
// routes and traffic when parts of the product end. Its tests need root, the build tag e2e, and a machine with no other
// cluster of package cluster.
package e2e
