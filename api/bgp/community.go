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

// Community is a BGP community, standard (RFC 1997) or large (RFC 8092). It is comparable.
type Community struct {
	large bool
	parts [3]uint32
}

const largePrefix = "large:"

// ParseCommunity parses "a:b", two 16-bit numbers, or "large:a:b:c", three 32-bit numbers.
func ParseCommunity(s string) (Community, error) {
	rest, large := strings.CutPrefix(s, largePrefix)
	sections := strings.Split(rest, ":")
	count, bitSize, maxDigits := 2, 16, 5
	if large {
		count, bitSize, maxDigits = 3, 32, 10
	} else if len(sections) == 4 {
		return Community{}, fmt.Errorf("invalid marker for large community %q: expected community to be of format large:a:b:c", s)
	}
	if len(sections) != count {
		return Community{}, fmt.Errorf("invalid community format: %q; write \"a:b\" or \"large:a:b:c\"", s)
	}
	c := Community{large: large}
	for i, section := range sections {
		n, err := strconv.ParseUint(section, 10, bitSize)
		if err != nil || len(section) > maxDigits {
			return Community{}, fmt.Errorf("invalid community value: invalid section %q of community %q: must be a number from 0 to %d",
				section, s, uint64(1)<<bitSize-1)
		}
		c.parts[i] = uint32(n) //nolint:gosec // ParseUint keeps it to 32 bits at most.
	}
	return c, nil
}

// String returns the community as ParseCommunity reads it.
func (c Community) String() string {
	if c.large {
		return fmt.Sprintf("%s%d:%d:%d", largePrefix, c.parts[0], c.parts[1], c.parts[2])
	}
	return fmt.Sprintf("%d:%d", c.parts[0], c.parts[1])
}

// IsLarge reports whether the community is a large one.
func (c Community) IsLarge() bool { return c.large }

// Uint32 returns a standard community as the four octets that are sent (RFC 1997); 0 for a large community.
func (c Community) Uint32() uint32 {
	if c.large {
		return 0
	}
	return c.parts[0]<<16 | c.parts[1]
}

// Large returns the three parts of a large community: global administrator and two of local meaning (RFC 8092 section 3);
// zeros for a standard community.
func (c Community) Large() [3]uint32 {
	if !c.large {
		return [3]uint32{}
	}
	return c.parts
}

// Compare orders communities: standard ones first, then by their numbers.
func (c Community) Compare(o Community) int {
	if c.large != o.large {
		if o.large {
			return -1
		}
		return 1
	}
	return slices.Compare(c.parts[:], o.parts[:])
}

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

// ResolveCommunities returns the communities that an advertisement names by value or alias, sorted and each once. The
// error names every alias that is not defined.
func ResolveCommunities(names []string, aliases Aliases) ([]Community, error) {
	set := make(map[Community]bool, len(names))
	var unknown []string
	for _, name := range names {
		if !strings.Contains(name, ":") {
			c, found := aliases[name]
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
