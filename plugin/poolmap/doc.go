// SPDX-License-Identifier: Apache-2.0

// Package poolmap tells which addresses of the pools are used and by whom, and what a Service would be given next. It is pure: a function of
// what the API server says. What is given is computed by the controller's own allocator.
package poolmap
