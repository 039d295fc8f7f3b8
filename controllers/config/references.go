// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// references refuses to take away what advertisements name, except a pool, whose services speak for themselves.
func (j *judgement) references() {
	switch old := j.change.Old.(type) {
	case *v1beta1.IPAddressPool:
		if j.change.New == nil {
			j.warn(first(j.namingPool(old.Name))...)
		}
	case *v1beta2.BGPPeer:
		if j.change.New == nil {
			j.refuse(j.namingPeer(old.Name)...)
		}
	case *v1beta1.Community:
		j.aliases(old.Name)
	}
}

func (j *judgement) namingPool(name string) []string {
	var sentences []string
	for _, a := range sorted(j.is.advertisements) {
		if slices.Contains(a.Pools, name) {
			sentences = append(sentences, fmt.Sprintf(
				"BGPAdvertisement %q still names IPAddressPool %q in spec.ipAddressPools; remove it there", a.Name, name))
		}
	}
	return sentences
}

func (j *judgement) namingPeer(name string) field.ErrorList {
	var errs field.ErrorList
	for _, a := range sorted(j.is.advertisements) {
		if slices.Contains(a.Peers, name) && len(errs) < maxErrors {
			errs = append(errs, field.Forbidden(field.NewPath("metadata", "name"), fmt.Sprintf(
				"BGPPeer %q is named by BGPAdvertisement %q in spec.peers; remove it there first", name, a.Name)))
		}
	}
	return errs
}

// aliases refuses the removal of aliases that are in use, by deletion or change of the Community.
func (j *judgement) aliases(community string) {
	path, remedy := field.NewPath("spec", "communities"), "define it in another Community or remove it there first"
	if j.change.New == nil {
		path = field.NewPath("metadata", "name")
	}
	defined := j.is.defined()
	for _, alias := range slices.SortedFunc(maps.Keys(j.was.communities[community]), cmp.Compare[string]) {
		if defined[alias] {
			continue
		}
		for _, a := range sorted(j.is.advertisements) {
			if slices.Contains(a.Communities, alias) && len(j.verdict.Errors) < maxErrors {
				j.refuse(field.Forbidden(path, fmt.Sprintf(
					"alias %q of Community %q is used by BGPAdvertisement %q in spec.communities; %s", alias, community, a.Name, remedy)))
			}
		}
	}
}
