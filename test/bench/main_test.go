// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
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
		"a part that nobody knows":       {args: []string{"--only", "sessions,rest"}, wantErr: `"rest" is none of services, changes, asking, sessions`},
		"no peers":                       {args: []string{"--peers", "1,0"}, wantErr: `--peers: "0" is not a number from 1 to 100`},
		"no routes":                      {args: []string{"--routes", "0"}, wantErr: "--routes: 0 is not"},
		"nothing to take percentiles of": {args: []string{"--samples", "0"}, wantErr: "--samples"},
		"fewer services than none":       {args: []string{"--rate", "-1"}, wantErr: "--rate: -1 is negative"},
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

func TestOnlyWhatIsMeasuredIsBuilt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		want binaries
	}{
		"all":               {nil, binaries{}},
		"services":          {[]string{"--only", "services"}, binaries{fanout: "-", bfd: "-", plugin: "-"}},
		"services of floor": {[]string{"--subjects", "floor"}, binaries{controller: "-", speaker: "-", fanout: "-", bfd: "-", plugin: "-"}},
		"changes":           {[]string{"--only", "changes"}, binaries{floor: "-", speaker: "-", fanout: "-", bfd: "-", plugin: "-"}},
		"asking":            {[]string{"--only", "asking"}, binaries{floor: "-", speaker: "-", fanout: "-", bfd: "-"}},
		"sessions":          {[]string{"--only", "sessions"}, binaries{floor: "-", controller: "-", speaker: "-", bfd: "-", plugin: "-"}},
		"BFD":               {[]string{"--only", "bfd"}, binaries{floor: "-", controller: "-", speaker: "-", fanout: "-", plugin: "-"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := parseOptions(tc.args, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if o.skipBuilds(); o.binaries != tc.want {
				t.Errorf("paths of programs are %+v, want %+v", o.binaries, tc.want)
			}
		})
	}
}
