// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// Contradictions returns what is wrong with the object, which parses, beside the others.
func Contradictions(o Object, others Objects, nodes []Node) field.ErrorList {
	if o = present(o); o == nil {
		return nil
	}
	all := mean(others)
	m, errs := all.with(Change{New: o})
	if len(errs) > 0 {
		return nil
	}
	found := contradictions(o, &m, newNodes(nodes))
	return found[:min(len(found), maxErrors)]
}

// contradictions returns what is wrong with the object beside the others in the configuration; nothing if it does not
// parse.
func contradictions(o Object, m *meaning, nodes *nodes) field.ErrorList {
	switch x := o.(type) {
	case *v1beta1.IPAddressPool:
		if pool, parses := m.pools[x.Name]; parses {
			return ofPool(x, &pool, m, nodes)
		}
	case *v1beta1.BGPAdvertisement:
		if adv, parses := m.advertisements[x.Name]; parses {
			return ofAdvertisement(&adv, m, nodes)
		}
	case *v1beta2.BGPPeer:
		if peer, parses := m.peers[x.Name]; parses {
			return ofPeer(&peer, m, nodes)
		}
	case *v1beta1.Community:
		if aliases, parses := m.communities[x.Name]; parses {
			return ofCommunity(x, aliases, m)
		}
	}
	return nil
}

func ofPool(object *v1beta1.IPAddressPool, pool *ipam.Pool, m *meaning, nodes *nodes) field.ErrorList {
	errs := overlapping(object, pool, m)
	selecting := m.selecting(pool.Name, pool.Labels)
	for _, a := range selecting {
		errs = append(errs, tooSmall(object, pool, a)...)
	}
	for i, a := range selecting {
		for _, other := range selecting[:i] {
			common := nodes.common(&a, &other)
			for _, c := range unequal(&a, &other, pool, common) {
				path, value := field.NewPath("spec", "addresses"), strings.Join(first(object.Spec.Addresses), ", ")
				if byLabels(pool, a) || byLabels(pool, other) {
					path, value = field.NewPath("metadata", "labels"), pool.Labels.String()
				}
				errs = append(errs, field.Invalid(path, value, fmt.Sprintf("BGPAdvertisement %q: %v", a.Name, c.err)))
			}
		}
	}
	return errs
}

// byLabels reports whether the advertisement, which selects the pool, does so by its labels only.
func byLabels(pool *ipam.Pool, a advertisement) bool {
	return len(a.PoolSelectors) > 0 && !slices.Contains(a.Pools, pool.Name)
}

// tooSmall reports the first range of the pool that has no room for the advertisement's prefixes.
func tooSmall(object *v1beta1.IPAddressPool, pool *ipam.Pool, a advertisement) field.ErrorList {
	for i, r := range pool.Ranges {
		if err := bgp.CheckAggregation(a.Advertisement, ipam.Pool{Ranges: []ipam.Range{r}}); err != nil {
			// Ranges are in the order of the addresses.
			return field.ErrorList{field.Invalid(field.NewPath("spec", "addresses").Index(i), object.Spec.Addresses[i], fmt.Sprintf(
				"BGPAdvertisement %q: %v; list a larger range, or let the advertisement select other pools or announce longer prefixes", a.Name, err))}
		}
	}
	return nil
}

// overlapping reports every range that has an address in common with one of another pool, in the order of the ranges.
func overlapping(object *v1beta1.IPAddressPool, pool *ipam.Pool, m *meaning) field.ErrorList {
	byRange := map[ipam.Range][]ipam.Overlap{}
	for _, other := range sorted(m.pools) {
		if other.Name == pool.Name {
			continue
		}
		for _, o := range ipam.Overlaps(other, *pool) {
			byRange[o.Range] = append(byRange[o.Range], o)
		}
	}
	var errs field.ErrorList
	for i, r := range pool.Ranges {
		for _, o := range byRange[r] {
			errs = append(errs, field.Invalid(field.NewPath("spec", "addresses").Index(i), object.Spec.Addresses[i],
				o.String()+"; list each address in one pool only"))
		}
	}
	return errs
}

func ofAdvertisement(adv *advertisement, m *meaning, nodes *nodes) field.ErrorList {
	var errs field.ErrorList
	spec := field.NewPath("spec")
	pools := m.sortedPools()
	for i := range pools {
		pool := &pools[i]
		if !adv.SelectsPool(pool.Name, pool.Labels) {
			continue
		}
		errs = append(errs, noRoom(adv, pool, true, spec.Child("aggregationLength"))...)
		errs = append(errs, noRoom(adv, pool, false, spec.Child("aggregationLengthV6"))...)
	}
	for _, other := range sorted(m.advertisements) {
		common := nodes.common(adv, &other)
		if other.Name == adv.Name || len(common) == 0 {
			continue
		}
		for i := range pools {
			for _, c := range unequal(adv, &other, &pools[i], common) {
				errs = append(errs, field.Invalid(spec.Child(c.field), c.value, c.err.Error()))
			}
		}
	}
	return errs
}

// inequality is a field in which two advertisements of one prefix differ though they must not.
type inequality struct {
	field string
	// value is the first advertisement's.
	value int64
	err   error
}

// unequal returns the fields in which the advertisements contradict each other about the pool on one of the nodes.
func unequal(adv, other *advertisement, pool *ipam.Pool, nodes []labels.Set) []inequality {
	all := []inequality{
		{"localPref", int64(adv.LocalPref), bgp.CheckLocalPref(adv.Advertisement, other.Advertisement, *pool, nodes)},
		{"asPathPrepend", int64(adv.ASPathPrepend), bgp.CheckASPathPrepend(adv.Advertisement, other.Advertisement, *pool, nodes)},
	}
	return slices.DeleteFunc(all, func(c inequality) bool { return c.err == nil })
}

// noRoom reports a range of the pool, of one family, that has no room for the advertisement's prefixes.
func noRoom(adv *advertisement, pool *ipam.Pool, ipv4 bool, path *field.Path) field.ErrorList {
	length := adv.AggregationLength
	if !ipv4 {
		length = adv.AggregationLengthV6
	}
	ofFamily := ipam.Pool{Ranges: slices.DeleteFunc(slices.Clone(pool.Ranges), func(r ipam.Range) bool { return r.From.Is4() != ipv4 })}
	err := bgp.CheckAggregation(adv.Advertisement, ofFamily)
	if err == nil {
		return nil
	}
	return field.ErrorList{field.Invalid(path, int64(length), fmt.Sprintf(
		"IPAddressPool %q: %v; announce longer prefixes or select other pools", pool.Name, err))}
}

func ofPeer(peer *bgp.Peer, m *meaning, nodes *nodes) field.ErrorList {
	var errs field.ErrorList
	for _, other := range sorted(m.peers) {
		if other.Name == peer.Name {
			continue
		}
		if err := bgp.CheckPeers(*peer, other, nodes.labels); err != nil {
			errs = append(errs, field.Invalid(field.NewPath("spec", "peerAddress"), peer.Address.String(), err.Error()))
		}
	}
	return errs
}

func ofCommunity(object *v1beta1.Community, aliases bgp.Aliases, m *meaning) field.ErrorList {
	var errs field.ErrorList
	for _, other := range names(m.communities, nil) {
		if other == object.Name || bgp.CheckAliases(aliases, m.communities[other]) == nil {
			continue
		}
		for i, alias := range object.Spec.Communities {
			if _, found := m.communities[other][alias.Name]; !found {
				continue
			}
			err := field.Duplicate(field.NewPath("spec", "communities").Index(i).Child("name"), alias.Name)
			err.Detail = fmt.Sprintf("duplicate definition of community %q, which Community %q defines too; define it in one of them only",
				alias.Name, other)
			errs = append(errs, err)
		}
	}
	return errs
}
