// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// durationType is the type of errors for what is no duration.
const durationType = field.ErrorTypeTypeInvalid

// duration is how the schema has durations written; Go reads more.
var duration = regexp.MustCompile(`^(0|([0-9]{1,5}(ms|([.][0-9]{1,3})?[smh]))+)$`)

// checkSchema returns what the schema of the kinds refuses and decoding hides: durations in other words, numbers that stand
// for none, items of lists that are not there, and lists and strings beyond the limits. What is not there, or not of its type, is left to decoding.
func checkSchema(written map[string]any) field.ErrorList {
	var errs field.ErrorList
	spec := field.NewPath("spec")
	kind, _ := written["kind"].(string)
	if kind == "BGPPeer" {
		for _, name := range []string{"holdTime", "keepaliveTime", "connectTime", "gracefulRestartTime"} {
			value, found, err := unstructured.NestedFieldNoCopy(written, "spec", name)
			if text, isString := value.(string); err == nil && found && value != nil && (!isString || len(text) > 32 || !duration.MatchString(text)) {
				errs = append(errs, field.TypeInvalid(spec.Child(name), value, "must be a duration such as 90s or 1m30s"))
			}
		}
		if port, found, err := unstructured.NestedInt64(written, "spec", "peerPort"); err == nil && found && port == 0 {
			errs = append(errs, field.Invalid(spec.Child("peerPort"), port, "must be from 1 to 65535"))
		}
	}
	errs = append(errs, checkItems(spec, written["spec"])...)
	for _, l := range limits()[kind] {
		errs = append(errs, l.check(written)...)
	}
	return errs
}

// checkItems reports items of lists that are null: decoded they would be selectors that select everything.
func checkItems(path *field.Path, value any) field.ErrorList {
	var errs field.ErrorList
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			errs = append(errs, checkItems(path.Child(name), value[name])...)
		}
	case []any:
		for i, item := range value {
			if item == nil {
				errs = append(errs, field.Required(path.Index(i), "an item of a list must not be null; remove it"))
			}
			errs = append(errs, checkItems(path.Index(i), item)...)
		}
	}
	return errs
}

// limit is how many items a list may have, and how many characters a string; 0 for what has no limit.
type limit struct {
	// path is where the list or string is.
	path []string
	// items of the list, and characters of the string or of each of the list's.
	items, characters int
}

// limits are those of the schema, by kind.
func limits() map[string][]limit {
	return map[string][]limit{
		"IPAddressPool": {
			{[]string{"addresses"}, 4096, 96},
			{[]string{"serviceAllocation", "namespaces"}, 4096, 253},
			{[]string{"serviceAllocation", "namespaceSelectors"}, 256, 0},
			{[]string{"serviceAllocation", "serviceSelectors"}, 256, 0},
		},
		"BGPAdvertisement": {
			{[]string{"communities"}, 256, 253},
			{[]string{"ipAddressPools"}, 1024, 253},
			{[]string{"ipAddressPoolSelectors"}, 256, 0},
			{[]string{"nodeSelectors"}, 256, 0},
			{[]string{"peers"}, 1024, 253},
			{[]string{"serviceSelectors"}, 256, 0},
		},
		"Community": {{[]string{"communities"}, 256, 0}},
		"BGPPeer":   {{[]string{"nodeSelectors"}, 256, 0}},
	}
}

func (l limit) check(written map[string]any) field.ErrorList {
	value, found, err := unstructured.NestedFieldNoCopy(written, append([]string{"spec"}, l.path...)...)
	list, isList := value.([]any)
	if err != nil || !found || !isList {
		return nil
	}
	at := field.NewPath("spec", l.path...)
	if len(list) > l.items {
		return field.ErrorList{field.Invalid(at, len(list), fmt.Sprintf("must have at most %d items", l.items))}
	}
	var errs field.ErrorList
	for i, item := range list {
		if text, isString := item.(string); isString && l.characters > 0 && utf8.RuneCountInString(text) > l.characters {
			errs = append(errs, field.Invalid(at.Index(i), field.OmitValueType{}, fmt.Sprintf("may not be more than %d characters", l.characters)))
		}
	}
	return errs
}
