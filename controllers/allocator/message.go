// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/internal/message"
)

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

// family says why no pool has an address of the family. All its reasons have one cause.
func (r *Refusal) family(family corev1.IPFamily) string {
	var cause Cause
	var pools []string
	more := 0
	for _, reason := range r.Reasons {
		if reason.Family != family {
			continue
		}
		cause, more = reason.Cause, more+reason.More
		if reason.Pool != "" {
			pools = append(pools, fmt.Sprintf("%q", reason.Pool))
		}
	}
	if cause == "" {
		return ""
	}
	all, one, many := cause.ofPools(family)
	switch {
	case len(pools) == 0:
		return all
	case len(pools) == 1:
		return fmt.Sprintf("pool %s %s", pools[0], one)
	}
	return fmt.Sprintf("pools %s %s", message.Some(pools, len(pools)+more, ", "), many)
}

// ofPools says what is so with all pools that matter, with one that is named, and with many.
func (c Cause) ofPools(family corev1.IPFamily) (all, one, many string) {
	switch c {
	case NoPools:
		all = "there is no valid IPAddressPool"
	case NotAutoAssigned:
		all = "no pool is auto-assigned, and the service names none"
	case NotSelected:
		all, one = "no auto-assigned pool selects the service", "does not select the service"
	case FamilyMissing:
		all, one = fmt.Sprintf("no pool that the service may use has an %s range", family), fmt.Sprintf("has no %s range", family)
	case FamilyAvoided:
		one = fmt.Sprintf("avoids all its %s addresses (avoidBuggyIPs)", family)
		many = fmt.Sprintf("avoid all their %s addresses (avoidBuggyIPs)", family)
	case PoolNotFound:
		one = "does not exist or is not valid"
	default:
		one, many = "is exhausted", "are exhausted"
	}
	return all, one, many
}

// sentence says what keeps the service from the address.
func (r *Reason) sentence() string {
	if r.Conflict {
		return r.conflict()
	}
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
	case TrafficPolicyDiffers:
		return fmt.Sprintf("address %q is in use by %q, with another externalTrafficPolicy", address, by)
	case EndpointsDiffer:
		return fmt.Sprintf("address %q is in use by %q, and with externalTrafficPolicy Local services share an address only if they select the same pods", address, by)
	case PortInUse:
		return fmt.Sprintf("address %q is in use by %q, which has port %s too", address, by, r.Port)
	default:
		return fmt.Sprintf("address %q is in use by %q", address, by)
	}
}

// conflict says why the service cannot share the address that it holds.
func (r *Reason) conflict() string {
	var why string
	switch r.Cause {
	case SharingKeyMissing:
		why = "only one of the two has a sharing key"
	case SharingKeyDiffers:
		why = "sharing keys differ"
	case TrafficPolicyDiffers:
		why = "externalTrafficPolicy Local and Cluster differ; " +
			"traffic of the service with Local may be lost on nodes without its endpoints"
	case EndpointsDiffer:
		why = "with externalTrafficPolicy Local they do not select the same pods; " +
			"traffic of each may be lost on nodes without its endpoints"
	case PortInUse:
		why = fmt.Sprintf("both use port %s", r.Port)
	default:
		return fmt.Sprintf("address %q is in use by %q too, which was created earlier; request another address for one of the two",
			r.Address, r.By)
	}
	return fmt.Sprintf("cannot share %q with %q any more: %s", r.Address, r.By, why)
}
