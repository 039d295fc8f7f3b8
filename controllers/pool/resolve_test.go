// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	young, old := time.Unix(2, 0), time.Unix(1, 0)
	one := func(name, addresses string) *builder.Pool { return builder.MakePool(name, addresses).Created(old) }
	const overlap = `CIDR "192.0.2.128/25" in pool "b" overlaps with already defined CIDR "192.0.2.0/24" in pool "a"`
	tests := map[string]struct {
		before, now []*builder.Pool
		// want are the ranges in force by pool.
		want           map[string]string
		wantRejections map[string]string
	}{
		"pools that do not overlap are all in force": {
			now:  []*builder.Pool{one("a", "192.0.2.0/25"), one("b", "192.0.2.128/25")},
			want: map[string]string{"a": "192.0.2.0/25", "b": "192.0.2.128/25"},
		},
		"of two new ones that overlap the older is in force": {
			now:            []*builder.Pool{one("b", "192.0.2.128/25").Created(young), one("a", "192.0.2.0/24")},
			want:           map[string]string{"a": "192.0.2.0/24"},
			wantRejections: map[string]string{"b": overlap},
		},
		"one in force prevails over an older one that is edited": {
			before:         []*builder.Pool{one("a", "192.0.2.0/24").Created(young), one("b", "198.51.100.0/24")},
			now:            []*builder.Pool{one("a", "192.0.2.0/24").Created(young), one("b", "192.0.2.128/25")},
			want:           map[string]string{"a": "192.0.2.0/24", "b": "198.51.100.0/24"},
			wantRejections: map[string]string{"b": overlap},
		},
		"one that cannot be parsed stays in force as it was": {
			before:         []*builder.Pool{one("a", "192.0.2.0/24"), one("b", "198.51.100.0/24")},
			now:            []*builder.Pool{one("a", "192.0.2.0/24"), one("b", "nonsense")},
			want:           map[string]string{"a": "192.0.2.0/24", "b": "198.51.100.0/24"},
			wantRejections: map[string]string{"b": `spec.addresses[0]: `},
		},
		"two that exchange their ranges are both in force": {
			before: []*builder.Pool{one("a", "192.0.2.0/24"), one("b", "198.51.100.0/24")},
			now:    []*builder.Pool{one("a", "198.51.100.0/24"), one("b", "192.0.2.0/24")},
			want:   map[string]string{"a": "198.51.100.0/24", "b": "192.0.2.0/24"},
		},
		"one takes over what another gives up, though a third is rejected": {
			before: []*builder.Pool{one("b", "192.0.2.0/24")},
			now: []*builder.Pool{
				one("a", "192.0.2.0/25"), one("b", "192.0.2.128/25"), one("c", "192.0.2.0/24").Created(young),
			},
			want: map[string]string{"a": "192.0.2.0/25", "b": "192.0.2.128/25"},
			wantRejections: map[string]string{
				"c": `CIDR "192.0.2.0/24" in pool "c" overlaps with already defined CIDR "192.0.2.0/25" in pool "a"`,
			},
		},
		"one that is deleted is not in force, and makes room": {
			before: []*builder.Pool{one("a", "192.0.2.0/24")},
			now:    []*builder.Pool{one("b", "192.0.2.128/25")},
			want:   map[string]string{"b": "192.0.2.128/25"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := resolve(objects(tc.before), nil)
			got := resolve(objects(tc.now), before.inForce)
			ranges := map[string]string{}
			for _, p := range got.pools() {
				ranges[p.Name] = p.Ranges[0].String()
			}
			if diff := cmp.Diff(tc.want, ranges); diff != "" {
				t.Errorf("in force (-want +got):\n%s", diff)
			}
			for pool, want := range tc.wantRejections {
				if reason := got.rejections[pool]; len(reason) < len(want) || reason[:len(want)] != want {
					t.Errorf("pool %s is rejected for %q, want %q", pool, reason, want)
				}
			}
			if len(got.rejections) != len(tc.wantRejections) {
				t.Errorf("rejections %v, want those of %v", got.rejections, tc.wantRejections)
			}
			if o := ipam.Overlaps(got.pools()...); len(o) > 0 {
				t.Errorf("pools in force overlap: %v", o)
			}
		})
	}
}

func objects(pools []*builder.Pool) []v1beta1.IPAddressPool {
	found := make([]v1beta1.IPAddressPool, 0, len(pools))
	for _, p := range pools {
		found = append(found, *p.Obj())
	}
	return found
}

func TestDisruptionIsAllowedByWhatIsInForceAndByTheObject(t *testing.T) {
	t.Parallel()
	one := func() *builder.Pool { return builder.MakePool("a", "192.0.2.0/24") }
	bad := func() *builder.Pool { return builder.MakePool("a", "nonsense") }
	for name, test := range map[string]struct {
		versions []*builder.Pool
		want     bool
	}{
		"from the beginning":                         {[]*builder.Pool{one().AllowDisruption()}, true},
		"later, which is all that changes":           {[]*builder.Pool{one(), one().AllowDisruption()}, true},
		"no longer, which is all that changes":       {[]*builder.Pool{one().AllowDisruption(), one()}, false},
		"before and after the spec became bad":       {[]*builder.Pool{one().AllowDisruption(), bad().AllowDisruption()}, true},
		"with a bad spec, which is not in force":     {[]*builder.Pool{one(), bad().AllowDisruption()}, false},
		"no longer, though the spec is bad":          {[]*builder.Pool{one().AllowDisruption(), bad()}, false},
		"again, but with a bad spec":                 {[]*builder.Pool{one().AllowDisruption(), bad(), bad().AllowDisruption()}, false},
		"with a spec that was bad and is good again": {[]*builder.Pool{one(), bad().AllowDisruption(), one().AllowDisruption()}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var now resolution
			for _, version := range test.versions {
				now = resolve(objects([]*builder.Pool{version}), now.inForce)
			}
			if got := now.inForce["a"].AllowDisruption; got != test.want {
				t.Errorf("disruption allowed: %t", got)
			}
		})
	}
}
