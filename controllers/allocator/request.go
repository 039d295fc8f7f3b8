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

// Request is what a service asks for. Its maps and slices are not modified, and must not be once it is handed over.
type Request struct {
	Service types.NamespacedName
	// Version of the service. What was decided for another version and not reported, nobody will report any more.
	Version string
	// Created is when the service was created. Of services that wait the oldest is served first, and of two that cannot share the
	// address that they hold, the older has the better right to it.
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

// Sharing decides whether services can hold the same address: they have the same key, their traffic ends on the same nodes,
// and no port of one is a port of the other.
type Sharing struct {
	// Key that the services have in common; empty never shares.
	Key string
	// Local is set if only nodes with endpoints of the service receive its traffic (externalTrafficPolicy Local).
	Local bool
	// Endpoints is equal for services that have the same endpoints. It matters if the service is Local.
	Endpoints string
	// Ports of the service.
	Ports []Port
}

// Equal reports whether the two say the same. Without a key, nothing else matters.
func (s Sharing) Equal(o Sharing) bool {
	return s.Key == o.Key && (s.Key == "" || s.group() == o.group() && slices.Equal(s.Ports, o.Ports))
}

func (s Sharing) group() groupKey {
	g := groupKey{key: s.Key, local: s.Local}
	if s.Local {
		g.endpoints = s.Endpoints
	}
	return g
}

// misfit returns why services with these terms cannot share an address, with the port that both have if it is that; "" if they
// can.
func (s Sharing) misfit(o Sharing) (Cause, Port) {
	switch {
	case s.Key == "" && o.Key == "":
		return AddressInUse, Port{}
	case s.Key == "" || o.Key == "":
		return SharingKeyMissing, Port{}
	case s.Key != o.Key:
		return SharingKeyDiffers, Port{}
	case s.Local != o.Local:
		return TrafficPolicyDiffers, Port{}
	case s.group() != o.group():
		return EndpointsDiffer, Port{}
	}
	for _, p := range s.Ports {
		if slices.Contains(o.Ports, p) {
			return PortInUse, p
		}
	}
	return "", Port{}
}

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
	// Moved says of each address that the service had to leave, and that is not free yet, why.
	Moved []Reason
	// Woken are other services whose answer has changed in consequence: they hold something else, or are refused for another
	// reason, or not any more.
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
	// Incompatible is set if the pool does not contain the address any more.
	Incompatible bool
}

// FamilyOf returns the family of an address.
func FamilyOf(a netip.Addr) corev1.IPFamily {
	if a.Is4() {
		return corev1.IPv4Protocol
	}
	return corev1.IPv6Protocol
}
