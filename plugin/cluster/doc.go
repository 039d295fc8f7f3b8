// SPDX-License-Identifier: Apache-2.0

// Package cluster reads from the Kubernetes API what the commands tell of: the configuration, the Services, and what the load balancer has written
// of both. What is computed from it is computed by the packages by which controller and speakers decide.
package cluster
