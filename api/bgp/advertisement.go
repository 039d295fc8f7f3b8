// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/internal/fields"
	"metallb.io/metallb/api/v1beta1"
)

// Advertisement is what a BGPAdvertisement means, defaults applied.
type Advertisement struct {
	Name string
	// AggregationLength, from 1 to 32, and AggregationLengthV6, from 1 to 128, are the prefix lengths to announce.
	AggregationLength, AggregationLengthV6 int
	// Attributes to announce with, beside communities.
	Attributes
	// Communities as written, values and names; ResolveCommunities has their meaning.
	Communities []string
	// Pools and PoolSelectors select the pools; none selects every pool.
	Pools         []string
	PoolSelectors []labels.Selector
	// NodeSelectors select the nodes that announce; none selects every node.
	NodeSelectors []labels.Selector
	// ServiceSelectors select the services; none selects every service.
	ServiceSelectors []labels.Selector
	// Peers to announce to, by name; none stands for every peer.
	Peers []string
}

// defaultLocalPref is the LOCAL_PREF of routes for which none is set. RFC 4271 leaves it open; routers commonly use 100.
const defaultLocalPref = 100

// maxASPathPrepend is the limit of the schema. Routers ignore, or refuse, AS paths that are far longer than those of the Internet.
const maxASPathPrepend = 10

// ParseAdvertisement returns what the object means, or every error in it, each with field, value and remedy.
func ParseAdvertisement(adv *v1beta1.BGPAdvertisement) (Advertisement, field.ErrorList) {
	s, spec := &adv.Spec, field.NewPath("spec")
	var errs field.ErrorList
	length := func(name, family string, written *int32, longest int) int {
		if written == nil {
			return longest
		}
		n := int(*written)
		if n < 1 || n > longest {
			errs = append(errs, field.Invalid(spec.Child(name), n,
				fmt.Sprintf("invalid aggregation length %q for %s: must be from 1 to %d", fmt.Sprint(n), family, longest)))
		} else if n != longest && len(s.ServiceSelectors) > 0 {
			// Services of one aggregate could otherwise differ in whether it is announced.
			errs = append(errs, field.Forbidden(spec.Child(name),
				fmt.Sprintf("serviceSelectors and %s are mutually exclusive, both cannot be set in %s; remove one", name, adv.Name)))
		}
		return n
	}
	selectors := func(name string, list []metav1.LabelSelector) []labels.Selector {
		parsed, selectorErrs := fields.Selectors(spec, name, list)
		errs = append(errs, selectorErrs...)
		return parsed
	}
	a := Advertisement{
		Name:                adv.Name,
		AggregationLength:   length("aggregationLength", "IPv4", s.AggregationLength, 32),
		AggregationLengthV6: length("aggregationLengthV6", "IPv6", s.AggregationLengthV6, 128),
		Attributes: Attributes{
			LocalPref:         cmp.Or(s.LocalPref, defaultLocalPref),
			ASPathPrepend:     s.ASPathPrepend,
			MED:               NewMED(s.MED),
			WeightByEndpoints: s.WeightByEndpoints,
		},
		Communities:      slices.Clone(s.Communities),
		Pools:            slices.Clone(s.IPAddressPools),
		PoolSelectors:    selectors("ipAddressPoolSelectors", s.IPAddressPoolSelectors),
		NodeSelectors:    selectors("nodeSelectors", s.NodeSelectors),
		ServiceSelectors: selectors("serviceSelectors", s.ServiceSelectors),
		Peers:            slices.Clone(s.Peers),
	}
	if s.ASPathPrepend > maxASPathPrepend {
		errs = append(errs, field.Invalid(spec.Child("asPathPrepend"), int64(s.ASPathPrepend),
			fmt.Sprintf("invalid AS path prepend %d: must be from 0 to %d", s.ASPathPrepend, maxASPathPrepend)))
	}
	errs = append(errs, checkCommunities(spec.Child("communities"), s.Communities)...)
	errs = append(errs, fields.Unique(spec, "communities", s.Communities)...)
	errs = append(errs, fields.Unique(spec, "ipAddressPools", s.IPAddressPools)...)
	errs = append(errs, fields.Unique(spec, "peers", s.Peers)...)
	if len(errs) > 0 {
		return Advertisement{}, errs
	}
	return a, nil
}

// checkCommunities reports malformed values; what has no colon is a name.
func checkCommunities(path *field.Path, communities []string) field.ErrorList {
	var errs field.ErrorList
	for i, c := range communities {
		if c == "" {
			errs = append(errs, field.Invalid(path.Index(i), c, "invalid community \"\": write a value or the name of an alias"))
		}
		if !strings.Contains(c, ":") {
			continue
		}
		if _, err := ParseCommunity(c); err != nil {
			errs = append(errs, field.Invalid(path.Index(i), c, fmt.Sprintf("invalid community %q in BGP advertisement: %v", c, err)))
		}
	}
	return errs
}

// SelectsPool reports whether addresses of a pool with this name and these labels are announced.
func (a *Advertisement) SelectsPool(name string, l labels.Set) bool {
	if len(a.Pools) == 0 && len(a.PoolSelectors) == 0 {
		return true
	}
	return slices.Contains(a.Pools, name) || fields.AnySelects(a.PoolSelectors, l)
}

// SelectsNode reports whether a node with these labels announces.
func (a *Advertisement) SelectsNode(node labels.Set) bool {
	return len(a.NodeSelectors) == 0 || fields.AnySelects(a.NodeSelectors, node)
}

// SelectsService reports whether addresses of a service with these labels are announced.
func (a *Advertisement) SelectsService(service labels.Set) bool {
	return len(a.ServiceSelectors) == 0 || fields.AnySelects(a.ServiceSelectors, service)
}

// SelectsPeer reports whether the peer of this name is announced to.
func (a *Advertisement) SelectsPeer(name string) bool {
	return len(a.Peers) == 0 || slices.Contains(a.Peers, name)
}
