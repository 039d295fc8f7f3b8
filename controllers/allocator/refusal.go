// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Cause is what keeps a service from an address.
type Cause string

// Causes that concern a pool.
const (
	// NoPools: there is no valid pool at all.
	NoPools Cause = "NoPools"
	// PoolNotFound: the pool that was requested does not exist, or has never been valid.
	PoolNotFound Cause = "PoolNotFound"
	// PoolExhausted: all addresses of the pool are in use.
	PoolExhausted Cause = "PoolExhausted"
	// NotAutoAssigned: the pool is only for services that name it.
	NotAutoAssigned Cause = "NotAutoAssigned"
	// NotSelected: the pool's serviceAllocation does not admit the service.
	NotSelected Cause = "NotSelected"
	// FamilyMissing: the pool has no addresses of the family.
	FamilyMissing Cause = "FamilyMissing"
)

// Causes that concern a requested address, or one that is held.
const (
	// NotInAnyPool: no pool has the address.
	NotInAnyPool Cause = "NotInAnyPool"
	// AddressAvoided: the pool has the address, but AvoidBuggyIPs excludes it.
	AddressAvoided Cause = "AddressAvoided"
	// NotInRequestedPool: the address is of another pool than the one requested.
	NotInRequestedPool Cause = "NotInRequestedPool"
	// AddressInUse: another service holds the address, and not both allow sharing.
	AddressInUse Cause = "AddressInUse"
	// SharingKeyDiffers: services share the address under another key.
	SharingKeyDiffers Cause = "SharingKeyDiffers"
	// BackendDiffers: services with this key share the address, but their traffic does not end on the same nodes.
	BackendDiffers Cause = "BackendDiffers"
	// PortInUse: a service with this key has the same port on the address.
	PortInUse Cause = "PortInUse"
)

// Reason is one of the things that stand between a service and an address.
type Reason struct {
	Cause Cause
	// Family sought, for causes that concern a pool.
	Family corev1.IPFamily
	Pool   string
	// Address requested, and the service and port that are in its way.
	Address netip.Addr
	By      types.NamespacedName
	Port    Port
}

// Refusal says why a request cannot be met, completely: a reason for each pool, or for each requested address.
type Refusal struct{ Reasons []Reason }

// maxNames is how many pools are named for one reason in a sentence.
const maxNames = 5

// String returns the reasons in one sentence. Its length is bounded whatever the number of pools.
func (r *Refusal) String() string {
	var parts []string
	for _, reason := range r.Reasons {
		if reason.Family == "" {
			parts = append(parts, reason.sentence())
		}
	}
	for _, family := range []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol} {
		if s := r.family(family); s != "" {
			parts = append(parts, fmt.Sprintf("no %s address available: %s", family, s))
		}
	}
	return strings.Join(parts, "; ")
}

// family sums up the pools by cause, in the order in which the causes first appear.
func (r *Refusal) family(family corev1.IPFamily) string {
	var causes []Cause
	pools := map[Cause][]string{}
	for _, reason := range r.Reasons {
		if reason.Family != family {
			continue
		}
		if pools[reason.Cause] == nil {
			causes = append(causes, reason.Cause)
		}
		pools[reason.Cause] = append(pools[reason.Cause], reason.Pool)
	}
	parts := make([]string, 0, len(causes))
	for _, c := range causes {
		parts = append(parts, c.ofPools(family, pools[c]))
	}
	return strings.Join(parts, ", ")
}

func (c Cause) ofPools(family corev1.IPFamily, pools []string) string {
	one, many := c.predicate(family)
	if c == NoPools {
		return one
	}
	if len(pools) == 1 {
		return fmt.Sprintf("pool %q %s", pools[0], one)
	}
	return fmt.Sprintf("pools %s %s", quoteNames(pools), many)
}

func (c Cause) predicate(family corev1.IPFamily) (one, many string) {
	switch c {
	case NoPools:
		return "there is no valid IPAddressPool", ""
	case PoolNotFound:
		return "does not exist or is not valid", ""
	case NotAutoAssigned:
		return "is not auto-assigned", "are not auto-assigned"
	case NotSelected:
		return "does not select the service", "do not select the service"
	case FamilyMissing:
		return fmt.Sprintf("has no %s range", family), fmt.Sprintf("have no %s range", family)
	default:
		return "is exhausted", "are exhausted"
	}
}

// quoteNames lists the first few names, and how many more there are.
func quoteNames(names []string) string {
	var b strings.Builder
	for i, n := range names[:min(len(names), maxNames)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", n)
	}
	if more := len(names) - maxNames; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

// sentence says what keeps the service from the address it requested.
func (r *Reason) sentence() string {
	address, by := r.Address.String(), r.By.String()
	switch r.Cause {
	case NotInAnyPool:
		return fmt.Sprintf("address %q is not in any pool", address)
	case AddressAvoided:
		return fmt.Sprintf("address %q ends in .0 or .255, which pool %q avoids (avoidBuggyIPs)", address, r.Pool)
	case NotInRequestedPool:
		return fmt.Sprintf("address %q is in pool %q, which is not the one requested", address, r.Pool)
	case NotSelected:
		return fmt.Sprintf("address %q is in pool %q, which does not select the service", address, r.Pool)
	case SharingKeyDiffers:
		return fmt.Sprintf("address %q is in use by %q under another sharing key", address, by)
	case BackendDiffers:
		return fmt.Sprintf("address %q is in use by %q, whose external traffic policy or selector does not allow sharing with this service", address, by)
	case PortInUse:
		return fmt.Sprintf("address %q is in use by %q, which has port %s too", address, by, r.Port)
	default:
		return fmt.Sprintf("address %q is in use by %q", address, by)
	}
}
