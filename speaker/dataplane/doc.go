// SPDX-License-Identifier: Apache-2.0

// Package dataplane finds out, when a speaker starts, whether the node's service proxy forwards connections to services yet: kube-proxy,
// or what stands in for it. A node that has just booted has an empty one, and a route to it would lead nowhere.
//
// # What the answers mean
//
// kube-proxy answers 200 before it has programmed anything: until then "status" in its answer has no family. Proxies without families,
// older ones and Cilium's, are believed by their status code, 200 or 503, and after a minute every 200 is. A 503 for a node that is about to be deleted (KEP-3836)
// says nothing about the proxy, which serves on.
//
// Where nothing answers there is nothing to wait for. Only on a machine that has just booted may it be about to start; there it
// is waited for, for a moment.
//
// # When it ends
//
// A family that is forwarded is never asked about again: what proxies do later, when they restart or fail, leaves routes where they are.
// The kernel forwards without its proxy.
package dataplane
