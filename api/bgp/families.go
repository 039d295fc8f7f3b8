// SPDX-License-Identifier: Apache-2.0

package bgp

import "net/netip"

// Families are address families whose unicast routes are meant.
type Families struct {
	IPv4, IPv6 bool
}

// FamilyOf returns the family of the address alone.
func FamilyOf(a netip.Addr) Families {
	return Families{IPv4: a.Is4(), IPv6: a.Is6()}
}

// Has reports whether the family of the address is among them.
func (f Families) Has(a netip.Addr) bool {
	if a.Is4() {
		return f.IPv4
	}
	return f.IPv6
}

// And returns those that are in both.
func (f Families) And(g Families) Families {
	return Families{IPv4: f.IPv4 && g.IPv4, IPv6: f.IPv6 && g.IPv6}
}

// Or returns those that are in either.
func (f Families) Or(g Families) Families {
	return Families{IPv4: f.IPv4 || g.IPv4, IPv6: f.IPv6 || g.IPv6}
}

// Without returns those that are not in the other set.
func (f Families) Without(g Families) Families {
	return Families{IPv4: f.IPv4 && !g.IPv4, IPv6: f.IPv6 && !g.IPv6}
}

// Any reports whether there is one.
func (f Families) Any() bool {
	return f.IPv4 || f.IPv6
}

// String returns "IPv4", "IPv6" or both with "and" between them; "no" for none.
func (f Families) String() string {
	switch {
	case f.IPv4 && f.IPv6:
		return "IPv4 and IPv6"
	case f.IPv4:
		return "IPv4"
	case f.IPv6:
		return "IPv6"
	default:
		return "no"
	}
}
