// SPDX-License-Identifier: Apache-2.0

package rib

import (
	"net/netip"
	"slices"

	"metallb.io/metallb/api/bgp"
)

// Path is a prefix and the attributes to announce it with. Next hop, origin and the ASN in the AS path are the session's
// affair.
type Path struct {
	// Prefix has no bits set beyond its length.
	Prefix netip.Prefix
	// LocalPref is the LOCAL_PREF attribute towards internal peers (RFC 4271 section 5.1.5); 0 is unset.
	LocalPref uint32
	// ASPathPrepend is how many times the session's local ASN is in the AS path besides the once that is due (RFC 4271
	// section 5.1.2).
	ASPathPrepend uint8
	// MED is the MULTI_EXIT_DISC attribute (RFC 4271 section 5.1.4).
	MED bgp.MED
	// Weight is how many endpoints the node has to serve connections with, for routers that share them out in proportion to it; 0 is unset.
	Weight uint32
	// Communities are sorted and unique. The slice is shared and never mutated.
	Communities []bgp.Community
	// Draining is whether the node is about to stop serving the prefix: routers are to prefer any other path to it, by every means
	// that they honour, and to use this one while there is no other.
	Draining bool
}

// Equal reports whether both are the same announcement.
func (p Path) Equal(q Path) bool {
	return p.Prefix == q.Prefix && p.sameAttributes(q)
}

func (p Path) sameAttributes(q Path) bool {
	return p.LocalPref == q.LocalPref && p.ASPathPrepend == q.ASPathPrepend && p.MED == q.MED && p.Weight == q.Weight &&
		p.Draining == q.Draining && slices.Equal(p.Communities, q.Communities)
}

// Change is what one peer is to be told. Both slices are sorted by prefix and have no prefix in common; they are
// shared and must not be mutated.
type Change struct {
	Peer string
	// Complete is whether Announce is all that the peer is to know, so that everything else is to be withdrawn.
	Complete bool
	Announce []Path
	Withdraw []netip.Prefix
}

// Merge returns the path for a prefix that is announced for several reasons: the highest local preference, the shortest
// AS path, the lowest MED and every community of both, and draining only if both are. So whoever wants the route to be preferred has his way, and none who relies on it
// loses it to one who does not. It has a weight only if both have, the higher one: routers compare weights only where every path has one,
// and whatever serves without one on this node does so on every other. It is commutative and associative, so the order of contributions is of no consequence.
func Merge(p, q Path) Path {
	if p.sameAttributes(q) {
		return p
	}
	return Path{
		Prefix:        p.Prefix,
		LocalPref:     max(p.LocalPref, q.LocalPref),
		ASPathPrepend: min(p.ASPathPrepend, q.ASPathPrepend),
		MED:           p.MED.Min(q.MED),
		Weight:        weight(p.Weight, q.Weight),
		Communities:   union(p.Communities, q.Communities),
		Draining:      p.Draining && q.Draining,
	}
}

func weight(a, b uint32) uint32 {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}

func union(a, b []bgp.Community) []bgp.Community {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	all := slices.Concat(a, b)
	slices.SortFunc(all, bgp.Community.Compare)
	return slices.Compact(all)
}
