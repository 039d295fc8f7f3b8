// SPDX-License-Identifier: Apache-2.0

package endpoint_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"

	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/internal/endpoint/endpointtest"
)

// slice has endpoints of the node, each written as its address and state: + for ready, ~ for draining, - for neither.
func slice(kind discoveryv1.AddressType, node string, endpoints ...string) discoveryv1.EndpointSlice {
	s := discoveryv1.EndpointSlice{AddressType: kind, Ports: []discoveryv1.EndpointPort{{Port: new(int32(80))}}}
	for _, text := range endpoints {
		e := discoveryv1.Endpoint{Addresses: []string{text[1:]}, NodeName: &node}
		if text[0] != '+' {
			e.Conditions = discoveryv1.EndpointConditions{Ready: new(false), Serving: new(text[0] == '~'), Terminating: new(true)}
		}
		s.Endpoints = append(s.Endpoints, e)
	}
	return s
}

func TestWhatANodeSeesIsCountedByAddress(t *testing.T) {
	t.Parallel()
	const v4, v6, fqdn = discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6, discoveryv1.AddressTypeFQDN
	for name, tc := range map[string]struct {
		slices     []discoveryv1.EndpointSlice
		four, six  endpoint.View
		usableHere int
	}{
		"none": {},
		"ready ones here": {
			slices: []discoveryv1.EndpointSlice{slice(v4, "here", "+a", "+b", "-c")},
			four:   endpoint.View{Local: endpoint.Count{Ready: 2}, Anywhere: endpoint.Ready}, usableHere: 2,
		},
		"one that moves from slice to slice": {
			slices: []discoveryv1.EndpointSlice{slice(v4, "here", "+a"), slice(v4, "here", "+a", "~b")},
			four:   endpoint.View{Local: endpoint.Count{Ready: 1, Draining: 1}, Anywhere: endpoint.Ready}, usableHere: 1,
		},
		"one that is ready in one slice and drains in another": {
			slices: []discoveryv1.EndpointSlice{slice(v4, "here", "~a"), slice(v4, "here", "+a")},
			four:   endpoint.View{Local: endpoint.Count{Ready: 1}, Anywhere: endpoint.Ready}, usableHere: 1,
		},
		"draining ones here, ready ones elsewhere": {
			slices: []discoveryv1.EndpointSlice{slice(v4, "here", "~a", "~b"), slice(v4, "there", "+c")},
			four:   endpoint.View{Local: endpoint.Count{Draining: 2}, Anywhere: endpoint.Ready}, usableHere: 2,
		},
		"draining ones elsewhere": {
			slices: []discoveryv1.EndpointSlice{slice(v4, "there", "~a", "-b")},
			four:   endpoint.View{Anywhere: endpoint.Draining},
		},
		"one of each family, and a name": {
			slices: []discoveryv1.EndpointSlice{slice(v6, "here", "+a"), slice(v4, "there", "+b"), slice(fqdn, "here", "+c")},
			four:   endpoint.View{Anywhere: endpoint.Ready},
			six:    endpoint.View{Local: endpoint.Count{Ready: 1}, Anywhere: endpoint.Ready},
		},
		"one without an address": {slices: []discoveryv1.EndpointSlice{{AddressType: v4, Endpoints: []discoveryv1.Endpoint{{}}}}},
		"some without a port": {
			slices: []discoveryv1.EndpointSlice{
				{AddressType: v4, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"a"}, NodeName: new("here")}}},
				{AddressType: v4, Ports: []discoveryv1.EndpointPort{{Name: new("http")}}, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"b"}, NodeName: new("here")}}},
				slice(v4, "there", "+c"),
			},
			four: endpoint.View{Anywhere: endpoint.Ready},
		},
		"one without a node": {
			slices: []discoveryv1.EndpointSlice{{AddressType: v4, Ports: []discoveryv1.EndpointPort{{Port: new(int32(80))}}, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"a"}}}}},
			four:   endpoint.View{Anywhere: endpoint.Ready},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, times := range []string{"as they are", "reduced once", "reduced twice"} {
				got := endpoint.Views(tc.slices, "here")
				if diff := cmp.Diff([endpoint.Families]endpoint.View{tc.four, tc.six}, got); diff != "" {
					t.Errorf("slices %s (-want +got):\n%s", times, diff)
				}
				if n := got[endpoint.IPv4].Local.Usable(); n != tc.usableHere {
					t.Errorf("slices %s: %d are usable here", times, n)
				}
				for i := range tc.slices {
					tc.slices[i].Endpoints, tc.slices[i].Ports = endpoint.ReduceFor(&tc.slices[i], "here"), endpoint.ReducePorts(&tc.slices[i])
				}
			}
		})
	}
}

func TestANodeSeesWhatItsProxyForwardsTo(t *testing.T) {
	t.Parallel()
	families := map[endpoint.Family]discoveryv1.AddressType{endpoint.IPv4: discoveryv1.AddressTypeIPv4, endpoint.IPv6: discoveryv1.AddressTypeIPv6}
	n := 0
	for m := range endpointtest.Mixtures("web") {
		n++
		for _, node := range []string{endpointtest.Node, endpointtest.OtherNode, "another"} {
			slices := append([]discoveryv1.EndpointSlice(nil), m.Slices...)
			for _, times := range []string{"as they are", "reduced once", "reduced twice"} {
				views := endpoint.Views(slices, node)
				for f, kind := range families {
					if got, want := views[f].Draining(), m.Drains(kind, node); got != want {
						t.Fatalf("%s (%s), for %s on %s: draining: %v, want %v", m, times, f, node, got, want)
					}
					for _, local := range []bool{false, true} {
						if got, want := views[f].Usable(local), m.Forwards(kind, local, node); got != want {
							t.Fatalf("%s (%s), for %s with Local=%v on %s: %v, want %v", m, times, f, local, node, got, want)
						}
					}
				}
				for i := range slices {
					before := slices[i].Endpoints
					slices[i].Endpoints = endpoint.ReduceFor(&slices[i], node)
					if times != "as they are" && cmp.Diff(before, slices[i].Endpoints) != "" {
						t.Fatalf("%s: reduced again it is %+v, not %+v", m, slices[i].Endpoints, before)
					}
				}
			}
		}
	}
	if n < 2000 {
		t.Errorf("%d mixtures only", n)
	}
}

func TestReducedForAllNodesASliceSaysWhereEndpointsAre(t *testing.T) {
	t.Parallel()
	s := slice(discoveryv1.AddressTypeIPv4, "here", "~a", "+b", "+c")
	there := slice(discoveryv1.AddressTypeIPv4, "there", "~d", "-e")
	s.Endpoints = append(s.Endpoints, there.Endpoints...)
	s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{"f"}})
	once := func(name string) *string { return &name }
	var got []string
	for range 2 {
		s.Endpoints, got = endpoint.Reduce(&s, once), nil
		for e, state := range endpoint.In(&s) {
			name := "nowhere"
			if e.NodeName != nil {
				name = *e.NodeName
			}
			got = append(got, fmt.Sprint(name, " ", state == endpoint.Ready))
		}
		if diff := cmp.Diff([]string{"here true", "there false", "nowhere true"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	name := slice(discoveryv1.AddressTypeFQDN, "here", "+example.com")
	if kept := endpoint.Reduce(&name, once); len(kept) > 0 {
		t.Errorf("of a slice of names is kept %+v", kept)
	}
}
