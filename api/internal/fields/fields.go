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

// Unique reports each value that the list has more than once. The last element of the path names the list.
func Unique(path *field.Path, list []string) field.ErrorList {
	var errs field.ErrorList
	seen := make(map[string]bool, len(list))
	for i, v := range list {
		if seen[v] {
			errs = append(errs, duplicate(path.Index(i), v))
		}
		seen[v] = true
	}
	return errs
}

// Selectors returns the selectors in the order written. A selector with nothing in it selects everything; the same
// selector twice is an error.
func Selectors(path *field.Path, list []metav1.LabelSelector) ([]labels.Selector, field.ErrorList) {
	if len(list) == 0 {
		return nil, nil
	}
	var errs field.ErrorList
	selectors := make([]labels.Selector, 0, len(list))
	seen := make(map[string]bool, len(list))
	for i := range list {
		at := path.Index(i)
		selector, err := metav1.LabelSelectorAsSelector(&list[i])
		if err != nil {
			errs = append(errs, field.Invalid(at, written(&list[i]), fmt.Sprintf("invalid label selector: %v", err)))
			continue
		}
		key := selector.String()
		if seen[key] {
			errs = append(errs, duplicate(at, key))
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

func duplicate(at *field.Path, value string) *field.Error {
	err := field.Duplicate(at, value)
	err.Detail = fmt.Sprintf("duplicate definition of %s %q; remove one", listName(at), value)
	return err
}

// listName is the last name in the path of a list's element.
func listName(at *field.Path) string {
	s := at.String()
	end := len(s)
	for i := len(s) - 1; i >= 0; i-- {
		switch s[i] {
		case '[':
			end = i
		case '.':
			return s[i+1 : end]
		}
	}
	return s[:end]
}

// written returns the selector as in a manifest, for messages.
func written(s *metav1.LabelSelector) string {
	b, err := json.Marshal(s)
	if err != nil {
		return s.String()
	}
	return string(b)
}
