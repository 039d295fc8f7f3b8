// SPDX-License-Identifier: Apache-2.0

package announce

import (
	"net/netip"
	"slices"

	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/rib"
)

// Decision is what a node announces of a service.
type Decision struct {
	// Paths by peer, one per prefix, sorted as the addresses are.
	Paths map[string][]rib.Path
	// Announced addresses, in the order of the service.
	Announced []netip.Addr
	// Refused are the addresses that are not announced, each with the reason.
	Refused map[netip.Addr]Reason
	// Conflicting is whether advertisements give a prefix different local preferences towards one peer. The highest is
	// announced, as for a prefix of several services: a service that works must not break for a contradiction.
	Conflicting bool
}

// Decide returns what the policy's node announces of the service. Each address is decided by itself, so that a dual-stack
// service is announced in the one family that it can be.
func Decide(p *policy.Policy, s Service, e Endpoints) Decision {
	d := Decision{}
	for _, addr := range s.Addresses {
		matching, reason := match(p, s, e, addr)
		if reason == "" && !d.add(matching, addr) {
			reason = NoPeer
		}
		if reason == "" {
			d.Announced = append(d.Announced, addr)
			d.Conflicting = d.Conflicting || conflict(matching, addr)
			continue
		}
		if d.Refused == nil {
			d.Refused = make(map[netip.Addr]Reason, len(s.Addresses))
		}
		d.Refused[addr] = reason
	}
	return d
}

// match returns the advertisements to announce the address with, or why it is not to be announced.
func match(p *policy.Policy, s Service, e Endpoints, addr netip.Addr) ([]*policy.Advertisement, Reason) {
	pool := p.Pool(addr, s.AllocatedFrom)
	if pool == nil {
		return nil, IPNotAllowed
	}
	if len(pool.Advertisements) == 0 {
		return nil, NotOwner
	}
	matching := make([]*policy.Advertisement, 0, len(pool.Advertisements))
	for i := range pool.Advertisements {
		if a := &pool.Advertisements[i]; a.SelectsService(s.Labels) {
			matching = append(matching, a)
		}
	}
	switch {
	case len(matching) == 0:
		return nil, NoMatchingAdvertisement
	case p.NetworkUnavailable:
		return nil, NodeNetworkUnavailable
	case p.Excluded:
		return nil, NodeExcluded
	case s.Local && !e.Local:
		return nil, NoLocalEndpoints
	case !e.Anywhere:
		return nil, NoEndpoints
	}
	return matching, ""
}

// conflict reports whether two of the advertisements give one prefix different local preferences towards one peer.
func conflict(matching []*policy.Advertisement, addr netip.Addr) bool {
	for i, a := range matching {
		for _, b := range matching[:i] {
			if a.LocalPref != b.LocalPref && a.Prefix(addr) == b.Prefix(addr) &&
				slices.ContainsFunc(a.Peers(addr), func(peer string) bool { return slices.Contains(b.Peers(addr), peer) }) {
				return true
			}
		}
	}
	return false
}

// add adds the paths of an address, and reports whether there is a peer to announce them to.
func (d *Decision) add(matching []*policy.Advertisement, addr netip.Addr) bool {
	added := false
	for _, a := range matching {
		path := rib.Path{Prefix: a.Prefix(addr), LocalPref: a.LocalPref, Communities: a.Communities}
		for _, peer := range a.Peers(addr) {
			if d.Paths == nil {
				d.Paths = map[string][]rib.Path{}
			}
			d.Paths[peer] = merge(d.Paths[peer], path)
			added = true
		}
	}
	return added
}

// merge adds the path to those of one peer.
func merge(paths []rib.Path, path rib.Path) []rib.Path {
	for i := range paths {
		if paths[i].Prefix == path.Prefix {
			paths[i] = rib.Merge(paths[i], path)
			return paths
		}
	}
	return append(paths, path)
}
