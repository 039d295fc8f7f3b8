// SPDX-License-Identifier: Apache-2.0

// Package dataplane finds out whether the node's service proxy, kube-proxy or what stands in for it, forwards connections to services yet when a speaker starts,
// and whether it is healthy later. A node that has just booted has an empty one, and a route to it would lead nowhere.
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
// A family that is forwarded is never held back again: what proxies do later, when they restart or fail, withdraws no route.
// The kernel forwards without its proxy.
//
// # What is asked later
//
// The endpoint is asked every few seconds for as long as the speaker runs. A proxy that says that the node is about to be deleted has the node
// taken out of service. One that has answered before, and then is not healthy or does not answer for a while, has its routes drain: the rules of the kernel are the more
// wrong the longer that lasts, so that other nodes are better, and this one is better than none.
package dataplane
