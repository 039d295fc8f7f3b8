// SPDX-License-Identifier: Apache-2.0

package announce_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/speaker/announce"
)

func TestServiceOf(t *testing.T) {
	t.Parallel()
	class := "example.com/lb"
	tests := map[string]struct {
		mutate     func(*corev1.Service)
		class      string
		want       announce.Service
		wantReason announce.Reason
	}{
		"a service with one address": {
			want: announce.Service{Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.0")}},
		},
		"a service with addresses of two pools, the Local policy and labels": {
			mutate: func(s *corev1.Service) {
				s.Labels = map[string]string{"a": "b"}
				s.Annotations = map[string]string{"metallb.io/ip-allocated-from-pool": "one, two"}
				s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
				s.Status.LoadBalancer.Ingress = append(s.Status.LoadBalancer.Ingress, corev1.LoadBalancerIngress{IP: "2001:db8::1"})
			},
			want: announce.Service{
				Labels:        map[string]string{"a": "b"},
				Addresses:     []netip.Addr{netip.MustParseAddr("198.51.100.0"), netip.MustParseAddr("2001:db8::1")},
				AllocatedFrom: []string{"one", "two"}, Local: true,
			},
		},
		"the record of earlier releases": {
			mutate: func(s *corev1.Service) {
				s.Annotations = map[string]string{"metallb.universe.tf/ip-allocated-from-pool": "one"}
			},
			want: announce.Service{Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.0")}, AllocatedFrom: []string{"one"}},
		},
		"an address that is given twice, and a host name": {
			mutate: func(s *corev1.Service) {
				s.Status.LoadBalancer.Ingress = append(s.Status.LoadBalancer.Ingress,
					corev1.LoadBalancerIngress{IP: "::ffff:198.51.100.0"}, corev1.LoadBalancerIngress{Hostname: "example.com"})
			},
			want: announce.Service{Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.0")}},
		},
		"another type": {
			mutate:     func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeClusterIP },
			wantReason: announce.NotLoadBalancer,
		},
		"a class where none is ours": {
			mutate:     func(s *corev1.Service) { s.Spec.LoadBalancerClass = &class },
			wantReason: announce.OtherLoadBalancerClass,
		},
		"no class where one is ours": {class: class, wantReason: announce.OtherLoadBalancerClass},
		"our class": {
			mutate: func(s *corev1.Service) { s.Spec.LoadBalancerClass = &class },
			class:  class,
			want:   announce.Service{Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.0")}},
		},
		"no address": {
			mutate:     func(s *corev1.Service) { s.Status.LoadBalancer.Ingress = nil },
			wantReason: announce.NoIPAllocated,
		},
		"an address that is none": {
			mutate:     func(s *corev1.Service) { s.Status.LoadBalancer.Ingress[0].IP = "fe80::1%eth0" },
			wantReason: announce.InvalidIP,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := &corev1.Service{
				Spec:   corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer},
				Status: corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: "198.51.100.0"}}}},
			}
			if tc.mutate != nil {
				tc.mutate(svc)
			}
			got, reason := announce.ServiceOf(svc, tc.class)
			if reason != tc.wantReason {
				t.Errorf("reason %q, want %q", reason, tc.wantReason)
			}
			if diff := cmp.Diff(tc.want, got, comparable); diff != "" {
				t.Errorf("ServiceOf (-want +got):\n%s", diff)
			}
		})
	}
}
