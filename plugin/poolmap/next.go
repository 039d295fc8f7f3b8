// SPDX-License-Identifier: Apache-2.0

package poolmap

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
)

// Answer is what a Service would be given.
type Answer struct {
	// Service is its namespace and name.
	Service string `json:"service"`
	// Given are the addresses that it would hold, in the order of its families.
	Given []Given `json:"given"`
	// Problem is why it would be given nothing, or not what it requests.
	Problem string `json:"problem,omitempty"`
	// PassedOver are pools that are tried before the one that gives the address, or all if none does, with the reason.
	PassedOver []PassedOver `json:"passedOver,omitempty"`
}

// Given is an address and why it is the one.
type Given struct {
	Address netip.Addr `json:"address"`
	Pool    string     `json:"pool"`
	Why     Why        `json:"why"`
	// SharedWith are the services that hold the address already.
	SharedWith []string `json:"sharedWith,omitempty"`
}

// Why an address is given.
type Why string

// The reasons, the first that applies.
const (
	// Kept: the service holds it already.
	Kept Why = "Kept"
	// Requested: the service requests the address.
	Requested Why = "AddressRequested"
	// Shared: services with the same sharing key hold it.
	Shared Why = "Shared"
	// FirstOfRequestedPool: it is the first free address of the pool that the service requests.
	FirstOfRequestedPool Why = "FirstFreeOfPoolRequested"
	// First: it is the first free address of the first pool that can serve the service.
	First Why = "FirstFree"
)

// PassedOver is a pool that does not serve the service.
type PassedOver struct {
	Pool   string          `json:"pool"`
	Family corev1.IPFamily `json:"family"`
	Reason allocator.Cause `json:"reason"`
}

// Next returns what the Services would be given, one after the other, after all that wait already. They are as the API server completes
// them. It changes the Map, which is for one question.
func (m *Map) Next(services []corev1.Service) []Answer {
	for _, r := range m.pending {
		m.allocator.Allocate(r)
	}
	m.pending = nil
	answers := make([]Answer, 0, len(services))
	for i := range services {
		answers = append(answers, m.next(&services[i]))
	}
	return answers
}

func (m *Map) next(svc *corev1.Service) Answer {
	a := Answer{Service: types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name}.String(), Given: []Given{}}
	switch {
	case svc.Spec.Type != corev1.ServiceTypeLoadBalancer:
		a.Problem = "the service is not of type LoadBalancer: set spec.type"
		return a
	case !assignment.Served(svc, m.class):
		a.Problem = "spec.loadBalancerClass leaves the service to another load balancer"
		return a
	}
	r, err := assignment.RequestOf(svc, m.namespaces[svc.Namespace])
	if err != nil {
		a.Problem = err.Error()
		return a
	}
	holds := m.allocator.Inspect(allocator.Filter{Service: r.Service}).Addresses
	standings := m.allocator.Standings(r)
	result, refusal := m.allocator.Allocate(r)
	for _, as := range result.Assignments {
		kept := slices.ContainsFunc(holds, func(h allocator.InspectedAddress) bool { return h.Address == as.Address })
		a.Given = append(a.Given, m.given(&r, as, kept))
	}
	switch {
	case refusal != nil:
		a.Problem = refusal.String()
	case result.Missing != nil:
		a.Problem = result.Missing.String()
	}
	if len(r.Addresses) == 0 {
		a.passOver(standings)
	}
	return a
}

// given says why the service has got the address.
func (m *Map) given(r *allocator.Request, as allocator.Assignment, kept bool) Given {
	g := Given{Address: as.Address, Pool: as.Pool, Why: First}
	for _, used := range m.allocator.Inspect(allocator.Filter{Service: r.Service}).Addresses {
		for _, user := range used.Users {
			if used.Address == as.Address && user.Service != r.Service {
				g.SharedWith = append(g.SharedWith, user.Service.String())
			}
		}
	}
	switch {
	case kept:
		g.Why = Kept
	case slices.Contains(r.Addresses, as.Address):
		g.Why = Requested
	case len(g.SharedWith) > 0:
		g.Why = Shared
	case r.Pool != "":
		g.Why = FirstOfRequestedPool
	}
	return g
}

// passOver notes the pools that could not serve the service before the one that did, of each family.
func (a *Answer) passOver(standings []allocator.Standing) {
	for _, s := range standings {
		if s.Cause == "" {
			continue
		}
		giver := slices.IndexFunc(a.Given, func(g Given) bool { return allocator.FamilyOf(g.Address) == s.Family })
		if giver >= 0 && a.Given[giver].Why != First {
			continue
		}
		if giver >= 0 && !comesBefore(standings, s.Pool, a.Given[giver].Pool) {
			continue
		}
		a.PassedOver = append(a.PassedOver, PassedOver{s.Pool, s.Family, s.Cause})
	}
}

// comesBefore reports whether one pool is tried before another.
func comesBefore(standings []allocator.Standing, pool, other string) bool {
	index := func(name string) int {
		return slices.IndexFunc(standings, func(s allocator.Standing) bool { return s.Pool == name })
	}
	return index(pool) < index(other)
}
