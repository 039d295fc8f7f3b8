// SPDX-License-Identifier: Apache-2.0

package announce

import (
	"cmp"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/internal/endpoint"
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
	// Conflicting is what advertisements contradict each other in.
	Conflicting Conflict
}

// Conflict is what advertisements give different values of to one prefix towards one peer. The highest local preference,
// the shortest AS path, the lowest MED and no weight are announced, as for a prefix of several services: a service that works must not
// break for a contradiction.
type Conflict struct {
	LocalPref, ASPathPrepend, MED, WeightByEndpoints bool
}

// Plus returns what is in either.
func (c Conflict) Plus(other Conflict) Conflict {
	return Conflict{
		LocalPref: c.LocalPref || other.LocalPref, ASPathPrepend: c.ASPathPrepend || other.ASPathPrepend,
		MED: c.MED || other.MED, WeightByEndpoints: c.WeightByEndpoints || other.WeightByEndpoints,
	}
}

// ConflictingAttribute is one that advertisements give different values of.
type ConflictingAttribute struct {
	// Field of BGPAdvertisements.
	Field string
	// Announced is what is announced of it, as part of a sentence.
	Announced string
}

// Attributes returns those that are in conflict.
func (c Conflict) Attributes() []ConflictingAttribute {
	var all []ConflictingAttribute
	for _, one := range []struct {
		isConflicting    bool
		field, announced string
	}{
		{c.LocalPref, "localPref", "the highest localPref"},
		{c.ASPathPrepend, "asPathPrepend", "the lowest asPathPrepend"},
		{c.MED, "med", "the lowest med, if all set one"},
		{c.WeightByEndpoints, "weightByEndpoints", "no weight"},
	} {
		if one.isConflicting {
			all = append(all, ConflictingAttribute{one.field, one.announced})
		}
	}
	return all
}

// Peers returns those that are to be told of the service, each with the families of the prefixes that it is to be told.
func (d *Decision) Peers() map[string]bgp.Families {
	peers := make(map[string]bgp.Families, len(d.Paths))
	for peer, paths := range d.Paths {
		var told bgp.Families
		for i := range paths {
			told = told.Or(bgp.FamilyOf(paths[i].Prefix.Addr()))
		}
		peers[peer] = told
	}
	return peers
}

// Decide returns what the policy's node announces of the service. Each address is decided by itself, so that a dual-stack
// service is announced in the one family that it can be.
func Decide(p *policy.Policy, s Service, e Endpoints) Decision {
	d := Decision{}
	for _, addr := range s.Addresses {
		d.decide(p, s, e, addr)
	}
	return d
}

// decide decides about one address.
func (d *Decision) decide(p *policy.Policy, s Service, e Endpoints, addr netip.Addr) {
	by, reason := matching(p, s, addr)
	if reason == "" || reason == NoPeer {
		reason = cmp.Or(ineligible(p, s, e, endpoint.Of(addr)), reason)
	}
	if reason != "" {
		if d.Refused == nil {
			d.Refused = make(map[netip.Addr]Reason, len(s.Addresses))
		}
		d.Refused[addr] = reason
		return
	}
	d.add(by, addr, s.Local, e[endpoint.Of(addr)])
	d.Announced = append(d.Announced, addr)
	d.Conflicting = d.Conflicting.Plus(conflict(by, addr, s.Local))
}

// matching returns the advertisements that are for the address, or why there are none to announce it by.
func matching(p *policy.Policy, s Service, addr netip.Addr) ([]*policy.Advertisement, Reason) {
	pool := p.Pool(addr, s.AllocatedFrom)
	if pool == nil {
		return nil, IPNotAllowed
	}
	if len(pool.Advertisements) == 0 {
		return nil, NotOwner
	}
	var by []*policy.Advertisement
	for i := range pool.Advertisements {
		if a := &pool.Advertisements[i]; a.SelectsService(s.Labels) {
			by = append(by, a)
		}
	}
	switch {
	case len(by) == 0:
		return nil, NoMatchingAdvertisement
	case !reachable(by, addr):
		return nil, NoPeer
	}
	return by, ""
}

// reachable reports whether there is a peer to announce the address to.
func reachable(by []*policy.Advertisement, addr netip.Addr) bool {
	return slices.ContainsFunc(by, func(a *policy.Advertisement) bool { return len(a.Peers(addr)) > 0 })
}

// ineligible returns what keeps an address of the family from being announced for now, whatever the configuration says of it.
func ineligible(p *policy.Policy, s Service, e Endpoints, family endpoint.Family) Reason {
	switch {
	case p.NetworkUnavailable:
		return NodeNetworkUnavailable
	case p.Drained && p.Leaving.Key == corev1.LabelNodeExcludeBalancers:
		return NodeExcluded
	case p.Drained:
		return NodeDrained
	case p.ProxyPending[family]:
		return NodeProxyNotReady
	case s.Local && !e[family].Usable(true):
		return NoLocalEndpoints
	case !e[family].Usable(false):
		return NoEndpoints
	}
	return ""
}

// conflict returns what two of the advertisements give different values of to one prefix towards one peer. Weights are of services with
// the traffic policy Local alone.
func conflict(by []*policy.Advertisement, addr netip.Addr, local bool) Conflict {
	var all Conflict
	for i, a := range by {
		for _, b := range by[:i] {
			c := Conflict{
				LocalPref: a.LocalPref != b.LocalPref, ASPathPrepend: a.ASPathPrepend != b.ASPathPrepend,
				MED: a.MED != b.MED, WeightByEndpoints: local && a.WeightByEndpoints != b.WeightByEndpoints,
			}
			if c != (Conflict{}) && a.Prefix(addr) == b.Prefix(addr) &&
				slices.ContainsFunc(a.Peers(addr), func(peer string) bool { return slices.Contains(b.Peers(addr), peer) }) {
				all = all.Plus(c)
			}
		}
	}
	return all
}

// add adds the paths of an address. One that stands for other addresses too has no weight: their endpoints may be on other nodes. Nor has
// one of a service with the traffic policy Cluster, since every node sends connections to every endpoint.
func (d *Decision) add(by []*policy.Advertisement, addr netip.Addr, local bool, e endpoint.View) {
	for _, a := range by {
		path := rib.Path{
			Prefix: a.Prefix(addr), LocalPref: a.LocalPref, ASPathPrepend: a.ASPathPrepend, MED: a.MED, Communities: a.Communities,
			Draining: local && e.Draining(),
		}
		if a.WeightByEndpoints && local && path.Prefix.IsSingleIP() {
			path.Weight = uint32(e.Local.Usable()) //nolint:gosec // No node has 4 billion endpoints.
		}
		for _, peer := range a.Peers(addr) {
			if d.Paths == nil {
				d.Paths = map[string][]rib.Path{}
			}
			d.Paths[peer] = merge(d.Paths[peer], path)
		}
	}
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
