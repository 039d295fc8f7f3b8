// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Cause is what keeps a service from an address.
type Cause string

// Causes that concern pools, the ones that matter least first, see explain.
const (
	// NoPools: there is no valid pool at all.
	NoPools Cause = "NoPools"
	// NotAutoAssigned: the pool is only for services that name it.
	NotAutoAssigned Cause = "NotAutoAssigned"
	// NotSelected: the pool's serviceAllocation does not admit the service.
	NotSelected Cause = "NotSelected"
	// FamilyMissing: the pool has no addresses of the family.
	FamilyMissing Cause = "FamilyMissing"
	// FamilyAvoided: all addresses of the family that the pool has are excluded by AvoidBuggyIPs.
	FamilyAvoided Cause = "FamilyAvoided"
	// PoolExhausted: all addresses of the pool are in use.
	PoolExhausted Cause = "PoolExhausted"
	// PoolNotFound: the pool that was requested does not exist, or has never been valid.
	PoolNotFound Cause = "PoolNotFound"
)

// strength orders the causes that concern pools by how much they matter.
func (c Cause) strength() int {
	return slices.Index([]Cause{NoPools, NotAutoAssigned, NotSelected, FamilyMissing, FamilyAvoided, PoolExhausted, PoolNotFound}, c)
}

// Causes that concern a requested address, or one that is held.
const (
	// NotInAnyPool: no pool has the address.
	NotInAnyPool Cause = "NotInAnyPool"
	// AddressAvoided: the pool has the address, but AvoidBuggyIPs excludes it.
	AddressAvoided Cause = "AddressAvoided"
	// NotInRequestedPool: the address is of another pool than the one requested.
	NotInRequestedPool Cause = "NotInRequestedPool"
	// AddressInUse: another service holds the address, and neither has a sharing key.
	AddressInUse Cause = "AddressInUse"
	// SharingKeyMissing: another service holds the address, and only one of the two has a sharing key.
	SharingKeyMissing Cause = "SharingKeyMissing"
	// SharingKeyDiffers: services share the address under another key.
	SharingKeyDiffers Cause = "SharingKeyDiffers"
	// TrafficPolicyDiffers: of the services that share the address one has externalTrafficPolicy Local, the other has not.
	TrafficPolicyDiffers Cause = "TrafficPolicyDiffers"
	// EndpointsDiffer: both have externalTrafficPolicy Local, but not the same endpoints.
	EndpointsDiffer Cause = "EndpointsDiffer"
	// PortInUse: a service with this key has the same port on the address.
	PortInUse Cause = "PortInUse"
)

// Reason is one of the things that stand between a service and an address.
type Reason struct {
	Cause Cause
	// Family sought, for causes that concern pools.
	Family corev1.IPFamily
	// Pool that has the cause; empty if the cause is that of all pools that matter. More is how many other pools have it that are
	// not named.
	Pool string
	More int
	// Address requested or held, and the service and port that are in its way.
	Address netip.Addr
	By      types.NamespacedName
	Port    Port
	// Conflict is set if the service holds the address, and By, which is older, does too.
	Conflict bool
}

// Refusal says why a request cannot be met. Two refusals are the same if their reasons are.
type Refusal struct{ Reasons []Reason }

// Equal reports whether the refusals, which may be nil, have the same reasons.
func (r *Refusal) Equal(o *Refusal) bool {
	if r == nil || o == nil {
		return r == o
	}
	return slices.Equal(r.Reasons, o.Reasons)
}

// refusal returns the reasons as a Refusal; nil if there are none.
func refusal(reasons []Reason) *Refusal {
	if len(reasons) == 0 {
		return nil
	}
	return &Refusal{Reasons: reasons}
}
