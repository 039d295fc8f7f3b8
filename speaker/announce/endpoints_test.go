// SPDX-License-Identifier: Apache-2.0

package announce_test

import (
	"net/netip"
	"slices"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/endpoint/endpointtest"
	"metallb.io/metallb/speaker/announce"
)

func TestAnAddressIsAnnouncedIfTheNodesProxyForwardsItsConnections(t *testing.T) {
	t.Parallel()
	p := compile(t, nil, adv("everything", v1beta1.BGPAdvertisementSpec{}))
	addresses := map[discoveryv1.AddressType]netip.Addr{
		discoveryv1.AddressTypeIPv4: netip.MustParseAddr("198.51.100.7"), discoveryv1.AddressTypeIPv6: netip.MustParseAddr("2001:db8:1::7"),
	}
	for m := range endpointtest.Mixtures("web") {
		for _, local := range []bool{false, true} {
			s := announce.Service{AllocatedFrom: []string{"pool"}, Local: local}
			for _, a := range addresses {
				s.Addresses = append(s.Addresses, a)
			}
			d := announce.Decide(p, s, announce.EndpointsOf(m.Slices, endpointtest.Node))
			for family, a := range addresses {
				announced := m.Forwards(family, local, endpointtest.Node)
				if got := slices.Contains(d.Announced, a); got != announced {
					t.Fatalf("%s: %s with Local=%v is announced: %v, want %v", m, a, local, got, announced)
				}
				for peer, paths := range d.Paths {
					for _, path := range paths {
						if want := local && m.Drains(family, endpointtest.Node); path.Prefix.Addr() == a && path.Draining != want {
							t.Fatalf("%s: %s with Local=%v to %s drains: %v, want %v", m, a, local, peer, path.Draining, want)
						}
					}
				}
			}
		}
	}
}
