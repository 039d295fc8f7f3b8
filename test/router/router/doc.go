// SPDX-License-Identifier: Apache-2.0

// Package router is the vocabulary of the test router: how a routing daemon is configured (Config), what it says
// when it is asked (Report, Neighbor, Route, Path), and what that means to a person (Verdict).
//
// The types marshal to the JSON served at /api/routers; their field names are a contract with its readers.
package router
