// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args    []string
		sizes   []int
		wantErr string
	}{
		"three sizes by default":         {sizes: []int{500, 2000, 8000}},
		"sizes are sorted and unique":    {args: []string{"--services", "20, 10,20"}, sizes: []int{10, 20}},
		"a size that is none":            {args: []string{"--services", "10,many"}, wantErr: `"many" is not a number from 1`},
		"no services":                    {args: []string{"--services", "0"}, wantErr: `"0" is not a number from 1`},
		"more than the pool has room":    {args: []string{"--services", "50001"}, wantErr: "to 50000"},
		"a subject that nobody knows":    {args: []string{"--subjects", "floor,ceiling"}, wantErr: `"ceiling" is neither floor nor product`},
		"nothing to take percentiles of": {args: []string{"--samples", "0"}, wantErr: "--samples"},
		"a flag that nobody knows":       {args: []string{"--fast"}, wantErr: "-fast"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told strings.Builder
			o, err := parseOptions(tc.args, &told)
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(told.String(), tc.wantErr) {
					t.Errorf("parseOptions() = %v and told %q, want an error with %q", err, told.String(), tc.wantErr)
				}
				return
			}
			if err != nil || !slices.Equal(o.sizes, tc.sizes) {
				t.Errorf("parseOptions() = %v, %v, want the sizes %v", o.sizes, err, tc.sizes)
			}
		})
	}
}
