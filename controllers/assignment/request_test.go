// SPDX-License-Identifier: Apache-2.0

package assignment

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

const (
	v4     = corev1.IPv4Protocol
	v6     = corev1.IPv6Protocol
	single = corev1.IPFamilyPolicySingleStack
	prefer = corev1.IPFamilyPolicyPreferDualStack
	both   = corev1.IPFamilyPolicyRequireDualStack
)

func compareAddresses() cmp.Option {
	return cmpopts.EquateComparable(netip.Addr{})
}

func TestRequestOf(t *testing.T) {
	t.Parallel()
	port := func(n int32) []allocator.Port { return []allocator.Port{{Protocol: corev1.ProtocolTCP, Number: n}} }
	created := time.Unix(7, 0)
	base := func() allocator.Request {
		return allocator.Request{
			Service: types.NamespacedName{Namespace: "default", Name: "web"}, Created: created,
			NamespaceLabels: labels.Set{"team": "blue"}, Families: []corev1.IPFamily{v4},
			Sharing: allocator.Sharing{Ports: port(80)},
		}
	}
	web := func() *builder.Service { return builder.MakeService("web").Created(created).Families(single, v4) }
	tests := map[string]struct {
		service *builder.Service
		want    func(*allocator.Request)
	}{
		"a plain service": {service: web(), want: func(*allocator.Request) {}},
		"a service with labels": {
			service: web().Label("tier", "web"),
			want:    func(r *allocator.Request) { r.Labels = labels.Set{"tier": "web"} },
		},
		"a requested pool": {
			service: web().Pool("gold"),
			want:    func(r *allocator.Request) { r.Pool = "gold" },
		},
		"an address in the spec, beside an annotation of nothing but a comma": {
			service: web().Annotation(v1beta1.AnnotationLoadBalancerIPs, " , ").LoadBalancerIP("192.0.2.1"),
			want:    func(r *allocator.Request) { r.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")} },
		},
		"an address in an annotation, beside nothing but a comma in the spec": {
			service: web().Addresses("192.0.2.1").LoadBalancerIP(","),
			want:    func(r *allocator.Request) { r.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")} },
		},
		"an address in a deprecated annotation, beside the other one with nothing but a comma": {
			service: web().Annotation("metallb.universe.tf/loadBalancerIPs", "192.0.2.1").Annotation(v1beta1.AnnotationLoadBalancerIPs, ","),
			want:    func(r *allocator.Request) { r.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")} },
		},
		"an address in the spec": {
			service: web().LoadBalancerIP("192.0.2.1"),
			want:    func(r *allocator.Request) { r.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")} },
		},
		"addresses in the annotation, in the order of the families": {
			service: web().Families(both, v6, v4).Addresses("192.0.2.1, 2001:db8::1"),
			want: func(r *allocator.Request) {
				r.Families, r.RequireAll = []corev1.IPFamily{v6, v4}, true
				r.Addresses = []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")}
			},
		},
		"one address of a service that prefers two": {
			service: web().Families(prefer, v4, v6).Addresses("2001:db8::1"),
			want: func(r *allocator.Request) {
				r.Families = []corev1.IPFamily{v4, v6}
				r.Addresses = []netip.Addr{netip.MustParseAddr("2001:db8::1")}
			},
		},
		"deprecated annotations, where there are no others": {
			service: web().Pool("gold").Annotation("metallb.universe.tf/address-pool", "old").
				Annotation("metallb.universe.tf/allow-shared-ip", "key"),
			want: func(r *allocator.Request) { r.Pool, r.Sharing.Key = "gold", "key" },
		},
		"a sharing key and ports, sorted": {
			service: web().SharingKey("key").Ports(443, 80),
			want: func(r *allocator.Request) {
				r.Sharing = allocator.Sharing{Key: "key", Ports: append(port(80), port(443)...)}
			},
		},
		"a service whose traffic stays on the node": {
			service: web().SharingKey("key").Local().Selector("app", "nginx"),
			want: func(r *allocator.Request) {
				r.Sharing.Key, r.Sharing.Local, r.Sharing.Endpoints = "key", true, "default/app=nginx"
			},
		},
		"addresses where a template had nothing to put, with white space, and twice": {
			service: web().Addresses(" ,192.0.2.1,, ::ffff:192.0.2.1\n"),
			want:    func(r *allocator.Request) { r.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")} },
		},
		"nothing but commas": {service: web().Addresses(" , ,"), want: func(*allocator.Request) {}},
		"an empty annotation, and the deprecated one": {
			service: web().Addresses(" ").Annotation("metallb.universe.tf/loadBalancerIPs", "192.0.2.1"),
			want:    func(r *allocator.Request) { r.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")} },
		},
		"an annotation, and the deprecated one that says otherwise": {
			service: web().Addresses("192.0.2.1").Annotation("metallb.universe.tf/loadBalancerIPs", "192.0.2.2"),
			want:    func(r *allocator.Request) { r.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")} },
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := base()
			tc.want(&want)
			got, err := RequestOf(tc.service.Obj(), labels.Set{"team": "blue"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, compareAddresses()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestServicesWithLocalTrafficShareIfTheySelectTheSamePods(t *testing.T) {
	t.Parallel()
	local := func(name, namespace string, selector map[string]string) *corev1.Service {
		svc := builder.MakeService(name).SharingKey("key").Local().Obj()
		svc.Namespace, svc.Spec.Selector = namespace, selector
		return svc
	}
	app, other := map[string]string{"app": "web"}, map[string]string{"app": "shop"}
	for name, tc := range map[string]struct {
		one, two *corev1.Service
		want     bool
	}{
		"with one selector in one namespace": {local("a", "x", app), local("b", "x", app), true},
		"with two selectors":                 {local("a", "x", app), local("b", "x", other), false},
		"in two namespaces":                  {local("a", "x", app), local("b", "y", app), false},
		"without a selector":                 {local("a", "x", nil), local("b", "x", nil), false},
		"of one name, without a selector":    {local("a", "x", nil), local("a", "y", nil), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sharingOf(tc.one).Endpoints == sharingOf(tc.two).Endpoints; got != tc.want {
				t.Errorf("the same endpoints: %t, want %t", got, tc.want)
			}
		})
	}
}

func TestRequestsThatContradictThemselves(t *testing.T) {
	t.Parallel()
	web := func() *builder.Service { return builder.MakeService("web").Families(single, v4) }
	tests := map[string]struct {
		service *builder.Service
		want    string
	}{
		"no family": {
			service: builder.MakeService("web"),
			want:    "the service has no IP family",
		},
		"an address in two places": {
			service: web().LoadBalancerIP("192.0.2.1").Addresses("192.0.2.1"),
			want:    "both annotation metallb.io/loadBalancerIPs and spec.loadBalancerIP are set, remove one of them",
		},
		"a text that is no address": {
			service: web().Addresses("192.0.2.1,nope"),
			want:    `annotation metallb.io/loadBalancerIPs: "nope" (in "192.0.2.1,nope") is not an IP address`,
		},
		"a text that is no address, in the deprecated annotation": {
			service: web().Annotation("metallb.universe.tf/loadBalancerIPs", "${ADDRESS}"),
			want:    `annotation metallb.universe.tf/loadBalancerIPs: "${ADDRESS}" is not an IP address`,
		},
		"an address with a mask": {
			service: web().LoadBalancerIP("192.0.2.1/32"),
			want:    `spec.loadBalancerIP: "192.0.2.1/32" is not an IP address; write "192.0.2.1", without a prefix length`,
		},
		"an address with a zone": {
			service: web().LoadBalancerIP("fe80::1%eth0"),
			want:    `spec.loadBalancerIP: "fe80::1%eth0" is not an IP address`,
		},
		"an address of another family": {
			service: web().Addresses("2001:db8::1"),
			want:    `address "2001:db8::1" requested, but the service is IPv4 only`,
		},
		"two addresses of one family": {
			service: web().Families(prefer, v4, v6).Addresses("192.0.2.1,192.0.2.2"),
			want:    `addresses "192.0.2.1", "192.0.2.2" requested, but a service has at most one of each family`,
		},
		"one address where two are required": {
			service: web().Families(both, v4, v6).Addresses("192.0.2.1"),
			want:    `address "192.0.2.1" requested, but the service requires one of each family (ipFamilyPolicy RequireDualStack)`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := RequestOf(tc.service.Obj(), nil)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
