// SPDX-License-Identifier: Apache-2.0

// Package playground puts together, on one machine, all that it takes to see the load balancer work: a cluster of three
// nodes (package cluster), the product installed from config/default or by Helm, a rack router that forwards along the
// routes it learns, a client behind it, and the pages of the routers.
//
//	client ───────────────────── rack router ───────────────────── node-1, node-2, node-3
//	192.0.2.10             192.0.2.1 | 172.30.0.254                172.30.0.11, .12, .13
//	fd00:192:0:2::10  fd00:192:0:2::1 | fd00:172:30::254    fd00:172:30::11, ::12, ::13
//
// Client and rack router are network namespaces, "client" and "rack". The rack router has ASN 64513. The pages are
// served on the machine itself: the rack router's on port 8081 of 127.0.0.1, and on port 8080 that of the test routers,
// which people install in the cluster by hand as the tutorial says.
//
// One process stays in the background for the rack router and the pages. [Down] ends it and removes everything.
package playground
