// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/speaker/policy"
)

func TestAnAggregateIsAnnouncedWhileAServiceInItIsEligibleOnTheNode(t *testing.T) {
	t.Parallel()
	length, lengthV6 := int32(24), int32(112)
	everything := advertisement("everything")
	everything.Spec.AggregationLength, everything.Spec.AggregationLengthV6 = &length, &lengthV6
	p, rejections := policy.Compile(policy.Input{
		Node: policy.NodeOf(thisNode()),
		Objects: active.Objects{
			Peers:          []v1beta2.BGPPeer{*peer("v4", "192.0.2.1"), *peer("v6", "2001:db8::1")},
			Pools:          []v1beta1.IPAddressPool{*pool("my-ip-space", "198.51.100.0/24", "2001:db8:1::/112")},
			Advertisements: []v1beta1.BGPAdvertisement{*everything},
		},
	}, nil)
	if len(rejections) > 0 {
		t.Fatal(rejections)
	}
	local := func(name, address, node string, family discoveryv1.AddressType) (*corev1.Service, *discoveryv1.EndpointSlice) {
		svc, endpoints := service(name, address), slice(name, node)
		svc.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
		endpoints.AddressType = family
		if family == discoveryv1.AddressTypeIPv6 {
			endpoints.Endpoints[0].Addresses = []string{"fd00::5"}
		}
		return svc, endpoints
	}
	tests := map[string]struct {
		peer, other, prefix string
		family              discoveryv1.AddressType
		addresses           [2]string
	}{
		"IPv4": {"v4", "v6", "198.51.100.0/24", discoveryv1.AddressTypeIPv4, [2]string{"198.51.100.1", "198.51.100.2"}},
		"IPv6": {"v6", "v4", "2001:db8:1::/112", discoveryv1.AddressTypeIPv6, [2]string{"2001:db8:1::1", "2001:db8:1::2"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, endpointsHere := local("here", tc.addresses[0], "node-1", tc.family)
			moving, endpointsMoving := local("moving", tc.addresses[1], "node-2", tc.family)
			api := fakeCluster(t, here, endpointsHere, moving, endpointsMoving).Build()
			s, sessions, _ := newSpeakerOf(t, api)
			expect := func(want ...string) {
				t.Helper()
				if got := sessions.routes(tc.peer); !slices.Equal(got, want) {
					t.Errorf("announced %v, want %v", got, want)
				}
				if got := sessions.routes(tc.other); len(got) > 0 {
					t.Errorf("announced %v to the peer of the other family", got)
				}
			}
			// have has the endpoint of the service ready or not, on the node.
			have := func(svc *corev1.Service, endpoints *discoveryv1.EndpointSlice, node string, ready bool) {
				t.Helper()
				endpoints.Endpoints[0].NodeName, endpoints.Endpoints[0].Conditions.Ready = &node, &ready
				if err := api.Update(t.Context(), endpoints); err != nil {
					t.Fatal(err)
				}
				if err := s.Update(t.Context(), client.ObjectKeyFromObject(svc)); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Reconfigure(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			expect(tc.prefix)
			have(moving, endpointsMoving, "node-1", true)
			have(here, endpointsHere, "node-1", false)
			expect(tc.prefix)
			session, _ := sessions.session(tc.peer)
			if session.withdrawn > 0 {
				t.Errorf("withdrawn %d times while a service was eligible", session.withdrawn)
			}
			have(moving, endpointsMoving, "node-2", true)
			expect()
			have(here, endpointsHere, "node-1", true)
			expect(tc.prefix)
		})
	}
}
