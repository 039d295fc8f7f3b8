// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// parsedObjects are the objects of a configuration that parse, by name, and the names of all pools, peers and profiles, whether they
// parse or not.
type parsedObjects struct {
	pools          map[string]ipam.Pool
	peers          map[string]bgp.Peer
	advertisements map[string]advertisement
	communities    map[string]bgp.Aliases
	profiles       map[string]bgp.BFDProfile

	// labels of every pool that is there.
	labels map[string]labels.Set
	// names of every peer and every BFDProfile that is there.
	peerNames, profileNames map[string]bool

	parser *Parser
}

// advertisement is one that parses.
type advertisement struct{ bgp.Advertisement }

func parseAll(o Objects) parsedObjects { return parseAllWith(nil, o) }

// parseAllWith is parseAll with a Parser that may have parsed the objects already.
func parseAllWith(p *Parser, o Objects) parsedObjects {
	m := parsedObjects{
		parser:         p,
		pools:          make(map[string]ipam.Pool, len(o.Pools)),
		peers:          make(map[string]bgp.Peer, len(o.Peers)),
		advertisements: make(map[string]advertisement, len(o.Advertisements)),
		communities:    make(map[string]bgp.Aliases, len(o.Communities)),
		profiles:       make(map[string]bgp.BFDProfile, len(o.BFDProfiles)),
		labels:         make(map[string]labels.Set, len(o.Pools)),
		peerNames:      make(map[string]bool, len(o.Peers)),
		profileNames:   make(map[string]bool, len(o.BFDProfiles)),
	}
	for x := range o.All() {
		m.add(x)
	}
	return m
}

// Parse returns what is wrong with the object by itself.
func Parse(o Object) field.ErrorList {
	m := parseAll(Objects{})
	return m.add(o)
}

// add adds an object, and returns why it does not parse.
func (m *parsedObjects) add(o Object) field.ErrorList {
	var errs field.ErrorList
	switch x := o.(type) {
	case *v1beta1.IPAddressPool:
		m.labels[x.Name] = x.Labels
		errs = put(m.pools, x.Name)(m.parser.pool(x))
	case *v1beta2.BGPPeer:
		m.peerNames[x.Name] = true
		errs = put(m.peers, x.Name)(m.parser.peer(x))
	case *v1beta1.BGPAdvertisement:
		errs = put(m.advertisements, x.Name)(m.parser.advertisement(x))
	case *v1beta1.Community:
		errs = put(m.communities, x.Name)(m.parser.aliases(x))
	case *v1beta1.BFDProfile:
		m.profileNames[x.Name] = true
		errs = put(m.profiles, x.Name)(m.parser.profile(x))
	}
	return errs
}

func put[T any](values map[string]T, name string) func(T, field.ErrorList) field.ErrorList {
	return func(value T, errs field.ErrorList) field.ErrorList {
		if len(errs) == 0 {
			values[name] = value
		}
		return errs
	}
}

// with returns the objects after the change, and why the new object does not parse.
func (m parsedObjects) with(change Change) (parsedObjects, field.ErrorList) {
	m = m.clone()
	for _, o := range []Object{change.Old, change.New} {
		if o != nil {
			m.remove(o)
		}
	}
	if change.New == nil {
		return m, nil
	}
	return m, m.add(change.New)
}

// remove takes out an object.
func (m *parsedObjects) remove(o Object) {
	switch x := o.(type) {
	case *v1beta1.IPAddressPool:
		delete(m.pools, x.Name)
		delete(m.labels, x.Name)
	case *v1beta1.BGPAdvertisement:
		delete(m.advertisements, x.Name)
	case *v1beta1.Community:
		delete(m.communities, x.Name)
	case *v1beta1.BFDProfile:
		delete(m.profiles, x.Name)
		delete(m.profileNames, x.Name)
	default:
		delete(m.peers, o.GetName())
		delete(m.peerNames, o.GetName())
	}
}

// clone returns a copy that may be added to and removed from.
func (m parsedObjects) clone() parsedObjects {
	m.pools, m.labels, m.peers, m.peerNames = maps.Clone(m.pools), maps.Clone(m.labels), maps.Clone(m.peers), maps.Clone(m.peerNames)
	m.advertisements, m.communities = maps.Clone(m.advertisements), maps.Clone(m.communities)
	m.profiles, m.profileNames = maps.Clone(m.profiles), maps.Clone(m.profileNames)
	return m
}

// has reports whether the object is there and parses.
func (m *parsedObjects) has(o Object) (found bool) {
	switch x := o.(type) {
	case *v1beta1.IPAddressPool:
		_, found = m.pools[x.Name]
	case *v1beta2.BGPPeer:
		_, found = m.peers[x.Name]
	case *v1beta1.BGPAdvertisement:
		_, found = m.advertisements[x.Name]
	case *v1beta1.Community:
		_, found = m.communities[x.Name]
	case *v1beta1.BFDProfile:
		_, found = m.profiles[x.Name]
	}
	return found
}

// sortedPools returns the pools that parse, in the order in which they are tried.
func (m *parsedObjects) sortedPools() ipam.Pools {
	return ipam.NewPools(slices.Collect(maps.Values(m.pools))...)
}

// aliases returns every alias that a Community defines.
func (m *parsedObjects) aliases() bgp.Aliases {
	all := bgp.Aliases{}
	for _, defined := range m.communities {
		maps.Copy(all, defined)
	}
	return all
}

// aliasesIn returns those of the communities that a Community defines: where there are many, most matter to no one advertisement.
func (m *parsedObjects) aliasesIn(communities []string) bgp.Aliases {
	found := bgp.Aliases{}
	for _, name := range communities {
		for _, defined := range m.communities {
			if value, known := defined[name]; known {
				found[name] = value
			}
		}
	}
	return found
}

// selecting returns the advertisements that select the pool, by name.
func (m *parsedObjects) selecting(name string, l labels.Set) []advertisement {
	return m.sortedAdvertisements(func(a *advertisement) bool { return a.SelectsPool(name, l) })
}

// sortedAdvertisements returns those of which this is true, by name.
func (m *parsedObjects) sortedAdvertisements(isTrue func(*advertisement) bool) []advertisement {
	var found []advertisement
	for _, a := range m.advertisements {
		if isTrue(&a) {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(a, b advertisement) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// selectedBy returns the pools that the advertisement selects, in the order in which they are tried.
func (m *parsedObjects) selectedBy(a *advertisement) ipam.Pools {
	var found []ipam.Pool
	for name := range m.pools {
		if p := m.pools[name]; a.SelectsPool(p.Name, p.Labels) {
			found = append(found, p)
		}
	}
	return ipam.NewPools(found...)
}

// sorted returns the values by name.
func sorted[T any](values map[string]T) []T {
	list := make([]T, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list = append(list, values[name])
	}
	return list
}

// names returns the keys of both, sorted, each once.
func names[T any](a, b map[string]T) []string {
	list := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(list)
	return slices.Compact(list)
}
