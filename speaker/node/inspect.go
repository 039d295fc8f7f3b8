// SPDX-License-Identifier: Apache-2.0

package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/speaker/announce"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
)

// ErrNotConfigured says that there is no policy yet.
var ErrNotConfigured = errors.New("the node's configuration has not been loaded yet")

// Inspection is what the node does at one moment. It is a copy.
type Inspection struct {
	Node   string
	Policy *policy.Policy
	// Rejections are what is wrong with objects of the configuration.
	Rejections []policy.Rejection
	Sessions   []session.State
	// RIB is what the peers are to be told.
	RIB *rib.Table
	// Unsettled are prefixes, by peer, that the peer's session does not have yet as RIB has them.
	Unsettled map[string][]netip.Prefix

	owners map[string]map[string][]rib.Path
	states map[types.NamespacedName]state
}

// ServiceInspection is what the node does about one service.
type ServiceInspection struct {
	Name types.NamespacedName
	// Reason is why the service has no address to decide about; empty if it has.
	Reason    announce.Reason
	Addresses []AddressInspection
	// Paths are what the peers are to be told because of the service. They must not be changed.
	Paths map[string][]rib.Path
}

// AddressInspection is what the node does about one address of a service.
type AddressInspection struct {
	Address netip.Addr
	// Pool is the one that the address belongs to; empty if there is none.
	Pool string
	// Announced is whether the peers are told of the address.
	Announced bool
	// Refused is why it is not announced. Where that and Announced contradict each other, a change is under way.
	Refused announce.Reason
}

// Inspect returns what the node does now. Its cost is in proportion to the number of services that it announces.
func (s *Speaker) Inspect() (*Inspection, error) {
	i := &Inspection{Node: s.services.node, Sessions: s.sessions.States(), RIB: rib.NewTable(), Unsettled: map[string][]netip.Prefix{}}
	if rejections := s.rejections.Load(); rejections != nil {
		i.Rejections = *rejections
	}
	s.reports.mu.Lock()
	i.states = maps.Clone(s.reports.states)
	s.reports.mu.Unlock()
	if i.Policy = s.Policy(); i.Policy == nil {
		return nil, ErrNotConfigured
	}
	i.owners = s.table.Contributions()
	i.RIB.SetAll(i.owners)
	i.RIB.SetDraining(s.table.Draining())
	for j := range i.Sessions {
		peer := i.Sessions[j].Peer
		i.Unsettled[peer] = s.table.Unsettled(peer)
	}
	return i, nil
}

// InspectService returns what the node does about one service, false if there is none of that name.
func (s *Speaker) InspectService(ctx context.Context, i *Inspection, name types.NamespacedName) (ServiceInspection, bool, error) {
	svc := &corev1.Service{}
	err := s.services.client.Get(ctx, name, svc)
	if err == nil {
		found, err := s.inspect(ctx, i, svc)
		return found, true, err
	}
	if client.IgnoreNotFound(err) != nil {
		return ServiceInspection{}, false, fmt.Errorf("reading service %s: %w", name, err)
	}
	_, known := i.states[name]
	return i.reported(name, announce.NotLoadBalancer), known, nil
}

// InspectServices returns what the node does about every service of type LoadBalancer, sorted by name.
func (s *Speaker) InspectServices(ctx context.Context, i *Inspection) ([]ServiceInspection, error) {
	var services corev1.ServiceList
	if err := s.services.client.List(ctx, &services); err != nil {
		return nil, fmt.Errorf("listing services: %w", err)
	}
	all := make([]ServiceInspection, 0, len(services.Items))
	present := make(map[types.NamespacedName]bool, len(services.Items))
	for n := range services.Items {
		found, err := s.inspect(ctx, i, &services.Items[n])
		if err != nil {
			return nil, err
		}
		present[found.Name] = true
		all = append(all, found)
	}
	for name := range i.states {
		if !present[name] {
			all = append(all, i.reported(name, announce.NotLoadBalancer))
		}
	}
	slices.SortFunc(all, func(a, b ServiceInspection) int { return strings.Compare(a.Name.String(), b.Name.String()) })
	return all, nil
}

// inspect decides about the service again, since why something is not announced is not kept.
func (s *Speaker) inspect(ctx context.Context, i *Inspection, svc *corev1.Service) (ServiceInspection, error) {
	name := client.ObjectKeyFromObject(svc)
	view, reason := announce.ServiceOf(svc, s.services.class)
	o, err := s.services.decide(ctx, svc, view, reason, i.Policy)
	if err != nil {
		return ServiceInspection{}, err
	}
	found := i.reported(name, cmp.Or(reason, announce.NoIPAllocated))
	found.Reason = reason
	for _, addr := range view.Addresses {
		n := slices.IndexFunc(found.Addresses, func(a AddressInspection) bool { return a.Address == addr })
		if n < 0 {
			n = len(found.Addresses)
			found.Addresses = append(found.Addresses, AddressInspection{Address: addr})
		}
		a := &found.Addresses[n]
		a.Refused = o.decision.Refused[addr]
		if pool := i.Policy.Pool(addr, view.AllocatedFrom); pool != nil {
			a.Pool = pool.Name
		}
	}
	return found, nil
}

// reported is what the peers have of a service, if it is not to be announced for the reason.
func (i *Inspection) reported(name types.NamespacedName, reason announce.Reason) ServiceInspection {
	found := ServiceInspection{Name: name, Reason: reason, Paths: i.owners[name.String()]}
	for _, addr := range i.states[name].announced {
		found.Addresses = append(found.Addresses, AddressInspection{Address: addr, Announced: true, Refused: reason})
	}
	return found
}
