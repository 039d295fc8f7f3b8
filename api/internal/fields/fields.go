// SPDX-License-Identifier: Apache-2.0

package fields

import (
	"encoding/json"
	"fmt"
	"net/netip"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Unique reports each value that the list called name, a field of parent, has more than once.
func Unique(parent *field.Path, name string, list []string) field.ErrorList {
	var errs field.ErrorList
	seen := make(map[string]bool, len(list))
	for i, v := range list {
		if seen[v] {
			errs = append(errs, duplicate(parent, name, i, v))
		}
		seen[v] = true
	}
	return errs
}

// Selectors returns the selectors of the list called name, a field of parent, in the order written. A selector with
// nothing in it selects everything; the same selector twice is an error.
func Selectors(parent *field.Path, name string, list []metav1.LabelSelector) ([]labels.Selector, field.ErrorList) {
	if len(list) == 0 {
		return nil, nil
	}
	var errs field.ErrorList
	selectors := make([]labels.Selector, 0, len(list))
	seen := make(map[string]bool, len(list))
	for i := range list {
		selector, err := metav1.LabelSelectorAsSelector(&list[i])
		if err != nil {
			errs = append(errs, field.Invalid(parent.Child(name).Index(i), written(&list[i]), fmt.Sprintf("invalid label selector: %v", err)))
			continue
		}
		key := selector.String()
		if seen[key] {
			errs = append(errs, duplicate(parent, name, i, key))
		}
		seen[key] = true
		selectors = append(selectors, selector)
	}
	return selectors, errs
}

// AnySelects reports whether one of the selectors selects the labels.
func AnySelects(selectors []labels.Selector, l labels.Set) bool {
	for _, s := range selectors {
		if s.Matches(l) {
			return true
		}
	}
	return false
}

// Addr parses an address without a zone, and refuses an IPv4 address written as IPv6.
func Addr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		return netip.Addr{}, fmt.Errorf("%q is not an IP address", s)
	case a.Zone() != "":
		return netip.Addr{}, fmt.Errorf("%q has a zone; write the address without %q", s, "%"+a.Zone())
	case a.Is4In6():
		return netip.Addr{}, fmt.Errorf("%q is an IPv4 address written as IPv6; write %q", s, a.Unmap())
	}
	return a, nil
}

func duplicate(parent *field.Path, name string, index int, value string) *field.Error {
	err := field.Duplicate(parent.Child(name).Index(index), value)
	err.Detail = fmt.Sprintf("duplicate definition of %s %q; remove one", name, value)
	return err
}

// written returns the selector as in a manifest, for messages.
func written(s *metav1.LabelSelector) string {
	b, err := json.Marshal(s)
	if err != nil {
		return s.String()
	}
	return string(b)
}
