// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// path returns the field by whose change services lose something.
func (c Change) path(impacts Impacts) *field.Path {
	metadata, spec := field.NewPath("metadata"), field.NewPath("spec")
	if c.New == nil {
		return metadata.Child("name")
	}
	for _, f := range c.candidates(impacts) {
		if f.changed {
			if f.name == "labels" {
				return metadata.Child(f.name)
			}
			return spec.Child(f.name)
		}
	}
	return spec
}

// part is a field of an object.
type part struct {
	name    string
	changed bool
}

// candidates returns the fields by which services can lose something, and whether they have changed.
func (c Change) candidates(impacts Impacts) []part {
	differ := func(old, new any) bool { return !equality.Semantic.DeepEqual(old, new) }
	switch n := c.New.(type) {
	case *v1beta1.IPAddressPool:
		o := old(c.Old, n)
		if present(c.Old) == nil {
			return []part{{"addresses", true}} // A new pool takes something by the addresses that it contains.
		}
		labels := part{"labels", differ(o.Labels, n.Labels)}
		parts := []part{
			{"addresses", differ(o.Spec.Addresses, n.Spec.Addresses)},
			{"avoidBuggyIPs", o.Spec.AvoidBuggyIPs != n.Spec.AvoidBuggyIPs},
			{"serviceAllocation", differ(o.Spec.AllocateTo, n.Spec.AllocateTo)},
		}
		if slices.ContainsFunc(impacts, func(c Impact) bool { return c.Loss == Ownership }) {
			return append(parts, labels)
		}
		return append([]part{labels}, parts...)
	case *v1beta1.BGPAdvertisement:
		was, is := &old(c.Old, n).Spec, &n.Spec
		return []part{
			{"aggregationLength", differ(was.AggregationLength, is.AggregationLength)},
			{"aggregationLengthV6", differ(was.AggregationLengthV6, is.AggregationLengthV6)},
			{"communities", differ(was.Communities, is.Communities)},
			{"ipAddressPools", differ(was.IPAddressPools, is.IPAddressPools)},
			{"ipAddressPoolSelectors", differ(was.IPAddressPoolSelectors, is.IPAddressPoolSelectors)},
			{"nodeSelectors", differ(was.NodeSelectors, is.NodeSelectors)},
			{"peers", differ(was.Peers, is.Peers)},
			{"serviceSelectors", differ(was.ServiceSelectors, is.ServiceSelectors)},
		}
	case *v1beta2.BGPPeer:
		return peerCandidates(old(c.Old, n), n)
	default:
		return []part{{"communities", true}}
	}
}

// peerCandidates are those of a peer: the field by which it carries one address family less, or its nodes.
func peerCandidates(old, new *v1beta2.BGPPeer) []part {
	before, _ := bgp.ParsePeer(old)
	after, _ := bgp.ParsePeer(new)
	carriesLess := before.Families.Without(after.Families).Any()
	was, is := &old.Spec, &new.Spec
	return []part{
		{"dualStackAddressFamily", carriesLess && was.DualStackAddressFamily && !is.DualStackAddressFamily},
		{"peerAddress", carriesLess && is.Address != ""},
		{"defaultGateway", carriesLess && is.DefaultGateway != ""},
		{"nodeSelectors", !equality.Semantic.DeepEqual(was.NodeSelectors, is.NodeSelectors)},
	}
}

// old returns the old object, or an empty one if there is none of this kind.
func old[T any](o Object, _ *T) *T {
	if x, is := any(o).(*T); is {
		return x
	}
	return new(T)
}
