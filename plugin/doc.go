// SPDX-License-Identifier: Apache-2.0

// Kubectl-metallb is a plugin of kubectl: "kubectl metallb" tells how the load balancer fares and why, from the Kubernetes API alone.
package main
