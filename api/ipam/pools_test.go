// SPDX-License-Identifier: Apache-2.0

package ipam

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestNewPoolsOrdersByPriorityThenName(t *testing.T) {
	t.Parallel()
	with := func(name string, a *Allocation) Pool { return Pool{Name: name, Allocation: a} }
	in := []Pool{
		with("zero", &Allocation{}), with("none", nil), with("b-two", &Allocation{Priority: 2}), with("ten", &Allocation{Priority: 10}),
		with("a-two", &Allocation{Priority: 2}), with("one", &Allocation{Priority: 1}), with("also-none", nil),
	}
	got := NewPools(in...)
	if diff := cmp.Diff([]string{"one", "a-two", "b-two", "ten", "also-none", "none", "zero"}, poolNames(got)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if in[0].Name != "zero" {
		t.Error("NewPools reorders its arguments")
	}
	if p, found := got.ByName("ten"); !found || p.Name != "ten" {
		t.Errorf("ByName(ten): got %v, %t", p, found)
	}
	if p, found := got.ByName("eleven"); found {
		t.Errorf("ByName(eleven): got %v, want none", p)
	}
}

func TestPoolsFind(t *testing.T) {
	t.Parallel()
	avoiding := mustPool(t, "avoiding", "10.0.2.0/24")
	avoiding.AvoidBuggyIPs = true
	pools := NewPools(mustPool(t, "a", "10.0.0.0/24", "2001:db8::/64"), mustPool(t, "b", "10.0.1.5-10.0.1.9", "10.0.3.0/24", "10.0.1.0/30"), avoiding)
	tests := map[string]string{
		"10.0.0.0": "a", "10.0.0.255": "a", "2001:db8::1": "a",
		"10.0.1.5": "b", "10.0.1.9": "b", "10.0.1.4": "", "10.0.1.3": "b", "10.0.1.10": "", "10.0.3.7": "b",
		"10.0.2.1": "avoiding", "10.0.2.0": "", "10.0.2.255": "",
		"9.255.255.255": "", "192.0.2.1": "", "2001:db8:0:1::": "",
	}
	for addr, want := range tests {
		t.Run(addr, func(t *testing.T) {
			t.Parallel()
			p, found := pools.Find(netip.MustParseAddr(addr))
			if found != (want != "") || found && p.Name != want {
				t.Errorf("got %v, want %q", p, want)
			}
		})
	}
	if _, found := Pools(nil).Find(netip.MustParseAddr("10.0.0.1")); found {
		t.Error("no pools contain an address")
	}
}

func TestOverlaps(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pools []Pool
		want  []string
	}{
		"none":               {},
		"pools side by side": {pools: []Pool{mustPool(t, "a", "10.0.0.0/24", "2001:db8::/64"), mustPool(t, "b", "10.0.1.0/24")}},
		"the same prefix": {
			pools: []Pool{mustPool(t, "a", "10.0.0.0/24"), mustPool(t, "b", "10.0.0.0/24")},
			want:  []string{`CIDR "10.0.0.0/24" in pool "b" overlaps with already defined CIDR "10.0.0.0/24" in pool "a"`},
		},
		"the order of the arguments decides which is in the way": {
			pools: []Pool{mustPool(t, "b", "10.0.0.0/16"), mustPool(t, "a", "10.0.5.0/24")},
			want:  []string{`CIDR "10.0.5.0/24" in pool "a" overlaps with already defined CIDR "10.0.0.0/16" in pool "b"`},
		},
		"one pool over several ranges of others": {
			pools: []Pool{mustPool(t, "c", "10.0.9.0/24", "10.0.1.0/24"), mustPool(t, "b", "10.0.0.1-10.0.0.9"), mustPool(t, "a", "10.0.0.0/20", "2001:db8::/64")},
			want: []string{
				`CIDR "10.0.0.0/20" in pool "a" overlaps with already defined CIDR "10.0.9.0/24" in pool "c"`,
				`CIDR "10.0.0.0/20" in pool "a" overlaps with already defined CIDR "10.0.1.0/24" in pool "c"`,
				`CIDR "10.0.0.0/20" in pool "a" overlaps with already defined CIDR "10.0.0.1-10.0.0.9" in pool "b"`,
			},
		},
		"three that share an address": {
			pools: []Pool{mustPool(t, "a", "10.0.0.0/24"), mustPool(t, "b", "10.0.0.9/32"), mustPool(t, "c", "10.0.0.5-10.0.0.20")},
			want: []string{
				`CIDR "10.0.0.9/32" in pool "b" overlaps with already defined CIDR "10.0.0.0/24" in pool "a"`,
				`CIDR "10.0.0.5-10.0.0.20" in pool "c" overlaps with already defined CIDR "10.0.0.0/24" in pool "a"`,
				`CIDR "10.0.0.5-10.0.0.20" in pool "c" overlaps with already defined CIDR "10.0.0.9/32" in pool "b"`,
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := texts(Overlaps(tc.pools...))
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("overlaps (-want +got):\n%s", diff)
			}
		})
	}
}

func BenchmarkPoolsFind(b *testing.B) {
	for _, size := range []struct{ pools, ranges int }{{1, 1}, {50, 1}, {50, 20}, {50, 1000}} {
		b.Run(fmt.Sprintf("%d pools of %d ranges", size.pools, size.ranges), func(b *testing.B) {
			pools := make([]Pool, 0, size.pools)
			for i := range size.pools {
				addresses := make([]string, 0, size.ranges)
				for j := range size.ranges {
					addresses = append(addresses, fmt.Sprintf("10.%d.%d.%d/30", i, j/64, j%64*4))
				}
				pools = append(pools, mustPool(b, fmt.Sprintf("pool-%03d", i), addresses...))
			}
			all := NewPools(pools...)
			addr := all[len(all)-1].Ranges[size.ranges-1].To
			for b.Loop() {
				if _, found := all.Find(addr); !found {
					b.Fatal("not found")
				}
			}
		})
	}
}

func poolNames(ps Pools) []string {
	list := make([]string, 0, len(ps))
	for i := range ps {
		list = append(list, ps[i].Name)
	}
	return list
}
