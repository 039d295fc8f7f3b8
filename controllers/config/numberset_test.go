// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"testing"

	"metallb.io/metallb/controllers/config"
)

func TestSetsOfNumbersAreOfAnyLength(t *testing.T) {
	t.Parallel()
	set := func(nodes ...int) (s config.NumberSet) {
		for _, n := range nodes {
			s.Add(n)
		}
		return s
	}
	short, long := set(1, 2), set(2, 70)
	for name, tc := range map[string]struct{ got, want config.NumberSet }{
		"both":                 {short.And(long), set(2)},
		"both, the other way":  {long.And(short), set(2)},
		"without":              {short.Without(long), set(1)},
		"without, the other":   {long.Without(short), set(70)},
		"nothing":              {config.NumberSet(nil).And(long), nil},
		"without nothing":      {long.Without(nil), long},
		"removed from a short": {func() config.NumberSet { s := set(1); s.Remove(200); return s }(), set(1)},
		"all":                  {func() config.NumberSet { s := set(1, 2); s.AddAll(long); return s }(), set(1, 2, 70)},
	} {
		if !tc.got.Equal(tc.want) || !tc.want.Equal(tc.got) || tc.got.Count() != tc.want.Count() || tc.got.Empty() != (tc.want.Count() == 0) {
			t.Errorf("%s: got %v, want %v", name, tc.got, tc.want)
		}
	}
	if short.Equal(long) || !short.Meets(long) || set(1).Meets(long) || long.Meets(nil) {
		t.Error("sets are taken for others")
	}
}
