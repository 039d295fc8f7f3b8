// SPDX-License-Identifier: Apache-2.0

package ipam

import (
	"math"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/internal/fields"
)

// Pool is what an IPAddressPool means. It is immutable once parsed.
type Pool struct {
	Name string
	// Labels of the object, for the pool selectors of advertisements.
	Labels labels.Set
	// Ranges in the order written; they do not overlap each other.
	Ranges []Range
	// AutoAssign lets services that name neither pool nor address use this one.
	AutoAssign bool
	// AvoidBuggyIPs excludes IPv4 addresses ending in .0 and .255.
	AvoidBuggyIPs bool
	// Allocation restricts the pool to some services; nil admits every service.
	Allocation *Allocation
	// AllowDisruption lets services be moved off addresses that the pool does not give them any more.
	AllowDisruption bool

	// sorted are the ranges by address, for the search of long lists; nil in a Pool that was not parsed.
	sorted []Range
}

// Allocation is what a ServiceAllocation means.
type Allocation struct {
	// Priority ranks pools, 1 first; 0 comes after every other.
	Priority           int
	Namespaces         map[string]bool
	NamespaceSelectors []labels.Selector
	ServiceSelectors   []labels.Selector
}

// Contains reports whether the pool may give the address to a service: it is in a range and not one that AvoidBuggyIPs
// excludes.
func (p *Pool) Contains(a netip.Addr) bool {
	if p.AvoidBuggyIPs && isBuggy(a) {
		return false
	}
	if len(p.sorted) == 0 {
		return slices.ContainsFunc(p.Ranges, func(r Range) bool { return r.Contains(a) })
	}
	// The last range that begins at or before the address is the only one that can contain it.
	low, high := 0, len(p.sorted)
	for high-low > 1 {
		if middle := (low + high) / 2; a.Less(p.sorted[middle].From) {
			high = middle
		} else {
			low = middle
		}
	}
	return p.sorted[low].Contains(a)
}

// Admits reports whether a service with these labels, in a namespace with this name and these labels, may use the pool.
func (p *Pool) Admits(namespace string, namespaceLabels, serviceLabels labels.Set) bool {
	return p.Allocation == nil ||
		p.Allocation.admitsNamespace(namespace, namespaceLabels) && p.Allocation.admitsService(serviceLabels)
}

func (a *Allocation) admitsNamespace(name string, l labels.Set) bool {
	if len(a.Namespaces) == 0 && len(a.NamespaceSelectors) == 0 {
		return true
	}
	return a.Namespaces[name] || fields.AnySelects(a.NamespaceSelectors, l)
}

func (a *Allocation) admitsService(l labels.Set) bool {
	return len(a.ServiceSelectors) == 0 || fields.AnySelects(a.ServiceSelectors, l)
}

// Size returns how many addresses of each family the pool can give, saturating at math.MaxInt64.
func (p *Pool) Size() (ipv4, ipv6 int64) {
	for _, r := range p.Ranges {
		n := r.size(p.AvoidBuggyIPs)
		if r.From.Is4() {
			ipv4 += n
		} else if ipv6 += n; ipv6 < 0 {
			ipv6 = math.MaxInt64
		}
	}
	return ipv4, ipv6
}

// priority returns the rank among pools: the lower, the earlier.
func (p *Pool) priority() int {
	if p.Allocation == nil || p.Allocation.Priority <= 0 {
		return math.MaxInt
	}
	return p.Allocation.Priority
}
