// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Request is what a service wants. Its maps and slices are not modified, and must not be once it is handed over.
type Request struct {
	Service types.NamespacedName
	// Version of the service. What was decided for another version and not told, nobody will tell any more.
	Version string
	// Created is when the service was; of services that wait the oldest is served first.
	Created time.Time
	// Labels of the service and of its namespace, for pools that select by them.
	Labels, NamespaceLabels labels.Set
	// Families wanted, one or two, the primary first.
	Families []corev1.IPFamily
	// RequireAll refuses the request unless there is an address of every family; otherwise one is enough.
	RequireAll bool
	// Addresses wanted and no others, at most one of a family; none leaves the choice to the allocator.
	Addresses []netip.Addr
	// Pool that the addresses must come from; empty leaves the choice to the allocator.
	Pool string
	// Recorded is what the status of the service says that it holds, and from which pools.
	Recorded []Assignment
	// Sharing says with whom the service may share an address.
	Sharing Sharing
}

// Sharing is what decides whether services can hold the same address: their keys and backends are equal and no port of
// one is a port of the other.
type Sharing struct {
	// Key that the services have in common; empty never shares.
	Key string
	// Backend is equal for services whose traffic ends on the same nodes.
	Backend string
	// Ports of the service.
	Ports []Port
}

// Equal reports whether the two say the same. Without a key, backends and ports do not matter.
func (s Sharing) Equal(o Sharing) bool {
	return s.Key == o.Key && (s.Key == "" || s.Backend == o.Backend && slices.Equal(s.Ports, o.Ports))
}

func (s Sharing) group() groupKey { return groupKey{key: s.Key, backend: s.Backend} }

// Port is a port of a service.
type Port struct {
	Protocol corev1.Protocol
	Number   int32
}

// String returns the port as "80/TCP".
func (p Port) String() string { return fmt.Sprintf("%d/%s", p.Number, p.Protocol) }

// Result is what a service holds after a request.
type Result struct {
	// Assignments in the order of the requested families.
	Assignments []Assignment
	// Missing says why a service that can do with one family has not got the other; nil if nothing is missing.
	Missing *Refusal
	// Moved says of each address that the service had to leave, and that is not settled yet, why.
	Moved []Reason
	// Woken are other services that hold something else than before, in consequence of this request.
	Woken []types.NamespacedName
}

// Addresses returns the addresses held.
func (r Result) Addresses() []netip.Addr {
	addresses := make([]netip.Addr, 0, len(r.Assignments))
	for _, a := range r.Assignments {
		addresses = append(addresses, a.Address)
	}
	return addresses
}

// Assignment is one address that a service holds.
type Assignment struct {
	Address netip.Addr
	// Pool that contains the address; if none does, or the service requests another that did, the one it was allocated from.
	Pool string
	// Incompatible is set if the pool would not give the address to this service any more.
	Incompatible bool
	// Disputed is another service that holds the address with the better right, and that does not share it. Only
	// addresses that were replayed can be disputed.
	Disputed types.NamespacedName
}

// FamilyOf returns the family of an address.
func FamilyOf(a netip.Addr) corev1.IPFamily {
	if a.Is4() {
		return corev1.IPv4Protocol
	}
	return corev1.IPv6Protocol
}
