// SPDX-License-Identifier: Apache-2.0

package ipam

import (
	"net/netip"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta1"
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
}

// Allocation is what a ServiceAllocation means.
type Allocation struct {
	// Priority ranks pools, 1 first; 0 comes after every other.
	Priority           int
	Namespaces         map[string]bool
	NamespaceSelectors []labels.Selector
	ServiceSelectors   []labels.Selector
}

// ParsePool returns what the object means, or every error in it, each with field, value and remedy.
// Range is an inclusive range of addresses of one family.
type Range struct{ From, To netip.Addr }

// ParsePool returns what the object means, or every error in it, each with field, value and remedy.
func ParsePool(p *v1beta1.IPAddressPool) (Pool, field.ErrorList) { panic("being written") }

// Contains reports whether the pool may give the address to a service: it is in a range and not one that AvoidBuggyIPs excludes.
func (p *Pool) Contains(a netip.Addr) bool { panic("being written") }

// Admits reports whether a service with these labels, in a namespace with this name and these labels, may use the pool.
func (p *Pool) Admits(namespace string, namespaceLabels, serviceLabels labels.Set) bool { panic("being written") }

// Size returns how many addresses of each family the pool can give, saturating at math.MaxInt64.
func (p *Pool) Size() (ipv4, ipv6 int64) { panic("being written") }
