// SPDX-License-Identifier: Apache-2.0

// Package assignment reads what Services request and hold, and knows which services hold which addresses, by address and by pool: so that each
// version of a Service is parsed once, for all who ask, and a change of configuration is judged by what it concerns and not by a
// list of all services.
package assignment
