// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"net/netip"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"
)

// Endpoints builds an EndpointSlice.
type Endpoints struct{ discoveryv1.EndpointSlice }

// MakeEndpoints returns an EndpointSlice of the Service without endpoints.
func MakeEndpoints(service *Service, family discoveryv1.AddressType) *Endpoints {
	e := &Endpoints{}
	e.Namespace, e.Name = service.Namespace, service.Name+"-"+strings.ToLower(string(family))
	e.Labels = map[string]string{discoveryv1.LabelServiceName: service.Name}
	e.AddressType, e.Ports = family, []discoveryv1.EndpointPort{{Port: new(int32(8080))}}
	return e
}

// Obj returns the EndpointSlice.
func (e *Endpoints) Obj() *discoveryv1.EndpointSlice { return e.DeepCopy() }

// WithoutPort makes the endpoints those of pods that do not have the port that the Service names.
func (e *Endpoints) WithoutPort() *Endpoints {
	e.Ports = nil
	return e
}

// Ready adds an endpoint on each of the nodes that is ready.
func (e *Endpoints) Ready(nodes ...string) *Endpoints {
	return e.add(discoveryv1.EndpointConditions{Ready: new(true)}, nodes)
}

// Terminating adds one on each that terminates and still serves.
func (e *Endpoints) Terminating(nodes ...string) *Endpoints {
	return e.add(discoveryv1.EndpointConditions{Ready: new(false), Serving: new(true), Terminating: new(true)}, nodes)
}

// NotReady adds one on each that is not ready.
func (e *Endpoints) NotReady(nodes ...string) *Endpoints {
	return e.add(discoveryv1.EndpointConditions{Ready: new(false)}, nodes)
}

func (e *Endpoints) add(conditions discoveryv1.EndpointConditions, nodes []string) *Endpoints {
	first := netip.MustParseAddr("10.244.0.1")
	if e.AddressType == discoveryv1.AddressTypeIPv6 {
		first = netip.MustParseAddr("fd00:10:244::1")
	}
	for _, node := range nodes {
		address := first
		for range e.Endpoints {
			address = address.Next()
		}
		e.Endpoints = append(e.Endpoints, discoveryv1.Endpoint{Addresses: []string{address.String()}, Conditions: conditions, NodeName: new(node)})
	}
	return e
}
