// SPDX-License-Identifier: Apache-2.0

// Package endpointtest has EndpointSlices in every mixture of conditions, and says what kube-proxy makes of them: for the tests of
// all who decide by package endpoint.
package endpointtest

import (
	"fmt"
	"iter"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"
)

const (
	// Node has the first endpoint of each Mixture.
	Node = "node-0001"
	// OtherNode has the second one.
	OtherNode = "node-0002"
)

// Mixture is a service's slices.
type Mixture struct {
	Slices []discoveryv1.EndpointSlice
}

// String says what the endpoints are like.
func (m Mixture) String() string {
	var text strings.Builder
	fmt.Fprint(&text, len(m.Slices), " slices:")
	for _, s := range m.Slices {
		for i := range s.Endpoints {
			c := s.Endpoints[i].Conditions
			fmt.Fprintf(&text, " %s on %s ready=%s serving=%s terminating=%s", s.AddressType, *s.Endpoints[i].NodeName,
				textOf(c.Ready), textOf(c.Serving), textOf(c.Terminating))
		}
	}
	return text.String()
}

func textOf(b *bool) string {
	if b == nil {
		return "unset"
	}
	return fmt.Sprint(*b)
}

// Mixtures returns two endpoints of the service in namespace default, on Node and OtherNode, in one slice or in two, of every
// type of address and in every mixture of conditions.
func Mixtures(service string) iter.Seq[Mixture] {
	return func(yield func(Mixture) bool) {
		for first := range 27 {
			for second := range 27 {
				if second%9%3 == 0 || second/9 == 0 || second%9/3 == 0 {
					continue // Conditions that are unset are in the first one's mixtures.
				}
				for _, slices := range arrange(service, endpointIn(first, Node), endpointIn(second, OtherNode)) {
					if !yield(Mixture{slices}) {
						return
					}
				}
			}
		}
	}
}

// arrange puts the endpoints into one slice and into two, of each type of address.
func arrange(service string, one, two discoveryv1.Endpoint) [][]discoveryv1.EndpointSlice {
	types := []discoveryv1.AddressType{discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6, discoveryv1.AddressTypeFQDN}
	all := make([][]discoveryv1.EndpointSlice, 0, len(types)*(1+len(types)))
	for _, a := range types {
		all = append(all, []discoveryv1.EndpointSlice{sliceOf(service, 0, a, one, two)})
		for _, b := range types {
			all = append(all, []discoveryv1.EndpointSlice{sliceOf(service, 0, a, one), sliceOf(service, 1, b, two)})
		}
	}
	return all
}

func sliceOf(service string, number int, kind discoveryv1.AddressType, endpoints ...discoveryv1.Endpoint) discoveryv1.EndpointSlice {
	s := discoveryv1.EndpointSlice{AddressType: kind, Ports: []discoveryv1.EndpointPort{{Port: new(int32(80))}}}
	s.Namespace, s.Name = "default", fmt.Sprintf("%s-%d", service, number)
	s.Labels = map[string]string{discoveryv1.LabelServiceName: service}
	for _, e := range endpoints {
		if kind != discoveryv1.AddressTypeIPv4 {
			e.Addresses = []string{"2001:db8::" + e.Addresses[0][len(e.Addresses[0])-1:]}
		}
		s.Endpoints = append(s.Endpoints, e)
	}
	return s
}

// endpointIn returns an endpoint in one of 27 mixtures of conditions, each unset, false or true.
func endpointIn(mixture int, node string) discoveryv1.Endpoint {
	one := func(digit int) *bool {
		if digit == 0 {
			return nil
		}
		return new(digit == 2)
	}
	return discoveryv1.Endpoint{
		Addresses: []string{"10.0.0." + node[len(node)-1:]}, NodeName: &node,
		Conditions: discoveryv1.EndpointConditions{Ready: one(mixture % 3), Serving: one(mixture / 3 % 3), Terminating: one(mixture / 9)},
	}
}

// Forwards reports whether kube-proxy on the node sends connections to an address of the family somewhere, for a service with the
// traffic policy Local or Cluster. It is written as kube-proxy is: all that are ready, else all that serve while they terminate.
func (m Mixture) Forwards(family discoveryv1.AddressType, local bool, node string) bool {
	var ready, draining int
	for _, s := range m.Slices {
		if s.AddressType != family {
			continue
		}
		for _, e := range s.Endpoints {
			if local && *e.NodeName != node {
				continue
			}
			switch c := e.Conditions; {
			case is(c.Ready, true):
				ready++
			case is(c.Serving, true) && is(c.Terminating, false):
				draining++
			}
		}
	}
	return ready > 0 || draining > 0
}

// Drains reports whether connections through the node are about to end with traffic policy Local: of the node's endpoints of the family
// those that get connections terminate, while one on another node is ready.
func (m Mixture) Drains(family discoveryv1.AddressType, node string) bool {
	own, other := map[string]bool{}, map[string]bool{}
	for _, s := range m.Slices {
		for _, e := range s.Endpoints {
			kind := "neither"
			switch c := e.Conditions; {
			case s.AddressType != family:
			case is(c.Ready, true):
				kind = "ready"
			case is(c.Serving, true) && is(c.Terminating, false):
				kind = "draining"
			}
			if *e.NodeName == node {
				own[kind] = true
			} else {
				other[kind] = true
			}
		}
	}
	return own["draining"] && !own["ready"] && other["ready"]
}

// is returns the condition, which is as given if it is unset.
func is(condition *bool, unset bool) bool {
	if condition == nil {
		return unset
	}
	return *condition
}
