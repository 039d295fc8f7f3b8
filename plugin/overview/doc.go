// SPDX-License-Identifier: Apache-2.0

// Package overview sums up how the load balancer and what it serves fare. It is pure: a function of what the API server says.
package overview
