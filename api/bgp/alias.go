// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta1"
)

// Aliases are communities by name.
type Aliases map[string]Community

// ParseCommunities returns the aliases that the object defines, or every error in it.
func ParseCommunities(c *v1beta1.Community) (Aliases, field.ErrorList) {
	var errs field.ErrorList
	aliases := make(Aliases, len(c.Spec.Communities))
	list := field.NewPath("spec", "communities")
	for i, alias := range c.Spec.Communities {
		at := list.Index(i)
		switch _, found := aliases[alias.Name]; {
		case alias.Name == "":
			errs = append(errs, field.Required(at.Child("name"), "an alias needs a name"))
		case strings.Contains(alias.Name, ":"):
			errs = append(errs, field.Invalid(at.Child("name"), alias.Name, "must not have a colon, which would make it a value"))
		case found:
			err := field.Duplicate(at.Child("name"), alias.Name)
			err.Detail = fmt.Sprintf("duplicate definition of community %q; remove one", alias.Name)
			errs = append(errs, err)
		}
		value, err := ParseCommunity(alias.Value)
		if err != nil {
			errs = append(errs, field.Invalid(at.Child("value"), alias.Value, err.Error()))
		}
		aliases[alias.Name] = value
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return aliases, nil
}

// Find returns the community of the name: the alias, or else the well-known community.
func (a Aliases) Find(name string) (c Community, found bool) {
	if c, found = a[name]; found {
		return c, true
	}
	return WellKnown(name)
}

// ResolveCommunities returns the communities that an advertisement names by value, alias or well-known name, sorted and each once.
// An alias takes precedence over a well-known name. The error names every alias that is not defined.
func ResolveCommunities(names []string, aliases Aliases) ([]Community, error) {
	set := make(map[Community]bool, len(names))
	var unknown []string
	for _, name := range names {
		if !strings.Contains(name, ":") {
			c, found := aliases.Find(name)
			if !found {
				unknown = append(unknown, strconv.Quote(name))
				continue
			}
			set[c] = true
			continue
		}
		c, err := ParseCommunity(name)
		if err != nil {
			return nil, err
		}
		set[c] = true
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("no Community object defines the alias %s; define it or write the community's value", strings.Join(unknown, ", "))
	}
	return slices.SortedFunc(maps.Keys(set), Community.Compare), nil
}

// CheckAliases reports the first name, in alphabetical order, that both sets of aliases define.
func CheckAliases(a, b Aliases) error {
	for _, name := range slices.SortedFunc(maps.Keys(a), cmp.Compare[string]) {
		if _, found := b[name]; found {
			return fmt.Errorf("duplicate definition of community %q; define it in one Community object only", name)
		}
	}
	return nil
}
