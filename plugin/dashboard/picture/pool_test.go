// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/api/ipam"
)

func TestTheMapOfARange(t *testing.T) {
	free := func(n int) string { return strings.Repeat("0", n) }
	for name, test := range map[string]struct {
		text string
		held []string
		want Range
	}{
		"a cell for each address":                     {"198.51.100.0/29", []string{"198.51.100.2"}, Range{"198.51.100.0/29", "00900000", "1", false}},
		"an address that two services share":          {"198.51.100.0/31", []string{"198.51.100.0", "198.51.100.0"}, Range{"198.51.100.0/31", "90", "1", false}},
		"a range that is no prefix":                   {"198.51.100.1-198.51.100.3", []string{"198.51.100.3"}, Range{"198.51.100.1-198.51.100.3", "009", "1", false}},
		"a block of which half is used":               {"198.51.100.0/23", []string{"198.51.100.1"}, Range{"198.51.100.0/23", "5" + free(255), "2", false}},
		"a block that is used":                        {"198.51.100.0/23", []string{"198.51.100.2", "198.51.100.3"}, Range{"198.51.100.0/23", "09" + free(254), "2", false}},
		"a large range of which nothing is used":      {"2001:db8::/64", nil, Range{"2001:db8::/64", free(64), "1", true}},
		"a large range up to the last used":           {"2001:db8::/64", []string{"2001:db8::1ff"}, Range{"2001:db8::/64", free(255) + "5", "2", true}},
		"a large range of which the last is used":     {"2001:db8::/64", []string{"2001:db8::ffff:ffff:ffff:ffff"}, Range{"2001:db8::/64", free(255) + "1", "2^56", false}},
		"addresses of other ranges":                   {"198.51.100.0/31", []string{"203.0.113.1", "2001:db8::1"}, Range{"198.51.100.0/31", "00", "1", false}},
		"a range whose last block is smaller, wholly": {"198.51.100.0-198.51.101.0", []string{"198.51.101.0"}, Range{"198.51.100.0-198.51.101.0", free(128) + "9", "2", false}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := ipam.ParseRange(test.text)
			if err != nil {
				t.Fatal(err)
			}
			var held []holder
			for _, a := range test.held {
				held = append(held, holder{netip.MustParseAddr(a), "default/web"})
			}
			if diff := cmp.Diff(test.want, newWindow(r, held).drawn()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEachCellNamesItsHolders(t *testing.T) {
	r, err := ipam.ParseRange("198.51.100.0-198.51.101.0")
	if err != nil {
		t.Fatal(err)
	}
	cells := newWindow(r, []holder{{netip.MustParseAddr("198.51.100.2"), "default/a"}, {netip.MustParseAddr("198.51.101.0"), "default/b"}}).cells()
	want := map[int]Cell{1: {"198.51.100.2/31", 5, []string{"default/a"}}, 2: {"198.51.100.4/31", 0, []string{}}, 128: {"198.51.101.0", 9, []string{"default/b"}}}
	for i, cell := range want {
		if diff := cmp.Diff(cell, cells[i]); diff != "" {
			t.Errorf("cell %d (-want +got):\n%s", i, diff)
		}
	}
}
