// SPDX-License-Identifier: Apache-2.0

// Package service gives Services of type LoadBalancer their addresses: it reads from a Service what it requests, asks the
// allocator, and writes the answer (addresses, pool and condition) to the Service in one patch.
//
// Before the first Service is looked at, Hydration replays to the allocator what all Services hold already, so that a
// restart or another leader changes nothing.
//
// Only Services of this load balancer's class are touched. What the status of a Service holds is taken to be this load
// balancer's work if the Service carries the annotation that is written with it, or if a pool contains the address;
// other addresses are replaced as soon as there is one to replace them.
package service
