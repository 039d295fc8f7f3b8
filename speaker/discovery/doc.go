// SPDX-License-Identifier: Apache-2.0

// Package discovery finds the routers that the configuration does not name by address: the node's default gateways, and the router on an
// interface (unnumbered peers).
//
// # Gateways
//
// They are the next hops of the default routes in the kernel's main table: of those with the lowest metric, the lowest address. A gateway stays
// for as long as one of these routes leads to it, and where there is no default route any more, the last one stays: a session with it
// tells better than a missing route whether it is reachable.
//
// # Routers on interfaces
//
// On each interface that is followed, the package listens for router advertisements, and sends them (RFC 4861), since FRR finds an unnumbered
// neighbour by nothing else. They have a lifetime of 0 and no prefix: nobody takes the node for a default router, or an address from it.
// A router that advertises nothing, such as BIRD without its protocol radv, is found by an echo to all routers (ff02::2), which a kernel that
// forwards answers, or else in the kernel's neighbour table.
//
// The router that was found first stays as long as it answers. When another one appears it is asked with a neighbour solicitation, and only if it
// is silent, or if the kernel has found it unreachable, the other takes its place. So a host that plays routers cannot move a session that works. Where there are two
// to choose from, none is chosen.
//
// When an interface goes down, its router stays what it was. A router that takes no notice keeps the session, as BIRD does where "check link" is not
// set, and one that does ends it when the link is there again. Only with the interface itself it is forgotten.
//
// # What it needs
//
// Raw ICMPv6 sockets, and so CAP_NET_RAW, are opened for interfaces that are followed, and for nothing else. Without the capability
// routers are looked for in the kernel's neighbour table alone. Netlink, which tells of links, addresses, neighbours and routes, needs none.
package discovery
