// SPDX-License-Identifier: Apache-2.0

package ipam

import (
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRange(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in        string
		want      string // from-to, if there is no error
		wantError string
	}{
		"a prefix is all its addresses":                   {in: "198.51.100.0/24", want: "198.51.100.0-198.51.100.255"},
		"host bits of a prefix are masked":                {in: "198.51.100.7/24", want: "198.51.100.0-198.51.100.255"},
		"a prefix that ends inside an octet":              {in: "10.1.2.3/18", want: "10.1.0.0-10.1.63.255"},
		"one address as a prefix":                         {in: "198.51.100.7/32", want: "198.51.100.7-198.51.100.7"},
		"a large prefix":                                  {in: "10.0.0.0/8", want: "10.0.0.0-10.255.255.255"},
		"an IPv6 prefix":                                  {in: "2001:db8::/64", want: "2001:db8::-2001:db8::ffff:ffff:ffff:ffff"},
		"an IPv6 prefix in capitals":                      {in: "2001:DB8::A/124", want: "2001:db8::-2001:db8::f"},
		"unique local IPv6 addresses":                     {in: "fd00:1::/112", want: "fd00:1::-fd00:1::ffff"},
		"a range":                                         {in: "198.51.100.10-198.51.100.20", want: "198.51.100.10-198.51.100.20"},
		"a range with spaces around the dash":             {in: "198.51.100.10 - 198.51.100.20", want: "198.51.100.10-198.51.100.20"},
		"a range across octets":                           {in: "10.0.0.200-10.0.2.5", want: "10.0.0.200-10.0.2.5"},
		"a range of one address":                          {in: "10.0.0.1-10.0.0.1", want: "10.0.0.1-10.0.0.1"},
		"an IPv6 range":                                   {in: "2001:db8::1-2001:db8::ff", want: "2001:db8::1-2001:db8::ff"},
		"IPv4 link-local addresses, which some forward":   {in: "169.254.10.0/24", want: "169.254.10.0-169.254.10.255"},
		"class E addresses, which some forward":           {in: "240.0.0.0/28", want: "240.0.0.0-240.0.0.15"},
		"shared address space":                            {in: "100.64.0.0/10", want: "100.64.0.0-100.127.255.255"},
		"up to loopback":                                  {in: "126.0.0.0/8", want: "126.0.0.0-126.255.255.255"},
		"network zero except for the unspecified address": {in: "0.0.0.1-0.0.0.9", want: "0.0.0.1-0.0.0.9"},

		"nothing":                             {in: "", wantError: `invalid CIDR "": write a prefix such as "198.51.100.0/24" or a range such as "198.51.100.10-198.51.100.20"`},
		"a word":                              {in: "pool", wantError: `invalid CIDR "pool": write a prefix such as "198.51.100.0/24" or a range such as "198.51.100.10-198.51.100.20"`},
		"one address":                         {in: "198.51.100.7", wantError: `invalid CIDR "198.51.100.7": no prefix length; for one address write "198.51.100.7/32"`},
		"one IPv6 address":                    {in: "2001:db8::1", wantError: `invalid CIDR "2001:db8::1": no prefix length; for one address write "2001:db8::1/128"`},
		"a prefix with spaces around it":      {in: " 198.51.100.0/24 ", wantError: `invalid CIDR " 198.51.100.0/24 ": " 198.51.100.0" is not an IP address`},
		"too few octets":                      {in: "198.51.100/24", wantError: `invalid CIDR "198.51.100/24": "198.51.100" is not an IP address`},
		"an octet too large":                  {in: "198.51.100.256/24", wantError: `invalid CIDR "198.51.100.256/24": "198.51.100.256" is not an IP address`},
		"an octet with a leading zero":        {in: "198.051.100.0/24", wantError: `invalid CIDR "198.051.100.0/24": "198.051.100.0" is not an IP address`},
		"a prefix too long":                   {in: "198.51.100.0/33", wantError: `invalid CIDR "198.51.100.0/33": the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6`},
		"an IPv6 prefix too long":             {in: "2001:db8::/129", wantError: `invalid CIDR "2001:db8::/129": the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6`},
		"a negative prefix length":            {in: "10.0.0.0/-1", wantError: `invalid IP range "10.0.0.0/-1": invalid start IP "10.0.0.0/": "10.0.0.0/" is not an IP address`},
		"no prefix length":                    {in: "10.0.0.0/", wantError: `invalid CIDR "10.0.0.0/": the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6`},
		"a prefix length with a leading zero": {in: "10.0.0.0/08", wantError: `invalid CIDR "10.0.0.0/08": the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6`},
		"two prefix lengths":                  {in: "10.0.0.0/8/8", wantError: `invalid CIDR "10.0.0.0/8/8": the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6`},
		"a zone in a prefix":                  {in: "fe80::1%eth0/64", wantError: `invalid CIDR "fe80::1%eth0/64": "fe80::1%eth0" has a zone; write the address without "%eth0"`},
		"IPv4 written as IPv6":                {in: "::ffff:198.51.100.0/120", wantError: `invalid CIDR "::ffff:198.51.100.0/120": "::ffff:198.51.100.0" is an IPv4 address written as IPv6; write "198.51.100.0"`},

		"a range without start":     {in: "-10.0.0.1", wantError: `invalid IP range "-10.0.0.1": invalid start IP "": "" is not an IP address`},
		"a range without end":       {in: "10.0.0.1-", wantError: `invalid IP range "10.0.0.1-": invalid end IP "": "" is not an IP address`},
		"a range of three":          {in: "10.0.0.1-10.0.0.2-10.0.0.3", wantError: `invalid IP range "10.0.0.1-10.0.0.2-10.0.0.3": invalid end IP "10.0.0.2-10.0.0.3": "10.0.0.2-10.0.0.3" is not an IP address`},
		"a range with a short end":  {in: "10.0.0.1-20", wantError: `invalid IP range "10.0.0.1-20": invalid end IP "20": "20" is not an IP address`},
		"a range of prefixes":       {in: "10.0.0.0/24-10.0.1.0/24", wantError: `invalid IP range "10.0.0.0/24-10.0.1.0/24": invalid start IP "10.0.0.0/24": "10.0.0.0/24" is not an IP address`},
		"a range backwards":         {in: "10.0.0.20-10.0.0.10", wantError: `invalid IP range "10.0.0.20-10.0.0.10": start IP "10.0.0.20" is after the end IP "10.0.0.10"; exchange them`},
		"an IPv6 range backwards":   {in: "2001:db8::10-2001:db8::f", wantError: `invalid IP range "2001:db8::10-2001:db8::f": start IP "2001:db8::10" is after the end IP "2001:db8::f"; exchange them`},
		"a range of both families":  {in: "10.0.0.1-2001:db8::1", wantError: `invalid IP range "10.0.0.1-2001:db8::1": start and end must both be IPv4 or both be IPv6`},
		"a range from IPv4 as IPv6": {in: "::ffff:10.0.0.1-::ffff:10.0.0.9", wantError: `invalid IP range "::ffff:10.0.0.1-::ffff:10.0.0.9": invalid start IP "::ffff:10.0.0.1": "::ffff:10.0.0.1" is an IPv4 address written as IPv6; write "10.0.0.1"`},

		"everything":                     {in: "0.0.0.0/0", wantError: `"0.0.0.0/0" includes the unspecified address (0.0.0.0/32), which no router forwards; leave it out`},
		"loopback":                       {in: "127.0.0.1/32", wantError: `"127.0.0.1/32" includes loopback addresses (127.0.0.0/8), which no router forwards; leave it out`},
		"a range across loopback":        {in: "126.0.0.0-128.0.0.0", wantError: `"126.0.0.0-128.0.0.0" includes loopback addresses (127.0.0.0/8), which no router forwards; leave it out`},
		"multicast":                      {in: "239.1.0.0/16", wantError: `"239.1.0.0/16" includes multicast addresses (224.0.0.0/4), which no router forwards; leave it out`},
		"broadcast":                      {in: "255.255.255.0/24", wantError: `"255.255.255.0/24" includes the limited broadcast address (255.255.255.255/32), which no router forwards; leave it out`},
		"the unspecified IPv6 address":   {in: "::/128", wantError: `"::/128" includes the unspecified address (::/128), which no router forwards; leave it out`},
		"IPv6 loopback":                  {in: "::1-::9", wantError: `"::1-::9" includes the loopback address (::1/128), which no router forwards; leave it out`},
		"a range across mapped IPv4":     {in: "::1:0:0:0-64:ff9b::", want: "::1:0:0:0-64:ff9b::"},
		"IPv6 that includes mapped IPv4": {in: "::fffe:0:0-::ffff:ffff:1:0:0", wantError: `"::fffe:0:0-::ffff:ffff:1:0:0" includes IPv4 addresses written as IPv6 (::ffff:0.0.0.0/96), which no router forwards; leave it out`},
		"IPv6 link-local":                {in: "fe80::/64", wantError: `"fe80::/64" includes link-local addresses (fe80::/10), which no router forwards; leave it out`},
		"IPv6 multicast":                 {in: "ff05::/16", wantError: `"ff05::/16" includes multicast addresses (ff00::/8), which no router forwards; leave it out`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseRange(tc.in)
			if diff := cmp.Diff(tc.wantError, message(err)); diff != "" {
				t.Fatalf("error (-want +got):\n%s", diff)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tc.want, got.From.String()+"-"+got.To.String()); diff != "" {
				t.Errorf("range (-want +got):\n%s", diff)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestRangeContains(t *testing.T) {
	t.Parallel()
	v4, v6 := mustRange(t, "10.0.0.10-10.0.0.20"), mustRange(t, "2001:db8::/64")
	tests := map[string]struct {
		r    Range
		addr string
		want bool
	}{
		"the first address":            {v4, "10.0.0.10", true},
		"an address between":           {v4, "10.0.0.15", true},
		"the last address":             {v4, "10.0.0.20", true},
		"the address before":           {v4, "10.0.0.9", false},
		"the address after":            {v4, "10.0.0.21", false},
		"an IPv6 address in IPv4":      {v4, "2001:db8::", false},
		"an IPv4 address mapped to v6": {v4, "::ffff:10.0.0.15", false},
		"an IPv6 address":              {v6, "2001:db8::5", true},
		"an IPv6 address with a zone":  {v6, "2001:db8::5%eth0", false},
		"an IPv4 address in IPv6":      {v6, "10.0.0.15", false},
		"the zero range":               {Range{}, "10.0.0.15", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.r.Contains(netip.MustParseAddr(tc.addr)); got != tc.want {
				t.Errorf("%s contains %s: got %t, want %t", tc.r, tc.addr, got, tc.want)
			}
		})
	}
	if v4.Contains(netip.Addr{}) || v6.Contains(netip.Addr{}) {
		t.Error("a range contains the zero Addr")
	}
}

func TestRangeOverlaps(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		a, b string
		want bool
	}{
		"equal":                      {"10.0.0.0/24", "10.0.0.0/24", true},
		"one inside the other":       {"10.0.0.0/16", "10.0.5.0/24", true},
		"one address in common":      {"10.0.0.0-10.0.0.10", "10.0.0.10-10.0.0.20", true},
		"next to each other":         {"10.0.0.0-10.0.0.10", "10.0.0.11-10.0.0.20", false},
		"apart":                      {"10.0.0.0/24", "10.0.2.0/24", false},
		"of different families":      {"10.0.0.0/24", "2001:db8::/64", false},
		"IPv6, one inside the other": {"2001:db8::/64", "2001:db8::5-2001:db8::6", true},
		"IPv6, next to each other":   {"2001:db8::/65", "2001:db8::8000:0:0:0/65", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := mustRange(t, tc.a), mustRange(t, tc.b)
			if a.Overlaps(b) != tc.want || b.Overlaps(a) != tc.want {
				t.Errorf("%s and %s: got %t and %t, want %t", a, b, a.Overlaps(b), b.Overlaps(a), tc.want)
			}
		})
	}
}

func TestRangeStringAndLargestPrefix(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, wantString, wantLargest string }{
		"a prefix":                          {"198.51.100.7/24", "198.51.100.0/24", "198.51.100.0/24"},
		"a range that is a prefix":          {"10.0.0.0-10.0.0.255", "10.0.0.0/24", "10.0.0.0/24"},
		"a range of one address":            {"10.0.0.9-10.0.0.9", "10.0.0.9/32", "10.0.0.9/32"},
		"a range that is none":              {"10.0.0.1-10.0.0.6", "10.0.0.1-10.0.0.6", "10.0.0.2/31"},
		"a range with a prefix inside":      {"10.0.0.250-10.0.2.5", "10.0.0.250-10.0.2.5", "10.0.1.0/24"},
		"a range with the prefix first":     {"10.0.0.0-10.0.0.20", "10.0.0.0-10.0.0.20", "10.0.0.0/28"},
		"two odd addresses":                 {"10.0.0.1-10.0.0.2", "10.0.0.1-10.0.0.2", "10.0.0.1/32"},
		"up to the last address of class E": {"240.0.0.1-255.255.255.254", "240.0.0.1-255.255.255.254", "244.0.0.0/6"},
		"an IPv6 range that is a prefix":    {"2001:db8::-2001:db8::ffff", "2001:db8::/112", "2001:db8::/112"},
		"an IPv6 range that is none":        {"2001:db8::1-2001:db8::1:0:0", "2001:db8::1-2001:db8::1:0:0", "2001:db8::8000:0/97"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := mustRange(t, tc.in)
			if diff := cmp.Diff(tc.wantString, r.String()); diff != "" {
				t.Errorf("String (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantLargest, r.LargestPrefix().String()); diff != "" {
				t.Errorf("LargestPrefix (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRangeSize(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in              string
		want, wantAvoid int64
	}{
		"one address":                    {"10.0.0.1/32", 1, 1},
		"one buggy address":              {"10.0.0.0/32", 1, 0},
		"a /24":                          {"10.0.0.0/24", 256, 254},
		"a /23":                          {"10.0.0.0/23", 512, 508},
		"a /8":                           {"10.0.0.0/8", 1 << 24, 254 << 16},
		"from .0":                        {"10.0.0.0-10.0.0.9", 10, 9},
		"to .255":                        {"10.0.0.250-10.0.0.255", 6, 5},
		"from .255 to .0":                {"10.0.0.255-10.0.1.0", 2, 0},
		"from .1 to .254":                {"10.0.0.1-10.0.0.254", 254, 254},
		"across several":                 {"10.0.0.100-10.0.3.100", 769, 763},
		"an IPv6 prefix, never buggy":    {"2001:db8::/120", 256, 256},
		"an IPv6 range across 64 bits":   {"2001:db8:0:1::-2001:db8:0:2::", math.MaxInt64, math.MaxInt64},
		"IPv6, the largest exact number": {"2001:db8::-2001:db8::7fff:ffff:ffff:fffe", math.MaxInt64, math.MaxInt64},
		"IPv6, one less":                 {"2001:db8::-2001:db8::7fff:ffff:ffff:fffd", math.MaxInt64 - 1, math.MaxInt64 - 1},
		"IPv6, one more":                 {"2001:db8::/65", math.MaxInt64, math.MaxInt64},
		"IPv6, a /64":                    {"2001:db8::/64", math.MaxInt64, math.MaxInt64},
		"IPv6 with a borrow":             {"2001:db8:0:1:ffff:ffff:ffff:fff0-2001:db8:0:2::f", 32, 32},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := mustRange(t, tc.in)
			if got := r.size(false); got != tc.want {
				t.Errorf("size: got %d, want %d", got, tc.want)
			}
			if got := r.size(true); got != tc.wantAvoid {
				t.Errorf("size without buggy addresses: got %d, want %d", got, tc.wantAvoid)
			}
		})
	}
}

// FuzzParseRange holds that a range that parses is consistent with itself, and that its text parses to the same range.
func FuzzParseRange(f *testing.F) {
	for _, s := range []string{
		"198.51.100.7/24", "10.0.0.1 - 10.0.0.9", "2001:db8::/65", "::ffff:1.2.3.4/120", "fe80::1%eth0/64", "0.0.0.0/0", "10.0.0.1-", "::1-ff::",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRange(s)
		if err != nil {
			if r != (Range{}) {
				t.Errorf("%q: error %v with range %v", s, err, r)
			}
			return
		}
		checkRange(t, s, r)
	})
}

func checkRange(t *testing.T, s string, r Range) {
	t.Helper()
	if r.To.Less(r.From) || !r.Contains(r.From) || !r.Contains(r.To) || !r.Overlaps(r) {
		t.Errorf("%q: range %v contradicts itself", s, r)
	}
	if before, after := r.From.Prev(), r.To.Next(); r.Contains(before) || r.Contains(after) {
		t.Errorf("%q: range %v contains an address outside of it", s, r)
	}
	if again, err := ParseRange(r.String()); err != nil || again != r {
		t.Errorf("%q: %q parses to %v, %v", s, r, again, err)
	}
	if got, want := r.size(false), exactSize(r); got != want {
		t.Errorf("%q: size %d, want %d", s, got, want)
	}
	if p := r.LargestPrefix(); !r.Contains(p.Addr()) || !r.Contains(rangeOf(p).To) {
		t.Errorf("%q: prefix %s is not in the range", s, p)
	}
}

// exactSize is the size of the range by arithmetic without limit, saturating as size does.
func exactSize(r Range) int64 {
	from, to := new(big.Int).SetBytes(r.From.AsSlice()), new(big.Int).SetBytes(r.To.AsSlice())
	if n := to.Add(to.Sub(to, from), big.NewInt(1)); n.IsInt64() {
		return n.Int64()
	}
	return math.MaxInt64
}

func mustRange(tb testing.TB, s string) Range {
	tb.Helper()
	r, err := ParseRange(s)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestNoLargerPrefixLiesInARangeThanTheLargest(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		// Ranges of few addresses, around a boundary of many.
		from, to := random.IntN(512), random.IntN(512)
		r := Range{
			From: netip.AddrFrom4([4]byte{10, 0, byte(min(from, to) / 256), byte(min(from, to))}),
			To:   netip.AddrFrom4([4]byte{10, 0, byte(max(from, to) / 256), byte(max(from, to))}),
		}
		if from%2 == 0 {
			for _, a := range []*netip.Addr{&r.From, &r.To} {
				b := a.As4()
				*a = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 7: b[2], 15: b[3]})
			}
		}
		got := r.LargestPrefix()
		if block := rangeOf(got); !r.Contains(block.From) || !r.Contains(block.To) {
			t.Fatalf("%v-%v does not contain %s", r.From, r.To, got)
		}
		for a := r.From; got.Bits() > 0 && r.Contains(a); a = a.Next() {
			larger := rangeOf(netip.PrefixFrom(a, got.Bits()-1))
			if r.Contains(larger.From) && r.Contains(larger.To) {
				t.Fatalf("%v-%v contains %v, larger than %s", r.From, r.To, larger, got)
			}
			if a = rangeOf(netip.PrefixFrom(a, min(got.Bits(), a.BitLen()))).To; a == r.To {
				break
			}
		}
	}
}

func BenchmarkLargestPrefix(b *testing.B) {
	for name, r := range map[string]Range{
		"of a prefix":                rangeOf(netip.MustParsePrefix("2001:db8::/112")),
		"of most of a prefix":        {netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.51.100.254")},
		"of an address's both sides": {netip.MustParseAddr("2001:db8:0:1:ffff:ffff:ffff:ffff"), netip.MustParseAddr("2001:db8:0:2::")},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r.LargestPrefix()
			}
		})
	}
}
