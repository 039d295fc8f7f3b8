// SPDX-License-Identifier: Apache-2.0

package service

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

func TestTheLogSaysWhatIsDone(t *testing.T) {
	t.Parallel()
	holding := func(assignments ...allocator.Assignment) outcome {
		return outcome{result: allocator.Result{Assignments: assignments}}
	}
	first, other, elsewhere := assign("a", "192.0.2.1"), assign("a", "192.0.2.2"), assign("b", "192.0.2.1")
	incompatible := first
	incompatible.Incompatible = true
	refused := holding(first)
	refused.failure = "no luck"
	worded := holding(first)
	worded.result.Missing = &allocator.Refusal{Reasons: []allocator.Reason{{Cause: allocator.NoPools, Family: corev1.IPv6Protocol}}}
	moved := holding(other)
	moved.result.Moved = []allocator.Reason{{Cause: allocator.NotInAnyPool, Address: first.Address}}
	tests := map[string]struct {
		service *builder.Service
		// before is what the service told, if it told anything.
		before *outcome
		now    outcome
		want   string
	}{
		"a first address":                         {now: holding(first), want: "assigning addresses"},
		"another address":                         {before: new(holding(first)), now: holding(other), want: "assigning addresses"},
		"another address, as the pool allows":     {before: new(holding(first)), now: moved, want: "moving the service off addresses that it had to leave"},
		"an address that was there":               {service: builder.MakeService("web").Holds("a", "192.0.2.1"), now: holding(first), want: "adopting the addresses that the service holds"},
		"a refusal":                               {now: outcome{failure: "no luck"}, want: "refusing what the service requests"},
		"a refusal for another reason":            {before: &refused, now: outcome{failure: "worse luck", result: refused.result}, want: "refusing what the service requests"},
		"an end of a refusal":                     {before: &refused, now: holding(first), want: "keeping addresses, which are what the service requests again"},
		"pools that do not cover the address":     {before: new(holding(first)), now: holding(incompatible), want: "keeping addresses that no pool contains any more"},
		"pools that cover the address again":      {before: new(holding(incompatible)), now: holding(first), want: "keeping addresses, which are what the service requests again"},
		"an address that is another pool's":       {before: new(holding(first)), now: holding(elsewhere), want: "keeping addresses, which are another pool's now"},
		"a condition with another message":        {before: new(holding(first)), now: worded, want: ""},
		"the same refusal, with another pool":     {before: &refused, now: outcome{failure: "no luck", result: holding(elsewhere).result}, want: "keeping addresses, which are another pool's now"},
		"a refusal of what the pools do not give": {before: new(holding(incompatible)), now: refused, want: "refusing what the service requests"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.service == nil {
				tc.service = builder.MakeService("web")
			}
			svc := tc.service.Obj()
			if tc.before != nil {
				tc.before.apply(svc)
			}
			after := svc.DeepCopy()
			if !tc.now.apply(after) {
				t.Fatal("nothing changes")
			}
			if got := doing(svc, after, &tc.now); got != tc.want {
				t.Errorf("the log says %q, want %q", got, tc.want)
			}
		})
	}
}
