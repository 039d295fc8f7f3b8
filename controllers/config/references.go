// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"maps"
	"slices"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// Dangling returns a sentence for each advertisement that names what the change takes away. Nothing is refused for a name
// alone: files are deleted in any order, and what the change takes from services is their impact.
func Dangling(before Objects, change Change) []string {
	change = Change{Old: present(change.Old), New: present(change.New)}
	was := parseAll(before)
	is, _ := was.with(change)
	return dangling(change, &was, &is)
}

func dangling(change Change, was, is *parsedObjects) []string {
	switch old := change.Old.(type) {
	case *v1beta1.IPAddressPool:
		if change.New == nil {
			return is.stillNaming("IPAddressPool", old.Name, "spec.ipAddressPools", func(a *advertisement) []string { return a.Pools })
		}
	case *v1beta2.BGPPeer:
		if change.New == nil {
			return is.stillNaming("BGPPeer", old.Name, "spec.peers", func(a *advertisement) []string { return a.Peers })
		}
	case *v1beta1.Community:
		return is.lackingAlias(was.communities[old.Name])
	}
	return nil
}

// stillNaming returns a sentence for each advertisement in whose list the name is.
func (m *parsedObjects) stillNaming(kind, name, field string, list func(*advertisement) []string) []string {
	var sentences []string
	for _, a := range m.advertisements {
		if slices.Contains(list(&a), name) {
			sentences = append(sentences, fmt.Sprintf(
				"BGPAdvertisement %q still names %s %q in %s; change or delete the BGPAdvertisement", a.Name, kind, name, field))
		}
	}
	slices.Sort(sentences)
	return first(sentences)
}

// lackingAlias returns a sentence for each of the aliases that no Community defines, unless they are well-known names, and each advertisement that uses it.
func (m *parsedObjects) lackingAlias(aliases bgp.Aliases) []string {
	gone, defined := maps.Clone(aliases), m.aliases()
	maps.DeleteFunc(gone, func(alias string, _ bgp.Community) bool {
		_, found := defined.Find(alias)
		return found
	})
	if len(gone) == 0 {
		return nil
	}
	var sentences []string
	for _, a := range m.advertisements {
		for _, alias := range a.Communities {
			if _, isGone := gone[alias]; isGone {
				sentences = append(sentences, fmt.Sprintf("BGPAdvertisement %q uses alias %q in spec.communities, which no Community defines any more; "+
					"the advertisement is not in use until one does", a.Name, alias))
			}
		}
	}
	slices.Sort(sentences)
	return first(sentences)
}
