// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

func TestAllocate(t *testing.T) {
	t.Parallel()
	one := func(n string, address string) *builder.Pool { return builder.MakePool(n, address) }
	tests := map[string]struct {
		pools []*builder.Pool
		// before are requests that are met first.
		before      []allocator.Request
		request     allocator.Request
		want        string
		wantRefusal string
	}{
		"the first service gets the first address, the network address included": {
			pools:   []*builder.Pool{one("a", "198.51.100.0/24")},
			request: request("x"),
			want:    "198.51.100.0",
		},
		"the next service gets the next address": {
			pools:   []*builder.Pool{one("a", "198.51.100.0/24")},
			before:  []allocator.Request{request("w")},
			request: request("x"),
			want:    "198.51.100.1",
		},
		"ranges are used in the order written": {
			pools:   []*builder.Pool{builder.MakePool("a", "198.51.100.9-198.51.100.9", "192.0.2.1-192.0.2.2")},
			before:  []allocator.Request{request("w")},
			request: request("x"),
			want:    "192.0.2.1",
		},
		"addresses that end in .0 or .255 are left out where the pool avoids them": {
			pools:   []*builder.Pool{builder.MakePool("a", "198.51.100.255-198.51.101.1").AvoidBuggyIPs()},
			request: request("x"),
			want:    "198.51.101.1",
		},
		"pools are tried by name": {
			pools:   []*builder.Pool{one("b", "192.0.2.0/24"), one("a", "198.51.100.0/24")},
			request: request("x"),
			want:    "198.51.100.0",
		},
		"a pool of better priority comes first": {
			pools:   []*builder.Pool{one("a", "192.0.2.0/24").Priority(20), one("b", "198.51.100.0/24").Priority(10)},
			request: request("x"),
			want:    "198.51.100.0",
		},
		"a pool reserved for the service comes before one open to all, whatever their names": {
			pools:   []*builder.Pool{one("a", "192.0.2.0/24"), one("b", "198.51.100.0/24").Namespaces("default")},
			request: request("x"),
			want:    "198.51.100.0",
		},
		"a full pool is followed by the next": {
			pools:   []*builder.Pool{one("a", "192.0.2.1/32"), one("b", "198.51.100.0/24")},
			before:  []allocator.Request{request("w")},
			request: request("x"),
			want:    "198.51.100.0",
		},
		"a pool that selects by the labels of the namespace admits a service in it": {
			pools:   []*builder.Pool{one("a", "192.0.2.0/24").NamespacesWithLabel("team", "blue")},
			request: request("x", inTeam("blue")),
			want:    "192.0.2.0",
		},
		"a pool that selects by labels of services admits one that has them": {
			pools:   []*builder.Pool{one("a", "192.0.2.0/24").ServicesWithLabel("tier", "web")},
			request: request("x", labelled("tier", "web")),
			want:    "192.0.2.0",
		},
		"a requested pool is used though it is not auto-assigned": {
			pools:   []*builder.Pool{one("a", "192.0.2.0/24"), one("b", "198.51.100.0/24").NoAutoAssign()},
			request: request("x", pool("b")),
			want:    "198.51.100.0",
		},
		"a requested address is used though its pool is not auto-assigned": {
			pools:   []*builder.Pool{one("b", "198.51.100.0/24").NoAutoAssign()},
			request: request("x", wants("198.51.100.7")),
			want:    "198.51.100.7",
		},
		"an IPv6 service gets an IPv6 address, of a pool of any size": {
			pools:   []*builder.Pool{builder.MakePool("a", "192.0.2.0/24", "2001:db8::/32")},
			before:  []allocator.Request{request("w", families(v6))},
			request: request("x", families(v6)),
			want:    "2001:db8::1",
		},
		"no pools": {
			request:     request("x"),
			wantRefusal: "no IPv4 address available: there is no valid IPAddressPool",
		},
		"of all pools those that come closest to serving it are named": {
			pools: []*builder.Pool{
				one("full", "192.0.2.1/32"), one("full2", "192.0.2.2/32"), one("manual", "192.0.2.16/28").NoAutoAssign(),
				one("other", "192.0.2.32/28").Namespaces("prod"), one("six", "2001:db8::/64"),
			},
			before:      []allocator.Request{request("v"), request("w")},
			request:     request("x"),
			wantRefusal: `no IPv4 address available: pools "full", "full2" are exhausted`,
		},
		"a requested pool that does not exist": {
			pools:       []*builder.Pool{one("a", "192.0.2.0/24")},
			request:     request("x", pool("b")),
			wantRefusal: `no IPv4 address available: pool "b" does not exist or is not valid`,
		},
		"a requested pool that is for others": {
			pools:       []*builder.Pool{one("a", "192.0.2.0/24").Namespaces("prod")},
			request:     request("x", pool("a")),
			wantRefusal: `no IPv4 address available: pool "a" does not select the service`,
		},
		"a requested address that is in use": {
			pools:       []*builder.Pool{one("a", "192.0.2.0/24")},
			before:      []allocator.Request{request("w")},
			request:     request("x", wants("192.0.2.0")),
			wantRefusal: `address "192.0.2.0" is in use by "default/w"`,
		},
		"a requested address that no pool has": {
			pools:       []*builder.Pool{one("a", "192.0.2.0/24")},
			request:     request("x", wants("203.0.113.1")),
			wantRefusal: `address "203.0.113.1" is not in any pool`,
		},
		"a requested address that its pool avoids": {
			pools:       []*builder.Pool{one("a", "192.0.2.0/24").AvoidBuggyIPs()},
			request:     request("x", wants("192.0.2.255")),
			wantRefusal: `address "192.0.2.255" ends in .0 or .255, which pool "a" avoids (avoidBuggyIPs)`,
		},
		"a requested address of another pool than the requested one": {
			pools:       []*builder.Pool{one("a", "192.0.2.0/24"), one("b", "198.51.100.0/24")},
			request:     request("x", pool("b"), wants("192.0.2.1")),
			wantRefusal: `address "192.0.2.1" is in pool "a", which is not the one requested`,
		},
		"a requested address of a pool that is for others": {
			pools:       []*builder.Pool{one("a", "192.0.2.0/24").Namespaces("prod")},
			request:     request("x", wants("192.0.2.1")),
			wantRefusal: `address "192.0.2.1" is in pool "a", which does not select the service`,
		},
		"dual stack takes both addresses from the first pool that has both": {
			pools:   []*builder.Pool{one("a", "192.0.2.0/24"), builder.MakePool("b", "198.51.100.0/24", "2001:db8::/64")},
			request: request("x", families(v6, v4), requireAll),
			want:    "2001:db8::,198.51.100.0",
		},
		"dual stack takes the addresses from two pools if none has both": {
			pools:   []*builder.Pool{one("a", "192.0.2.0/24"), one("b", "2001:db8::/64")},
			request: request("x", families(v4, v6), requireAll),
			want:    "192.0.2.0,2001:db8::",
		},
		"required dual stack is refused if one family is missing": {
			pools:       []*builder.Pool{one("a", "192.0.2.0/24")},
			request:     request("x", families(v4, v6), requireAll),
			wantRefusal: `no IPv6 address available: no pool that the service may use has an IPv6 range`,
		},
		"preferred dual stack does with one family": {
			pools:   []*builder.Pool{one("a", "2001:db8::/64")},
			request: request("x", families(v4, v6)),
			want:    "2001:db8::",
		},
		"two requested addresses are both used": {
			pools:   []*builder.Pool{one("a", "192.0.2.0/24"), one("b", "2001:db8::/64")},
			request: request("x", families(v4, v6), wants("192.0.2.9", "2001:db8::9")),
			want:    "192.0.2.9,2001:db8::9",
		},
		"of two requested addresses none is taken if one is refused": {
			pools:       []*builder.Pool{one("a", "192.0.2.0/24")},
			request:     request("x", families(v4, v6), wants("192.0.2.9", "2001:db8::9")),
			wantRefusal: `address "2001:db8::9" is not in any pool`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, tc.pools...)
			for _, r := range tc.before {
				mustAllocate(t, a, r)
			}
			for range 2 { // The second time changes nothing.
				got, refused := allocate(a, tc.request)
				if diff := cmp.Diff([]string{tc.want, tc.wantRefusal}, []string{got, refused}); diff != "" {
					t.Errorf("addresses and refusal (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestSharing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before      []allocator.Request
		request     allocator.Request
		want        string
		wantRefusal string
	}{
		"equal keys and different ports share": {
			before:  []allocator.Request{request("w", shares("k", 80))},
			request: request("x", shares("k", 443)),
			want:    "192.0.2.0",
		},
		"the same port is not shared": {
			before:  []allocator.Request{request("w", shares("k", 80))},
			request: request("x", shares("k", 80)),
			want:    "192.0.2.1",
		},
		"a requested address with the same port is refused": {
			before:      []allocator.Request{request("w", shares("k", 80))},
			request:     request("x", shares("k", 80), wants("192.0.2.0")),
			wantRefusal: `address "192.0.2.0" is in use by "default/w", which has port 80/TCP too`,
		},
		"a requested address under another key is refused": {
			before:      []allocator.Request{request("w", shares("k", 80))},
			request:     request("x", shares("l", 443), wants("192.0.2.0")),
			wantRefusal: `address "192.0.2.0" is in use by "default/w" under another sharing key`,
		},
		"a requested address with another traffic policy is refused": {
			before:      []allocator.Request{request("w", shares("k", 80))},
			request:     request("x", shares("k", 443), local("app=x"), wants("192.0.2.0")),
			wantRefusal: `address "192.0.2.0" is in use by "default/w", with another externalTrafficPolicy`,
		},
		"with the traffic policy Local services share if they have the same endpoints": {
			before:  []allocator.Request{request("w", shares("k", 80), local("app=x"))},
			request: request("x", shares("k", 443), local("app=x")),
			want:    "192.0.2.0",
		},
		"a requested address with other endpoints is refused": {
			before:  []allocator.Request{request("w", shares("k", 80), local("app=x"))},
			request: request("x", shares("k", 443), local("app=y"), wants("192.0.2.0")),
			wantRefusal: `address "192.0.2.0" is in use by "default/w", and with externalTrafficPolicy Local services share an address ` +
				`only if they select the same pods`,
		},
		"without that traffic policy endpoints do not matter": {
			before:  []allocator.Request{request("w", shares("k", 80), func(r *allocator.Request) { r.Sharing.Endpoints = "app=x" })},
			request: request("x", shares("k", 443)),
			want:    "192.0.2.0",
		},
		"a requested address without a key is refused": {
			before:      []allocator.Request{request("w", shares("k", 80))},
			request:     request("x", wants("192.0.2.0")),
			wantRefusal: `address "192.0.2.0" is in use by "default/w"`,
		},
		"the third service must fit with both others": {
			before:  []allocator.Request{request("v", shares("k", 80)), request("w", shares("k", 443))},
			request: request("x", shares("k", 443)),
			want:    "192.0.2.1",
		},
		"a free address before the shared one is taken": {
			before:  []allocator.Request{request("w", shares("k", 80), wants("192.0.2.1"))},
			request: request("x", shares("k", 443)),
			want:    "192.0.2.0",
		},
		"in a full pool the shared address is taken": {
			before: []allocator.Request{
				request("w", shares("k", 80), wants("192.0.2.3")), request("a"), request("b"), request("c"),
			},
			request: request("x", shares("k", 443)),
			want:    "192.0.2.3",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, builder.MakePool("a", "192.0.2.0/30"))
			for _, r := range tc.before {
				mustAllocate(t, a, r)
			}
			got, refused := allocate(a, tc.request)
			if diff := cmp.Diff([]string{tc.want, tc.wantRefusal}, []string{got, refused}); diff != "" {
				t.Errorf("addresses and refusal (-want +got):\n%s", diff)
			}
		})
	}
}

func TestASharedAddressCountsOnceAndIsFreeAfterItsLastUser(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, builder.MakePool("a", "192.0.2.0/30"))
	mustAllocate(t, a, request("w", shares("k", 80)))
	mustAllocate(t, a, request("x", shares("k", 443)))
	for _, step := range []struct {
		release        string
		assigned, free int64
	}{{"", 1, 3}, {"w", 1, 3}, {"x", 0, 4}} {
		a.Release(name(step.release))
		if c := a.PoolCounts("a"); c.AssignedIPv4 != step.assigned || c.AvailableIPv4 != step.free {
			t.Errorf("after the release of %q: %+v", step.release, c)
		}
	}
}

func TestAPreferredFamilyIsAddedWhenItBecomesAvailable(t *testing.T) {
	t.Parallel()
	four := builder.MakePool("a", "192.0.2.0/24")
	a := newAllocator(t, four)
	r := request("x", families(v4, v6))
	result, refusal := a.Allocate(r)
	if refusal != nil || result.Missing == nil || text(result) != "192.0.2.0" {
		t.Fatalf("got %s, refused %v, missing %v", text(result), refusal, result.Missing)
	}
	a.SetPools(parse(t, four, builder.MakePool("b", "2001:db8::/64")))
	result, refusal = a.Allocate(r)
	if refusal != nil || result.Missing != nil || text(result) != "192.0.2.0,2001:db8::" {
		t.Errorf("got %s, refused %v, missing %v", text(result), refusal, result.Missing)
	}
}

func TestARefusalOfManyPoolsIsShort(t *testing.T) {
	t.Parallel()
	pools := make([]*builder.Pool, 0, 200)
	for i := range 200 {
		pools = append(pools, builder.MakePool(fmt.Sprintf("pool-%03d", i), fmt.Sprintf("10.0.%d.0/32", i)))
	}
	a := newAllocator(t, pools...)
	for i := range 200 {
		mustAllocate(t, a, request(fmt.Sprintf("holder-%03d", i)))
	}
	_, refused := allocate(a, request("x"))
	if len(refused) > 300 || !strings.HasSuffix(refused, `"pool-004" and 195 more are exhausted`) {
		t.Errorf("refusal of %d bytes: %s", len(refused), refused)
	}
}
