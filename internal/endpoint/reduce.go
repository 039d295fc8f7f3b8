// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
)

// reduced is the first address of an endpoint that stands for several of one node in one state. The others are theirs; none if
// they are not kept.
const reduced = ""

// addresses returns the addresses of the endpoint or endpoints. Of one that is not reduced, kube-proxy uses the first one only.
func addresses(e *discoveryv1.Endpoint) []string {
	if e.Addresses[0] == reduced {
		return e.Addresses[1:]
	}
	return e.Addresses[:1]
}

// nowhere are the addresses of endpoints whose addresses are not kept.
var nowhere = []string{reduced}

// conditions of reduced endpoints.
func conditions(s State) discoveryv1.EndpointConditions {
	if s == Ready {
		return discoveryv1.EndpointConditions{}
	}
	return draining
}

var draining = discoveryv1.EndpointConditions{Ready: new(bool), Terminating: new(true)}

// somePort stands for the ports of a reduced slice. It is shared.
var somePort = []discoveryv1.EndpointPort{{Port: new(int32(1))}}

// ReducePorts returns the ports of the slice as far as they matter: one if the slice has any with a number.
func ReducePorts(slice *discoveryv1.EndpointSlice) []discoveryv1.EndpointPort {
	if !HasPort(slice) {
		return nil
	}
	return somePort
}

// ReduceFor returns the endpoints of the slice as far as they matter to a node: those of its own, by state, and one that stands
// for all others if these are in a better state. What is reduced stays the same if it is reduced again. So it does if endpoints on
// other nodes come and go next to others.
func ReduceFor(slice *discoveryv1.EndpointSlice, node string) []discoveryv1.Endpoint {
	if _, known := FamilyOf(slice); !known {
		return nil
	}
	var own [Ready + 1][]string
	best, anywhere := Unusable, Unusable
	for e, s := range In(slice) {
		anywhere = max(anywhere, s)
		if e.NodeName == nil || *e.NodeName != node {
			continue
		}
		best = max(best, s)
		for _, address := range addresses(e) {
			if !slices.Contains(own[s], address) {
				own[s] = append(own[s], address)
			}
		}
	}
	var kept []discoveryv1.Endpoint
	for _, s := range []State{Ready, Draining} {
		if len(own[s]) > 0 {
			slices.Sort(own[s])
			kept = append(kept, discoveryv1.Endpoint{
				Addresses: append([]string{reduced}, own[s]...), NodeName: &node, Conditions: conditions(s),
			})
		}
	}
	if anywhere > best {
		kept = append(kept, discoveryv1.Endpoint{Addresses: nowhere, Conditions: conditions(anywhere)})
	}
	return kept
}

// Reduce returns the endpoints of the slice reduced to one for each node where there are some, in the state of the best of them,
// and one without a node if some have none. The function returns the name of a node at the place where it is to be kept. What
// is reduced stays the same if it is reduced again.
func Reduce(slice *discoveryv1.EndpointSlice, keep func(node string) *string) []discoveryv1.Endpoint {
	if _, known := FamilyOf(slice); !known {
		return nil
	}
	var names []string // in the order of the slice
	best := map[string]State{}
	for e, s := range In(slice) {
		name := ""
		if e.NodeName != nil {
			name = *e.NodeName
		}
		if best[name] == Unusable {
			names = append(names, name)
		}
		best[name] = max(best[name], s)
	}
	var kept []discoveryv1.Endpoint
	for _, name := range names {
		e := discoveryv1.Endpoint{Addresses: nowhere, Conditions: conditions(best[name])}
		if name != "" {
			e.NodeName = keep(name)
		}
		kept = append(kept, e)
	}
	return kept
}
