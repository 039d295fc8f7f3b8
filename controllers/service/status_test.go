// SPDX-License-Identifier: Apache-2.0

package service

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/test/builder"
)

func assign(pool, address string) allocator.Assignment {
	return allocator.Assignment{Pool: pool, Address: netip.MustParseAddr(address)}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	first, second := assign("a", "192.0.2.1"), assign("b", "2001:db8::1")
	incompatible := first
	incompatible.Incompatible = true
	unselected := allocator.Reason{Cause: allocator.NotSelected, Address: netip.MustParseAddr("192.0.2.0"), Pool: "a"}
	avoided := allocator.Reason{Cause: allocator.AddressAvoided, Address: netip.MustParseAddr("192.0.2.0"), Pool: "a"}
	gone := allocator.Reason{Cause: allocator.NotInAnyPool, Address: netip.MustParseAddr("2001:db8::")}
	missing := &allocator.Refusal{Reasons: []allocator.Reason{{Cause: allocator.NoPools, Family: corev1.IPv6Protocol}}}
	tests := map[string]struct {
		before   *builder.Service
		outcome  outcome
		wantPool string
		// wantEvents are "type reason: message".
		wantCondition string
		wantEvents    []string
	}{
		"a first address": {
			outcome:  outcome{result: allocator.Result{Assignments: []allocator.Assignment{first}}},
			wantPool: "a", wantCondition: `True IPAllocated: Assigned IP "192.0.2.1"`,
			wantEvents: []string{`Normal IPAllocated: Assigned IP "192.0.2.1"`},
		},
		"two addresses of two pools": {
			outcome:  outcome{result: allocator.Result{Assignments: []allocator.Assignment{first, second}}},
			wantPool: "a,b", wantCondition: `True IPAllocated: Assigned IP ["192.0.2.1" "2001:db8::1"]`,
			wantEvents: []string{`Normal IPAllocated: Assigned IP ["192.0.2.1" "2001:db8::1"]`},
		},
		"one of two families": {
			outcome:  outcome{result: allocator.Result{Assignments: []allocator.Assignment{first}, Missing: missing}},
			wantPool: "a", wantCondition: `True IPAllocated: Assigned IP "192.0.2.1"; no IPv6 address available: there is no valid IPAddressPool`,
			wantEvents: []string{`Normal IPAllocated: Assigned IP "192.0.2.1"`},
		},
		"an address that was there before, without a condition": {
			before:   builder.MakeService("web").Holds("a", "192.0.2.1"),
			outcome:  outcome{result: allocator.Result{Assignments: []allocator.Assignment{first}}},
			wantPool: "a", wantCondition: `True IPAllocated: Assigned IP "192.0.2.1"`,
		},
		"a refusal": {
			outcome:       outcome{failure: "no luck"},
			wantCondition: "False AllocationFailed: no luck",
			wantEvents:    []string{"Warning AllocationFailed: no luck"},
		},
		"a refusal of a service that holds an address": {
			before:        builder.MakeService("web").Holds("a", "192.0.2.1"),
			outcome:       outcome{failure: "no luck", result: allocator.Result{Assignments: []allocator.Assignment{first}}},
			wantPool:      "a",
			wantCondition: `False AllocationFailed: no luck; the service keeps "192.0.2.1"`,
			wantEvents:    []string{`Warning AllocationFailed: no luck; the service keeps "192.0.2.1"`},
		},
		"an address against the configuration": {
			before:        builder.MakeService("web").Holds("a", "192.0.2.1"),
			outcome:       outcome{result: allocator.Result{Assignments: []allocator.Assignment{incompatible}}},
			wantPool:      "a",
			wantCondition: `True InvalidConfig: new config not compatible with assigned IPs: service "default/web" cannot own "192.0.2.1" under new config`,
			wantEvents: []string{
				`Warning InvalidConfig: new config not compatible with assigned IPs: service "default/web" cannot own "192.0.2.1" under new config`,
			},
		},
		"another address than the one that its pool allows to take": {
			before:   builder.MakeService("web").Holds("a", "192.0.2.0"),
			outcome:  outcome{result: allocator.Result{Assignments: []allocator.Assignment{first}, Moved: []allocator.Reason{avoided}}},
			wantPool: "a", wantCondition: `True IPAllocated: Assigned IP "192.0.2.1"`,
			wantEvents: []string{
				`Normal ClearAssignment: Cleared IP "192.0.2.0", as its pool allows (metallb.io/allow-disruption): ` +
					`address "192.0.2.0" ends in .0 or .255, which pool "a" avoids (avoidBuggyIPs)`,
				`Normal IPAllocated: Assigned IP "192.0.2.1"`,
			},
		},
		"one of two that its pool allows to take exchanged, and no room for the other": {
			before: builder.MakeService("web").Holds("a", "192.0.2.1", "2001:db8::"),
			outcome: outcome{failure: "no luck", result: allocator.Result{
				Assignments: []allocator.Assignment{incompatible, second}, Moved: []allocator.Reason{gone},
			}},
			wantPool: "a,b", wantCondition: `False AllocationFailed: no luck; the service keeps ["192.0.2.1" "2001:db8::1"]`,
			wantEvents: []string{
				`Normal ClearAssignment: Cleared IP "2001:db8::", as its pool allows (metallb.io/allow-disruption): ` +
					`address "2001:db8::" is not in any pool`,
				`Normal IPAllocated: Assigned IP ["192.0.2.1" "2001:db8::1"]`,
				`Warning AllocationFailed: no luck; the service keeps ["192.0.2.1" "2001:db8::1"]`,
			},
		},
		"both exchanged": {
			before: builder.MakeService("web").Holds("a", "192.0.2.0", "2001:db8::"),
			outcome: outcome{result: allocator.Result{
				Assignments: []allocator.Assignment{first, second}, Moved: []allocator.Reason{avoided, gone},
			}},
			wantPool: "a,b", wantCondition: `True IPAllocated: Assigned IP ["192.0.2.1" "2001:db8::1"]`,
			wantEvents: []string{
				`Normal ClearAssignment: Cleared IP ["192.0.2.0" "2001:db8::"], as its pool allows (metallb.io/allow-disruption): ` +
					`address "192.0.2.0" ends in .0 or .255, which pool "a" avoids (avoidBuggyIPs); address "2001:db8::" is not in any pool`,
				`Normal IPAllocated: Assigned IP ["192.0.2.1" "2001:db8::1"]`,
			},
		},
		"one of two that its pool allows to take exchanged, and the other not requested any more": {
			before: builder.MakeService("web").Holds("a", "192.0.2.0", "2001:db8::1"),
			outcome: outcome{result: allocator.Result{
				Assignments: []allocator.Assignment{first}, Moved: []allocator.Reason{avoided},
			}},
			wantPool: "a", wantCondition: `True IPAllocated: Assigned IP "192.0.2.1"`,
			wantEvents: []string{
				`Normal ClearAssignment: Cleared IP "192.0.2.0", as its pool allows (metallb.io/allow-disruption): ` +
					`address "192.0.2.0" ends in .0 or .255, which pool "a" avoids (avoidBuggyIPs); ` +
					`Cleared IP "2001:db8::1": it is not what the service requests any more`,
				`Normal IPAllocated: Assigned IP "192.0.2.1"`,
			},
		},
		"one deprecated annotation": {
			before:   builder.MakeService("web").Annotation("metallb.universe.tf/address-pool", "a"),
			outcome:  outcome{result: allocator.Result{Assignments: []allocator.Assignment{first}}},
			wantPool: "a", wantCondition: `True IPAllocated: Assigned IP "192.0.2.1"`,
			wantEvents: []string{
				`Normal IPAllocated: Assigned IP "192.0.2.1"`,
				`Warning deprecatedAnnotation: Service uses deprecated annotation metallb.universe.tf/address-pool`,
			},
		},
		"two deprecated annotations, in one event": {
			before: builder.MakeService("web").Annotation("metallb.universe.tf/address-pool", "a").
				Annotation("metallb.universe.tf/allow-shared-ip", "k"),
			outcome:  outcome{result: allocator.Result{Assignments: []allocator.Assignment{first}}},
			wantPool: "a", wantCondition: `True IPAllocated: Assigned IP "192.0.2.1"`,
			wantEvents: []string{
				`Normal IPAllocated: Assigned IP "192.0.2.1"`,
				`Warning deprecatedAnnotation: Service uses deprecated annotations metallb.universe.tf/address-pool, metallb.universe.tf/allow-shared-ip`,
			},
		},
		"another address than it requested before": {
			before:   builder.MakeService("web").Holds("a", "192.0.2.7"),
			outcome:  outcome{result: allocator.Result{Assignments: []allocator.Assignment{first}}},
			wantPool: "a", wantCondition: `True IPAllocated: Assigned IP "192.0.2.1"`,
			wantEvents: []string{
				`Normal ClearAssignment: Cleared IP "192.0.2.7": it is not what the service requests any more`,
				`Normal IPAllocated: Assigned IP "192.0.2.1"`,
			},
		},
		"one family less than before": {
			before:   builder.MakeService("web").Holds("a", "192.0.2.1", "2001:db8::1"),
			outcome:  outcome{result: allocator.Result{Assignments: []allocator.Assignment{first}}},
			wantPool: "a", wantCondition: `True IPAllocated: Assigned IP "192.0.2.1"`,
			wantEvents: []string{
				`Normal ClearAssignment: Cleared IP "2001:db8::1": it is not what the service requests any more`,
				`Normal IPAllocated: Assigned IP "192.0.2.1"`,
			},
		},
		"an address instead of another load balancer's": {
			before:   builder.MakeService("web").Holds("", "203.0.113.1"),
			outcome:  outcome{result: allocator.Result{Assignments: []allocator.Assignment{first}}},
			wantPool: "a", wantCondition: `True IPAllocated: Assigned IP "192.0.2.1"`,
			wantEvents: []string{`Normal IPAllocated: Assigned IP "192.0.2.1"`},
		},
		"an address that it had to leave before it was told": {
			outcome:  outcome{result: allocator.Result{Assignments: []allocator.Assignment{first}, Moved: []allocator.Reason{avoided}}},
			wantPool: "a", wantCondition: `True IPAllocated: Assigned IP "192.0.2.1"`,
			wantEvents: []string{`Normal IPAllocated: Assigned IP "192.0.2.1"`},
		},
		"another address than one of a pool that does not select it any more": {
			before:   builder.MakeService("web").Holds("a", "192.0.2.0"),
			outcome:  outcome{result: allocator.Result{Assignments: []allocator.Assignment{first}, Moved: []allocator.Reason{unselected}}},
			wantPool: "a", wantCondition: `True IPAllocated: Assigned IP "192.0.2.1"`,
			wantEvents: []string{
				`Normal ClearAssignment: Cleared IP "192.0.2.0": address "192.0.2.0" is in pool "a", which does not select the service`,
				`Normal IPAllocated: Assigned IP "192.0.2.1"`,
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.before == nil {
				tc.before = builder.MakeService("web")
			}
			before, o := tc.before.Obj(), tc.outcome
			o.service = types.NamespacedName{Namespace: "default", Name: "web"}
			after := before.DeepCopy()
			if !o.apply(after) {
				t.Error("nothing changed")
			}
			c := after.Status.Conditions[0]
			if got := string(c.Status) + " " + c.Reason + ": " + c.Message; got != tc.wantCondition {
				t.Errorf("condition %s, want %s", got, tc.wantCondition)
			}
			if diff := cmp.Diff(o.result.Assignments, assignment.Of(after), ignoreVerdicts()); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
			if got := after.Annotations["metallb.io/ip-allocated-from-pool"]; got != tc.wantPool {
				t.Errorf("pool %q, want %q", got, tc.wantPool)
			}
			if diff := cmp.Diff(tc.wantEvents, eventTexts(transition(before, after, &o))); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if again := after.DeepCopy(); o.apply(again) || len(transition(after, again, &o)) > 0 {
				t.Error("the second time something changes, or is told again")
			}
		})
	}
}

// ignoreVerdicts leaves out of the comparison what a Service does not record.
func ignoreVerdicts() cmp.Option {
	return cmp.Transformer("recorded", func(a allocator.Assignment) [2]string { return [2]string{a.Pool, a.Address.String()} })
}

func eventTexts(list []event) []string {
	if len(list) == 0 {
		return nil
	}
	found := make([]string, 0, len(list))
	for _, e := range list {
		found = append(found, e.kind+" "+e.reason+": "+e.message)
	}
	return found
}

func TestAnIngressThatSaysTheSameIsLeftAlone(t *testing.T) {
	t.Parallel()
	svc := builder.MakeService("web").Holds("a", "192.0.2.1").Obj()
	mode := corev1.LoadBalancerIPModeVIP
	svc.Status.LoadBalancer.Ingress[0].IPMode = &mode
	o := outcome{result: allocator.Result{Assignments: []allocator.Assignment{assign("a", "192.0.2.1")}}}
	o.apply(svc)
	if svc.Status.LoadBalancer.Ingress[0].IPMode == nil {
		t.Error("the mode is gone")
	}
}

func TestWhatAnotherLoadBalancerGaveStaysUntilItIsReplaced(t *testing.T) {
	t.Parallel()
	svc := builder.MakeService("web").Obj()
	svc.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "203.0.113.1"}, {Hostname: "lb.example.com"}}
	theirs := slices.Clone(svc.Status.LoadBalancer.Ingress)
	(&outcome{failure: "no luck"}).apply(svc)
	if diff := cmp.Diff(theirs, svc.Status.LoadBalancer.Ingress); diff != "" {
		t.Errorf("without an address (-want +got):\n%s", diff)
	}
	(&outcome{result: allocator.Result{Assignments: []allocator.Assignment{assign("a", "192.0.2.1")}}}).apply(svc)
	if diff := cmp.Diff([]string{"192.0.2.1"}, assignment.IngressTexts(svc)); diff != "" {
		t.Errorf("with an address (-want +got):\n%s", diff)
	}
}

func TestTheDeprecatedAnnotationGoesWithTheOther(t *testing.T) {
	t.Parallel()
	const current, deprecated = "metallb.io/ip-allocated-from-pool", "metallb.universe.tf/ip-allocated-from-pool"
	for name, tc := range map[string]struct {
		write func(*corev1.Service)
		want  string
	}{
		"when it is written": {
			func(svc *corev1.Service) {
				(&outcome{result: allocator.Result{Assignments: []allocator.Assignment{assign("a", "192.0.2.1")}}}).apply(svc)
			}, "a",
		},
		"when the service has no address": {func(svc *corev1.Service) { (&outcome{failure: "no luck"}).apply(svc) }, ""},
		"when the service is another's":   {func(svc *corev1.Service) { clearStatus(svc, reportedBy(svc)) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := builder.MakeService("web").Holds("", "192.0.2.1").Annotation(deprecated, "a").Obj()
			if !hasTraces(svc) {
				t.Error("it is no trace")
			}
			tc.write(svc)
			if got, there := svc.Annotations[deprecated]; there || svc.Annotations[current] != tc.want {
				t.Errorf("it has %q, and %q", svc.Annotations[current], got)
			}
		})
	}
}
