// SPDX-License-Identifier: Apache-2.0

package debug

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/process"
)

// The filters of the page.
const (
	filterPool    = "pool"
	filterService = "service"
)

// Allocator is what the page is about.
type Allocator interface {
	Inspect(f allocator.Filter) allocator.Inspection
}

// Pages returns the controller's pages. Replayed reports whether the allocator knows what all services hold, which it only
// does in the active controller.
func Pages(a Allocator, replayed func() bool) []process.Page {
	return []process.Page{{
		Name: "allocator", Purpose: "the services that have each address, and the services that wait for an address, with the reason",
		Filters: []string{filterService, filterPool},
		Answer: func(_ context.Context, values url.Values) (any, error) {
			if !replayed() {
				return nil, fmt.Errorf("this controller is not the active one, or has just become it: %w", process.ErrNotYet)
			}
			f, err := filterOf(values)
			if err != nil {
				return nil, err
			}
			return render(a.Inspect(f), f)
		},
	}}
}

func filterOf(values url.Values) (allocator.Filter, error) {
	f := allocator.Filter{Pool: values.Get(filterPool)}
	text := values.Get(filterService)
	if text == "" {
		return f, nil
	}
	namespace, name, found := strings.Cut(text, "/")
	if !found || namespace == "" || name == "" {
		return f, fmt.Errorf("service %q: write NAMESPACE/NAME: %w", text, process.ErrNoMatch)
	}
	f.Service = types.NamespacedName{Namespace: namespace, Name: name}
	return f, nil
}

type page struct {
	Pools     []pool    `json:"pools"`
	Addresses []address `json:"addresses"`
	// Waiting services are in the order in which they are served.
	Waiting []waiter `json:"waiting"`
}

type pool struct {
	Name string `json:"name"`
	// InUse is whether services are given addresses from it.
	InUse         bool  `json:"inUse"`
	AssignedIPv4  int64 `json:"assignedIPv4"`
	AvailableIPv4 int64 `json:"availableIPv4"`
	SizeIPv4      int64 `json:"sizeIPv4"`
	AssignedIPv6  int64 `json:"assignedIPv6"`
	AvailableIPv6 int64 `json:"availableIPv6"`
	SizeIPv6      int64 `json:"sizeIPv6"`
	// Incompatible says of each address that is held against the configuration who holds it.
	Incompatible []string `json:"incompatible,omitempty"`
}

type address struct {
	Address netip.Addr `json:"address"`
	Pool    string     `json:"pool"`
	Holders []holder   `json:"holders"`
}

type holder struct {
	Service    string   `json:"service"`
	SharingKey string   `json:"sharingKey,omitempty"`
	Ports      []string `json:"ports,omitempty"`
	// State is "held"; "incompatible", held though no pool contains it; "in conflict", held though an older service holds it too and
	// does not share it; or "pending release", given up for another that is in the status of the service or about to be.
	State string `json:"state"`
	// By is the older service that an address is in conflict with.
	By string `json:"by,omitempty"`
}

type waiter struct {
	Service   string            `json:"service"`
	Created   time.Time         `json:"created"`
	Families  []corev1.IPFamily `json:"families"`
	Pool      string            `json:"pool,omitempty"`
	Addresses []netip.Addr      `json:"addresses,omitempty"`
	Holds     []netip.Addr      `json:"holds,omitempty"`
	Reason    string            `json:"reason"`
}

// render returns the page; an error if the filter matches nothing.
func render(i allocator.Inspection, f allocator.Filter) (any, error) {
	if f != (allocator.Filter{}) && len(i.Pools)+len(i.Addresses)+len(i.Waiters) == 0 {
		return nil, fmt.Errorf("no address, waiting service or pool of the service %q and the pool %q: %w", f.Service, f.Pool, process.ErrNoMatch)
	}
	p := page{Pools: []pool{}, Addresses: []address{}, Waiting: []waiter{}}
	for n := range i.Pools {
		p.Pools = append(p.Pools, poolOf(&i.Pools[n]))
	}
	for n := range i.Addresses {
		a := address{Address: i.Addresses[n].Address, Pool: i.Addresses[n].Pool, Holders: []holder{}}
		for h := range i.Addresses[n].Users {
			a.Holders = append(a.Holders, holderOf(&i.Addresses[n].Users[h]))
		}
		p.Addresses = append(p.Addresses, a)
	}
	for n := range i.Waiters {
		p.Waiting = append(p.Waiting, waiterOf(&i.Waiters[n]))
	}
	return p, nil
}

func poolOf(from *allocator.InspectedPool) pool {
	to := pool{
		Name: from.Name, InUse: from.InUse,
		AssignedIPv4: from.AssignedIPv4, AvailableIPv4: from.AvailableIPv4, SizeIPv4: from.SizeIPv4,
		AssignedIPv6: from.AssignedIPv6, AvailableIPv6: from.AvailableIPv6, SizeIPv6: from.SizeIPv6,
	}
	for _, h := range from.Incompatible {
		to.Incompatible = append(to.Incompatible, config.Impact{Service: h.Service, Address: h.Address}.String())
	}
	return to
}

func holderOf(from *allocator.InspectedUser) holder {
	to := holder{Service: from.Service.String(), SharingKey: from.Sharing.Key, State: "held"}
	if from.Sharing.Key != "" {
		for _, p := range from.Sharing.Ports {
			to.Ports = append(to.Ports, p.String())
		}
	}
	switch {
	case from.PendingRelease:
		to.State = "pending release"
	case from.Conflict != (types.NamespacedName{}):
		to.State, to.By = "in conflict", from.Conflict.String()
	case from.Incompatible:
		to.State = "incompatible"
	}
	return to
}

func waiterOf(from *allocator.InspectedWaiter) waiter {
	r := &from.Request
	to := waiter{
		Service: r.Service.String(), Created: r.Created, Families: r.Families, Pool: r.Pool, Addresses: r.Addresses, Holds: from.Held,
	}
	if from.Refusal != nil {
		to.Reason = from.Refusal.String()
	}
	return to
}
