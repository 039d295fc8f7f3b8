// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseWellKnownCommunities(t *testing.T) {
	t.Parallel()
	// From the IANA registry "BGP Well-known Communities".
	tests := map[string]uint32{
		"graceful-shutdown": 0xFFFF0000, "accept-own": 0xFFFF0001, "no-llgr": 0xFFFF0007, "blackhole": 0xFFFF029A,
		"no-export": 0xFFFFFF01, "no-advertise": 0xFFFFFF02, "no-export-subconfed": 0xFFFFFF03, "no-peer": 0xFFFFFF04,
	}
	for name, want := range tests {
		if c, err := ParseCommunity(name); err != nil || c.Uint32() != want || c.Kind() != Standard {
			t.Errorf("%s is %s, %#x, %v; want %#x", name, c, c.Uint32(), err, want)
		}
	}
	if len(tests) != len(wellKnown) {
		t.Errorf("there are %d names, want %d", len(wellKnown), len(tests))
	}
}

func TestParseExtendedCommunity(t *testing.T) {
	t.Parallel()
	const ofASN, ofRoute = "must be a number from 0 to 65535", "must be a number from 0 to 4294967295"
	invalid := func(section, community, must string) string {
		return fmt.Sprintf("invalid community value: invalid section %q of community %q: %s", section, community, must)
	}
	format := func(community string) string {
		return fmt.Sprintf("invalid community format: %q; "+
			`write "a:b", "large:a:b:c", "rt:a:b", "soo:a:b", "bandwidth:a:b" or a well-known name such as "no-export"`, community)
	}
	tests := map[string]struct {
		in, want string
		// wantOctets are those that are sent to external peers, and wantInternal to internal ones, if they differ.
		wantOctets, wantInternal string
		wantError                string
	}{
		"a route target":                          {in: "rt:64512:100", want: "rt:64512:100", wantOctets: "0002fc0000000064"},
		"the largest numbers":                     {in: "rt:65535:4294967295", want: "rt:65535:4294967295", wantOctets: "0002ffffffffffff"},
		"a route target of an ASN of 32 bits":     {in: "rt:4200000000:100", want: "rt:4200000000:100", wantOctets: "0202fa56ea000064"},
		"the smallest ASN of 32 bits":             {in: "rt:65536:65535", want: "rt:65536:65535", wantOctets: "020200010000ffff"},
		"a route target of an address":            {in: "rt:192.0.2.1:100", want: "rt:192.0.2.1:100", wantOctets: "0102c00002010064"},
		"a route origin":                          {in: "soo:64512:100", want: "soo:64512:100", wantOctets: "0003fc0000000064"},
		"a route origin of an ASN of 32 bits":     {in: "soo:4200000000:100", want: "soo:4200000000:100", wantOctets: "0203fa56ea000064"},
		"a route origin of an address":            {in: "soo:192.0.2.1:65535", want: "soo:192.0.2.1:65535", wantOctets: "0103c0000201ffff"},
		"leading zeros":                           {in: "rt:01:0000000002", want: "rt:1:2", wantOctets: "0002000100000002"},
		"a link of 1 Gbit/s":                      {in: "bandwidth:64512:125000000", want: "bandwidth:64512:125000000", wantOctets: "0004fc004cee6b28", wantInternal: "4004fc004cee6b28"},
		"no bandwidth":                            {in: "bandwidth:0:0", want: "bandwidth:0:0", wantOctets: "0004000000000000", wantInternal: "4004000000000000"},
		"a bandwidth that is rounded":             {in: "bandwidth:1:16777217", want: "bandwidth:1:16777216", wantOctets: "000400014b800000", wantInternal: "400400014b800000"},
		"the largest bandwidth":                   {in: "bandwidth:1:999999999999", want: "bandwidth:1:999999995904", wantOctets: "000400015368d4a5", wantInternal: "400400015368d4a5"},
		"two sections":                            {in: "rt:1", wantError: invalid("rt", "rt:1", ofASN)},
		"four sections":                           {in: "rt:1:2:3", wantError: `invalid marker for large community "rt:1:2:3": expected community to be of format large:a:b:c`},
		"another marker":                          {in: "target:1:2", wantError: format("target:1:2")},
		"a marker in capitals":                    {in: "RT:1:2", wantError: format("RT:1:2")},
		"an ASN too large":                        {in: "rt:4294967296:1", wantError: invalid("4294967296", "rt:4294967296:1", ofRoute)},
		"no ASN":                                  {in: "rt::1", wantError: invalid("", "rt::1", ofRoute)},
		"a number too large":                      {in: "rt:1:4294967296", wantError: invalid("4294967296", "rt:1:4294967296", ofRoute)},
		"a number too large for an ASN":           {in: "rt:65536:65536", wantError: invalid("65536", "rt:65536:65536", ofASN)},
		"a number too large for an address":       {in: "soo:192.0.2.1:65536", wantError: invalid("65536", "soo:192.0.2.1:65536", ofASN)},
		"no address":                              {in: "rt:192.0.2:1", wantError: invalid("192.0.2", "rt:192.0.2:1", "must be an ASN or an IPv4 address")},
		"an address with leading zeros":           {in: "rt:192.0.02.1:1", wantError: invalid("192.0.02.1", "rt:192.0.02.1:1", "must be an ASN or an IPv4 address")},
		"an ASN with dots":                        {in: "rt:1.10:1", wantError: invalid("1.10", "rt:1.10:1", "must be an ASN or an IPv4 address")},
		"a bandwidth of an ASN of 32 bits":        {in: "bandwidth:65536:1", wantError: invalid("65536", "bandwidth:65536:1", ofASN)},
		"a bandwidth too large":                   {in: "bandwidth:1:1000000000000", wantError: invalid("1000000000000", "bandwidth:1:1000000000000", "must be a number from 0 to 999999999999")},
		"a bandwidth with a unit":                 {in: "bandwidth:1:1G", wantError: invalid("1G", "bandwidth:1:1G", "must be a number from 0 to 999999999999")},
		"a large community with another's marker": {in: "large:rt:1:2", wantError: invalid("rt", "large:rt:1:2", ofRoute)},
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
			if tc.wantInternal == "" {
				tc.wantInternal = tc.wantOctets
			}
			want := []string{tc.want, tc.wantOctets, tc.wantInternal}
			if diff := cmp.Diff(want, []string{got.String(), fmt.Sprintf("%x", got.Octets(false)), fmt.Sprintf("%x", got.Octets(true))}); diff != "" {
				t.Errorf("text, octets to external peers and to internal ones (-want +got):\n%s", diff)
			}
			if got.Kind() != Extended || got.Uint32() != 0 || got.Large() != [3]uint32{} || got.IsLinkBandwidth() != (tc.in[0] == 'b') {
				t.Errorf("got kind %d, %#x, %v, link bandwidth %t", got.Kind(), got.Uint32(), got.Large(), got.IsLinkBandwidth())
			}
		})
	}
}

func TestALinkBandwidthHasRoomForAnASNOfTwoOctets(t *testing.T) {
	t.Parallel()
	for asn, want := range map[uint32]string{65535: "bandwidth:65535:375000", 65536: "bandwidth:23456:375000", 4200000000: "bandwidth:23456:375000"} {
		if got := LinkBandwidth(asn, 375_000).String(); got != want {
			t.Errorf("of ASN %d: got %s, want %s", asn, got, want)
		}
	}
	less, more := LinkBandwidth(2, 9), LinkBandwidth(1, 1e9)
	if less.CompareBandwidth(more) >= 0 || more.CompareBandwidth(less) <= 0 || less.CompareBandwidth(LinkBandwidth(1, 9)) != 0 {
		t.Errorf("%s is not ordered before %s", less, more)
	}
}
