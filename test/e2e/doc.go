// SPDX-License-Identifier: Apache-2.0

// Package e2e tests the whole product on a real cluster with real routers: the tutorial as written, with both ways to install;
// upgrade, rollback and removal; and what happens to addresses, routes and traffic when parts of the product or of the
// cluster end. Its tests need root, the build tag e2e, and a machine with no other cluster of package cluster.
package e2e
