// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	prefix = netip.MustParsePrefix("198.51.100.1/32")
	other  = netip.MustParsePrefix("198.51.100.2/32")
	noon   = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
)

// after is so many milliseconds after noon.
func after(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

// change is what the route to the prefix became.
func change(ms int, prefix netip.Prefix, gateways ...string) Change {
	c := Change{At: after(ms), Prefix: prefix}
	for _, gateway := range gateways {
		c.Gateways = append(c.Gateways, netip.MustParseAddr(gateway))
	}
	return c
}

func TestChangesOfRoutesTellWhichPathWasMissingAndWhen(t *testing.T) {
	t.Parallel()
	const a, b = "172.30.0.11", "172.30.0.12"
	path := func(gateway string) Path { return Path{prefix, netip.MustParseAddr(gateway)} }
	for name, tt := range map[string]struct {
		changes []Change
		want    Paths
	}{
		"nothing changes":              {[]Change{change(0, prefix, a, b)}, Paths{}},
		"a route is made":              {[]Change{change(0, prefix, a), change(1000, prefix, a, b)}, Paths{}},
		"a route is told again":        {[]Change{change(0, prefix, a, b), change(1000, prefix, a, b)}, Paths{}},
		"a path goes":                  {[]Change{change(0, prefix, a, b), change(500, prefix, b)}, Paths{path(a): {{From: after(500)}}}},
		"a path goes and comes back":   {[]Change{change(0, prefix, a, b), change(500, prefix, b), change(510, prefix, a, b)}, Paths{path(a): {{after(500), after(510)}}}},
		"a path goes twice":            {[]Change{change(0, prefix, a), change(1, prefix, b), change(2, prefix, a), change(3, prefix, b)}, Paths{path(a): {{after(1), after(2)}, {From: after(3)}}, path(b): {{after(2), after(3)}}}},
		"a route is replaced in steps": {[]Change{change(0, prefix, a, b), change(500, prefix), change(501, other), change(502, prefix, a, b)}, Paths{}},
		"a route loses a path in steps": {
			[]Change{change(0, prefix, a, b), change(500, prefix), change(501, prefix, b)},
			Paths{path(a): {{From: after(501)}}},
		},
		"a route goes for longer": {
			[]Change{change(0, prefix, a), change(500, prefix), change(700, prefix, a)},
			Paths{path(a): {{after(500), after(700)}}},
		},
		"a route goes for good": {[]Change{change(0, prefix, a), change(500, prefix)}, Paths{path(a): {{From: after(500)}}}},
		"another route changes": {[]Change{change(0, prefix, a), change(0, other, a), change(500, other, b)}, Paths{{other, netip.MustParseAddr(a)}: {{From: after(500)}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compareAddresses := cmp.Comparer(func(a, b Path) bool { return a == b })
			if diff := cmp.Diff(tt.want, absences(tt.changes), compareAddresses, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("absences (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPathsTellHowOftenAndForHowLong(t *testing.T) {
	t.Parallel()
	one, two := Path{prefix, netip.MustParseAddr("172.30.0.11")}, Path{prefix, netip.MustParseAddr("172.30.0.12")}
	p := Paths{one: {{after(0), after(10)}, {after(20), after(50)}}, two: {{From: after(5)}}}
	if p.Most() != 2 || p.Longest() != 30*time.Millisecond {
		t.Errorf("at most %d times, for at most %s", p.Most(), p.Longest())
	}
	want := "198.51.100.1/32 over 172.30.0.11 was missing from Nov 29 12:00:00.000 for 10ms from Nov 29 12:00:00.020 for 30ms\n" +
		"198.51.100.1/32 over 172.30.0.12 was missing from Nov 29 12:00:00.005"
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(p.String(), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
