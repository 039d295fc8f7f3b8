// SPDX-License-Identifier: Apache-2.0

// Package assignment knows which services hold which addresses, by address and by pool, so that a change of configuration is
// judged by what it concerns and not by a list of all services.
package assignment
