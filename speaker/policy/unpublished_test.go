// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"net/netip"
	"testing"

	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/speaker/policy"
)

func TestANewPoolTakesNoAddressFromOneInUseBeforeTheControllerHasLookedAtIt(t *testing.T) {
	t.Parallel()
	address := netip.MustParseAddr("198.51.100.1")
	for name, tc := range map[string]struct {
		// inUse are the pools that have ActiveConfigurations.
		inUse    []string
		recorded []string
		want     string
	}{
		"of one that overlaps a new one": {[]string{"zero"}, []string{"gone"}, "zero"},
		"of one in use":                  {[]string{"one"}, []string{"one"}, "one"},
		"of one beside others":           {[]string{"one"}, []string{"gone", "one"}, "one"},
		"both are in use":                {[]string{"one", "two"}, []string{"one"}, "two"},
		"there is no controller":         {nil, []string{"one"}, "two"},
		"of one that nobody knows":       {[]string{"one"}, []string{"gone"}, "two"},
		"of none":                        {[]string{"one"}, nil, "two"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input(func(in *policy.Input) {
				in.Pools = append(in.Pools[:0], pool("one", "198.51.100.128/25"), pool("two", "198.51.100.0/25"), pool("zero", "198.51.100.0/24"))
				in.Active = map[active.Key]bool{}
				for _, name := range tc.inUse {
					in.Active[active.Key{Kind: active.KindIPAddressPool, Name: name}] = true
				}
			})
			p, _ := policy.Compile(in, nil)
			if got := p.Pool(address, tc.recorded); got == nil || got.Name != tc.want {
				t.Errorf("the address is announced as of %+v, want %s", got, tc.want)
			}
		})
	}
}

func TestAnAddressOfADualStackServiceIsOfThePoolThatIsGoneRatherThanOfOneOfTheOtherFamily(t *testing.T) {
	t.Parallel()
	in := input(func(in *policy.Input) {
		in.Pools = append(in.Pools[:0], pool("four", "198.51.100.0/24"))
		in.Advertisements = append(in.Advertisements[:0], adv("four", withPools("four")))
	})
	p, _ := policy.Compile(in, nil)
	for _, recorded := range [][]string{{"four", "six"}, {"six", "four"}} {
		if got := p.Pool(netip.MustParseAddr("2001:db8::1"), recorded); got == nil || got.Name != "" {
			t.Errorf("recorded of %q, the address is announced as of %+v", recorded, got)
		}
	}
}
