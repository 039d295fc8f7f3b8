// SPDX-License-Identifier: Apache-2.0

package ipam

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"net/netip"
	"slices"
	"strings"

	"metallb.io/metallb/api/internal/fields"
)

// Range is an inclusive range of addresses of one family.
type Range struct{ From, To netip.Addr }

// ParseRange parses a CIDR prefix ("198.51.100.0/24") or an inclusive range ("198.51.100.10-198.51.100.20", with or
// without spaces around the dash). Host bits of a prefix are masked off. Refused are zones, IPv4 addresses written as
// IPv6, and ranges that include addresses of special meaning, such as loopback or multicast.
func ParseRange(s string) (Range, error) {
	parse := parsePrefix
	if strings.Contains(s, "-") {
		parse = parseFromTo
	}
	r, err := parse(s)
	if err != nil {
		return Range{}, err
	}
	for i := range specials {
		if special := &specials[i]; r.Overlaps(special.Range) {
			return Range{}, fmt.Errorf("%q includes %s (%s), which no router forwards; leave it out", s, special.name, special.prefix)
		}
	}
	return r, nil
}

func parsePrefix(s string) (Range, error) {
	addr, _, found := strings.Cut(s, "/")
	if !found {
		if a, err := fields.Addr(s); err == nil {
			return Range{}, fmt.Errorf("invalid CIDR %q: no prefix length; for one address write \"%s/%d\"", s, s, a.BitLen())
		}
		return Range{}, fmt.Errorf("invalid CIDR %q: write a prefix such as \"198.51.100.0/24\" or a range such as \"198.51.100.10-198.51.100.20\"", s)
	}
	if _, err := fields.Addr(addr); err != nil {
		return Range{}, fmt.Errorf("invalid CIDR %q: %w", s, err)
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return Range{}, fmt.Errorf("invalid CIDR %q: the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6", s)
	}
	return rangeOf(p), nil
}

func parseFromTo(s string) (Range, error) {
	from, to, _ := strings.Cut(s, "-")
	from, to = strings.Trim(from, " "), strings.Trim(to, " ")
	start, err := fields.Addr(from)
	if err != nil {
		return Range{}, fmt.Errorf("invalid IP range %q: invalid start IP %q: %w", s, from, err)
	}
	end, err := fields.Addr(to)
	if err != nil {
		return Range{}, fmt.Errorf("invalid IP range %q: invalid end IP %q: %w", s, to, err)
	}
	if start.Is4() != end.Is4() {
		return Range{}, fmt.Errorf("invalid IP range %q: start and end must both be IPv4 or both be IPv6", s)
	}
	if end.Less(start) {
		return Range{}, fmt.Errorf("invalid IP range %q: start IP %q is after the end IP %q; exchange them", s, from, to)
	}
	return Range{From: start, To: end}, nil
}

// specials are the blocks of the IANA special-purpose address registries that routers never forward as unicast. Blocks
// that some do forward, such as 169.254.0.0/16 and 240.0.0.0/4, are not among them.
var specials = [...]special{
	newSpecial("0.0.0.0/32", "the unspecified address"),
	newSpecial("127.0.0.0/8", "loopback addresses"),
	newSpecial("224.0.0.0/4", "multicast addresses"),
	newSpecial("255.255.255.255/32", "the limited broadcast address"),
	newSpecial("::/128", "the unspecified address"),
	newSpecial("::1/128", "the loopback address"),
	newSpecial("::ffff:0:0/96", "IPv4 addresses written as IPv6"),
	newSpecial("fe80::/10", "link-local addresses"),
	newSpecial("ff00::/8", "multicast addresses"),
}

type special struct {
	Range
	prefix netip.Prefix
	name   string
}

func newSpecial(prefix, name string) special {
	p := netip.MustParsePrefix(prefix)
	return special{rangeOf(p), p, name}
}

// rangeOf returns all addresses of the prefix.
func rangeOf(p netip.Prefix) Range {
	p = p.Masked()
	last := p.Addr().AsSlice()
	for i := range last {
		switch host := (i+1)*8 - p.Bits(); {
		case host >= 8:
			last[i] = 0xff
		case host > 0:
			last[i] |= 1<<host - 1
		}
	}
	to, _ := netip.AddrFromSlice(last)
	return Range{From: p.Addr(), To: to}
}

// Contains reports whether the address is in the range.
func (r Range) Contains(a netip.Addr) bool {
	return !a.Less(r.From) && !r.To.Less(a) && a.BitLen() == r.From.BitLen() && a.Zone() == ""
}

// Overlaps reports whether the ranges have an address in common.
func (r Range) Overlaps(o Range) bool {
	return r.From.BitLen() == o.From.BitLen() && !r.To.Less(o.From) && !o.To.Less(r.From)
}

// String returns the range as a CIDR prefix if it is one, else as "from-to".
func (r Range) String() string {
	if p := r.LargestPrefix(); p.IsValid() && rangeOf(p) == r {
		return p.String()
	}
	return r.From.String() + "-" + r.To.String()
}

// LargestPrefix returns the largest prefix that lies wholly in the range, the first if there are several of that size.
// The zero Range has none.
func (r Range) LargestPrefix() netip.Prefix {
	high, low := r.distance()
	hostBits := bits.Len64(low)
	if high > 0 {
		hostBits = 64 + bits.Len64(high)
	}
	// A larger prefix than that has more addresses than the range.
	for length := r.From.BitLen() - hostBits; length <= r.From.BitLen(); length++ {
		p := netip.PrefixFrom(r.From, length).Masked()
		if p.Addr() != r.From {
			// The prefix begins before the range: the next of its size is the first that can lie in it.
			next := rangeOf(p).To.Next()
			if !next.IsValid() {
				continue
			}
			p = netip.PrefixFrom(next, length)
		}
		if block := rangeOf(p); r.Contains(block.From) && r.Contains(block.To) {
			return p
		}
	}
	return netip.Prefix{}
}

// distance returns how much greater the last address is than the first.
func (r Range) distance() (high, low uint64) { return r.Offset(r.To) }

// Offset returns how much greater an address of the range is than the first, as a number of 128 bits.
func (r Range) Offset(a netip.Addr) (high, low uint64) {
	from, to := r.From.As16(), a.As16()
	low, borrow := bits.Sub64(binary.BigEndian.Uint64(to[8:]), binary.BigEndian.Uint64(from[8:]), 0)
	high, _ = bits.Sub64(binary.BigEndian.Uint64(to[:8]), binary.BigEndian.Uint64(from[:8]), borrow)
	return high, low
}

// size returns how many addresses the range has, saturating at math.MaxInt64. With avoidBuggyIPs, IPv4 addresses that
// end in .0 or .255 do not count.
func (r Range) size(avoidBuggyIPs bool) int64 {
	if r.From.Is4() {
		from, to := number(r.From), number(r.To)
		n := to - from + 1
		if avoidBuggyIPs {
			n -= buggyUpTo(to) - buggyUpTo(from-1)
		}
		return n
	}
	high, low := r.distance()
	if high != 0 || low >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(low) + 1
}

// buggyUpTo returns how many of the IPv4 addresses 0.0.0.0 to n end in .0 or .255; n is -1 for none of them.
func buggyUpTo(n int64) int64 { return (n+256)/256 + (n+1)/256 }

// number returns an IPv4 address as a number.
func number(a netip.Addr) int64 {
	b := a.As4()
	return int64(binary.BigEndian.Uint32(b[:]))
}

// isBuggy reports whether some old equipment would take the address for a network's own or for its broadcast address.
func isBuggy(a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	last := a.As4()[3]
	return last == 0 || last == 255
}

// Shifted returns, of a prefix that does not begin at the address that it is written with, the prefix that it is, and the
// range of addresses that begins where it is written: as many as the prefix has, or just that address if there is no room
// for them. Of what is no such prefix it returns false.
func Shifted(s string) (prefix netip.Prefix, written Range, shifted bool) {
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Masked() == p {
		return netip.Prefix{}, Range{}, false
	}
	from, host := p.Addr(), p.Addr().BitLen()-p.Bits()
	written = Range{From: from, To: from}
	// The last address is the one before the same place in the next prefix of this size.
	if next := rangeOf(p).To.Next(); next.IsValid() {
		last := next.AsSlice()
		for i, b := range from.AsSlice() {
			if left := host - (len(last)-1-i)*8; left >= 8 {
				last[i] |= b
			} else if left > 0 {
				last[i] |= b & (1<<left - 1)
			}
		}
		end, _ := netip.AddrFromSlice(last)
		if to := (Range{From: from, To: end.Prev()}); isOrdinary(to) {
			written = to
		}
	}
	return p.Masked(), written, true
}

// isOrdinary reports whether the range has no address of special meaning.
func isOrdinary(r Range) bool {
	return !slices.ContainsFunc(specials[:], func(s special) bool { return r.Overlaps(s.Range) })
}
