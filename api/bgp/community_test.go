// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta1"
)

func TestParseCommunity(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in         string
		want       string
		wantUint32 uint32
		wantLarge  [3]uint32
		wantError  string
	}{
		"standard":                       {in: "64512:100", want: "64512:100", wantUint32: 64512<<16 | 100},
		"no-advertise":                   {in: "65535:65282", want: "65535:65282", wantUint32: 0xFFFFFF02},
		"the smallest":                   {in: "0:0", want: "0:0"},
		"the largest standard":           {in: "65535:65535", want: "65535:65535", wantUint32: 0xFFFFFFFF},
		"leading zeros":                  {in: "00001:0002", want: "1:2", wantUint32: 0x10002},
		"large":                          {in: "large:64512:1:2", want: "large:64512:1:2", wantLarge: [3]uint32{64512, 1, 2}},
		"the largest large":              {in: "large:4294967295:4294967295:4294967295", want: "large:4294967295:4294967295:4294967295", wantLarge: [3]uint32{1<<32 - 1, 1<<32 - 1, 1<<32 - 1}},
		"nothing":                        {in: "", wantError: `invalid community format: ""; write "a:b", "large:a:b:c", "rt:a:b", "soo:a:b", "bandwidth:a:b" or a well-known name such as "no-export"`},
		"a number":                       {in: "100", wantError: `invalid community format: "100"; write "a:b", "large:a:b:c", "rt:a:b", "soo:a:b", "bandwidth:a:b" or a well-known name such as "no-export"`},
		"a word":                         {in: "no-import", wantError: `invalid community format: "no-import"; write "a:b", "large:a:b:c", "rt:a:b", "soo:a:b", "bandwidth:a:b" or a well-known name such as "no-export"`},
		"three parts":                    {in: "1:2:3", wantError: `invalid community format: "1:2:3"; write "a:b", "large:a:b:c", "rt:a:b", "soo:a:b", "bandwidth:a:b" or a well-known name such as "no-export"`},
		"four parts with another marker": {in: "big:1:2:3", wantError: `invalid marker for large community "big:1:2:3": expected community to be of format large:a:b:c`},
		"large with two parts":           {in: "large:1:2", wantError: `invalid community format: "large:1:2"; write "a:b", "large:a:b:c", "rt:a:b", "soo:a:b", "bandwidth:a:b" or a well-known name such as "no-export"`},
		"large with four parts":          {in: "large:1:2:3:4", wantError: `invalid community format: "large:1:2:3:4"; write "a:b", "large:a:b:c", "rt:a:b", "soo:a:b", "bandwidth:a:b" or a well-known name such as "no-export"`},
		"an empty section":               {in: "1:", wantError: `invalid community value: invalid section "" of community "1:": must be a number from 0 to 65535`},
		"a section too large":            {in: "65536:1", wantError: `invalid community value: invalid section "65536" of community "65536:1": must be a number from 0 to 65535`},
		"a large section too large":      {in: "large:1:4294967296:1", wantError: `invalid community value: invalid section "4294967296" of community "large:1:4294967296:1": must be a number from 0 to 4294967295`},
		"a negative section":             {in: "1:-1", wantError: `invalid community value: invalid section "-1" of community "1:-1": must be a number from 0 to 65535`},
		"a signed section":               {in: "+1:1", wantError: `invalid community value: invalid section "+1" of community "+1:1": must be a number from 0 to 65535`},
		"a hexadecimal section":          {in: "0x10:1", wantError: `invalid community value: invalid section "0x10" of community "0x10:1": must be a number from 0 to 65535`},
		"the mark of stale routes":       {in: "65535:6", wantError: `invalid community value: "65535:6" is LLGR_STALE (RFC 9494): routers would not be sent the route; remove it`},
		"too many leading zeros":         {in: "000001:1", wantError: `invalid community value: invalid section "000001" of community "000001:1": must be a number from 0 to 65535`},
		"a space":                        {in: "1: 2", wantError: `invalid community value: invalid section " 2" of community "1: 2": must be a number from 0 to 65535`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseCommunity(tc.in)
			if diff := cmp.Diff(tc.wantError, message(err)); diff != "" {
				t.Fatalf("error (-want +got):\n%s", diff)
			}
			if err != nil {
				return
			}
			if got.String() != tc.want || got.Uint32() != tc.wantUint32 || got.Large() != tc.wantLarge || (got.Kind() == Large) != (tc.want[0] == 'l') || got.Octets(true) != [8]byte{} {
				t.Errorf("got %s, %#x, %v, kind %d; want %s, %#x, %v", got, got.Uint32(), got.Large(), got.Kind(), tc.want, tc.wantUint32, tc.wantLarge)
			}
		})
	}
}

func TestParseCommunities(t *testing.T) {
	t.Parallel()
	alias := func(pairs ...string) *v1beta1.Community {
		c := &v1beta1.Community{}
		for i := 0; i < len(pairs); i += 2 {
			c.Spec.Communities = append(c.Spec.Communities, v1beta1.CommunityAlias{Name: pairs[i], Value: pairs[i+1]})
		}
		return c
	}
	tests := map[string]struct {
		in         *v1beta1.Community
		want       map[string]string
		wantErrors []string
	}{
		"nothing":                              {in: alias(), want: map[string]string{}},
		"both kinds":                           {in: alias("a", "1:2", "b", "large:1:2:3"), want: map[string]string{"a": "1:2", "b": "large:1:2:3"}},
		"a well-known name, and a name for it": {in: alias("no-export", "64512:1", "b", "no-export"), want: map[string]string{"no-export": "64512:1", "b": "65535:65281"}},
		"two names for one value":              {in: alias("a", "1:2", "b", "1:2"), want: map[string]string{"a": "1:2", "b": "1:2"}},
		"every error is reported": {
			in: alias("a", "1:2", "a", "1:3", "", "1:4", "x:y", "1:5", "c", "1"),
			wantErrors: []string{
				`spec.communities[1].name: Duplicate value: "a": duplicate definition of community "a"; remove one`,
				`spec.communities[2].name: Required value: an alias needs a name`,
				`spec.communities[3].name: Invalid value: "x:y": must not have a colon, which would make it a value`,
				`spec.communities[4].value: Invalid value: "1": invalid community format: "1"; write "a:b", "large:a:b:c", "rt:a:b", "soo:a:b", "bandwidth:a:b" or a well-known name such as "no-export"`,
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			aliases, errs := ParseCommunities(tc.in)
			if diff := cmp.Diff(tc.wantErrors, errorTexts(errs)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			var got map[string]string
			if aliases != nil {
				got = map[string]string{}
			}
			for name, c := range aliases {
				got[name] = c.String()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("aliases (-want +got):\n%s", diff)
			}
		})
	}
}

func TestResolveCommunities(t *testing.T) {
	t.Parallel()
	aliases := Aliases{"drop": mustCommunity(t, "65535:666"), "far": mustCommunity(t, "large:1:2:3"), "no-peer": mustCommunity(t, "64512:4")}
	tests := map[string]struct {
		in        []string
		want      []string
		wantError string
	}{
		"nothing":                                 {},
		"values are sorted, standard ones first":  {in: []string{"large:1:1:1", "2:1", "1:65535", "large:0:9:9", "1:2"}, want: []string{"1:2", "1:65535", "2:1", "large:0:9:9", "large:1:1:1"}},
		"aliases have their values":               {in: []string{"far", "drop"}, want: []string{"65535:666", "large:1:2:3"}},
		"an alias and its value are one":          {in: []string{"drop", "65535:0666", "65535:666"}, want: []string{"65535:666"}},
		"well-known names need no alias":          {in: []string{"no-export", "65535:65281", "blackhole", "drop"}, want: []string{"65535:666", "65535:65281"}},
		"an alias comes before a well-known name": {in: []string{"no-peer"}, want: []string{"64512:4"}},
		"extended ones come last":                 {in: []string{"soo:1:2", "large:1:2:3", "rt:1:2", "1:2"}, want: []string{"1:2", "large:1:2:3", "rt:1:2", "soo:1:2"}},
		"unknown aliases are all named":           {in: []string{"x", "drop", "y"}, wantError: `no Community object defines the alias "x", "y"; define it or write the community's value`},
		"a malformed value":                       {in: []string{"1:x"}, wantError: `invalid community value: invalid section "x" of community "1:x": must be a number from 0 to 65535`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			communities, err := ResolveCommunities(tc.in, aliases)
			if diff := cmp.Diff(tc.wantError, message(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			got := make([]string, 0, len(communities))
			for _, c := range communities {
				got = append(got, c.String())
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("communities (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckAliases(t *testing.T) {
	t.Parallel()
	one := mustCommunity(t, "1:1")
	if err := CheckAliases(Aliases{"a": one}, Aliases{"b": one}); err != nil {
		t.Errorf("different names: got %v, want none", err)
	}
	want := `duplicate definition of community "b"; define it in one Community object only`
	if diff := cmp.Diff(want, message(CheckAliases(Aliases{"c": one, "b": one, "a": one}, Aliases{"c": one, "b": one}))); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

// FuzzParseCommunity holds that the text of a community parses to the same community.
func FuzzParseCommunity(f *testing.F) {
	for _, s := range []string{"64512:100", "large:1:2:3", "large:4294967296:0:0", "1:2:3:4", ":", "large:", "+1:1", "00001:1", "no-export", "rt:64512:4294967295", "soo:4200000000:65535", "rt:192.0.2.1:1",
		"bandwidth:64512:125000000", "bandwidth:0:999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCommunity(s)
		if err != nil {
			if c != (Community{}) {
				t.Errorf("%q: error %v with community %v", s, err, c)
			}
			return
		}
		again, err := ParseCommunity(c.String())
		if err != nil || again != c || again.Compare(c) != 0 {
			t.Errorf("%q: %q parses to %v, %v", s, c, again, err)
		}
		is := [...]bool{Standard: c.Uint32() != 0, Large: c.Large() != [3]uint32{}, Extended: c.Octets(true) != [8]byte{}}
		is[c.Kind()] = false
		if is != [3]bool{} {
			t.Errorf("%q: of kind %d, and also standard %#x, large %v, extended %x", s, c.Kind(), c.Uint32(), c.Large(), c.Octets(true))
		}
	})
}

func mustCommunity(tb testing.TB, s string) Community {
	tb.Helper()
	c, err := ParseCommunity(s)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func errorTexts(errs field.ErrorList) []string {
	if len(errs) == 0 {
		return nil
	}
	list := make([]string, 0, len(errs))
	for _, err := range errs {
		list = append(list, err.Error())
	}
	return list
}
