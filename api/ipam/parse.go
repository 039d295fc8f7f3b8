// SPDX-License-Identifier: Apache-2.0

package ipam

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/internal/fields"
	"metallb.io/metallb/api/v1beta1"
)

// ParsePool returns what the object means, or every error in it, each with field, value and remedy.
func ParsePool(p *v1beta1.IPAddressPool) (Pool, field.ErrorList) {
	var errs field.ErrorList
	if p.Name == "" {
		errs = append(errs, field.Required(field.NewPath("metadata", "name"), "missing pool name"))
	}
	spec := field.NewPath("spec")
	ranges, rangeErrs := parseRanges(spec.Child("addresses"), p.Name, p.Spec.Addresses)
	allocation, allocationErrs := parseAllocation(spec.Child("serviceAllocation"), p.Spec.AllocateTo)
	errs = append(errs, rangeErrs...)
	errs = append(errs, allocationErrs...)
	if len(errs) > 0 {
		return Pool{}, errs
	}
	return Pool{
		Name:            p.Name,
		Labels:          labels.Set(maps.Clone(p.Labels)),
		Ranges:          ranges,
		AutoAssign:      p.Spec.AutoAssign == nil || *p.Spec.AutoAssign,
		AvoidBuggyIPs:   p.Spec.AvoidBuggyIPs,
		Allocation:      allocation,
		AllowDisruption: v1beta1.AllowsDisruption(p),
		sorted:          slices.SortedFunc(slices.Values(ranges), byAddress),
	}, nil
}

// maxOverlaps bounds how many overlaps within one pool are reported: n equal ranges have n²/2.
const maxOverlaps = 100

func parseRanges(path *field.Path, pool string, addresses []string) ([]Range, field.ErrorList) {
	if len(addresses) == 0 {
		return nil, field.ErrorList{field.Required(path, "pool has no prefixes defined; list at least one prefix or range of addresses")}
	}
	var errs field.ErrorList
	ranges := make([]Range, 0, len(addresses))
	written := make([]int, 0, len(addresses))
	for i, s := range addresses {
		r, err := ParseRange(s)
		if err != nil {
			errs = append(errs, field.Invalid(path.Index(i), s, err.Error()))
			continue
		}
		ranges = append(ranges, r)
		written = append(written, i)
	}
	for _, pair := range overlaps(ranges, maxOverlaps) {
		first, second := written[pair[0]], written[pair[1]]
		errs = append(errs, field.Invalid(path.Index(second), addresses[second], fmt.Sprintf(
			"CIDR %q in pool %q overlaps with already defined CIDR %q; list each address once", addresses[second], pool, addresses[first])))
	}
	return ranges, errs
}

func parseAllocation(path *field.Path, s *v1beta1.ServiceAllocation) (*Allocation, field.ErrorList) {
	if s == nil {
		return nil, nil
	}
	var errs field.ErrorList
	if s.Priority < 0 {
		errs = append(errs, field.Invalid(path.Child("priority"), s.Priority, "must be 0 or more: 1 comes first, 0 last"))
	}
	errs = append(errs, fields.Unique(path, "namespaces", s.Namespaces)...)
	namespaceSelectors, namespaceErrs := fields.Selectors(path, "namespaceSelectors", s.NamespaceSelectors)
	serviceSelectors, serviceErrs := fields.Selectors(path, "serviceSelectors", s.ServiceSelectors)
	errs = append(errs, namespaceErrs...)
	errs = append(errs, serviceErrs...)
	a := &Allocation{
		Priority:           s.Priority,
		Namespaces:         make(map[string]bool, len(s.Namespaces)),
		NamespaceSelectors: namespaceSelectors,
		ServiceSelectors:   serviceSelectors,
	}
	for _, ns := range s.Namespaces {
		a.Namespaces[ns] = true
	}
	return a, errs
}
