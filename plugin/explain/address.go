// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/route"
)

// Holders returns the Services that hold the address, by namespace and name.
func Holders(c *cluster.Cluster, address netip.Addr) []*corev1.Service {
	var found []*corev1.Service
	for i := range c.Services {
		s := &c.Services[i]
		if assignment.Served(s, c.Class) && slices.ContainsFunc(assignment.Of(s), isAt(address)) {
			found = append(found, s)
		}
	}
	return found
}

// Address explains who holds an address and who waits for it, and how it is announced. Of the cluster all Services and the labels of all namespaces are
// read, the EndpointSlices of the Holders, and what Service needs besides.
func Address(c *cluster.Cluster, address netip.Addr) Chain {
	t := newTrail(c, &corev1.Service{})
	t.chain = Chain{Kind: "Address", Name: address.String(), Links: []Link{}}
	t.poolOf(address)
	holders := Holders(c, address)
	switch {
	case len(holders) > 0:
	case c.Has(cluster.Workloads):
		t.chain.Note("holder", "no Service holds it")
	default:
		t.chain.Note("holder", "no Service without a class holds it; which class is served is not known, since you may not list %s in namespace %s", cluster.Workloads, c.Namespace)
	}
	for i, holder := range holders {
		name := strconv.Quote(keyOf(holder).String())
		if i == 0 {
			t.chain.Good("holder", "Service %s", name)
		} else {
			t.chain.Good("holder", "Service %s shares it", name)
		}
	}
	t.waiting(address)
	if len(holders) == 0 {
		return t.chain
	}
	for _, holder := range holders {
		t.svc = holder
		named := ""
		if len(holders) > 1 { // One of them can be announced where another is not.
			named = keyOf(holder).String()
		}
		for _, h := range assignment.RecordOf(holder, c.Class).Holdings {
			if h.Address == address {
				t.announcement(&h, named)
			}
		}
	}
	t.routesOf(route.New(c), holders, address)
	return t.chain
}

func isAt(address netip.Addr) func(allocator.Assignment) bool {
	return func(a allocator.Assignment) bool { return a.Address == address }
}

// poolOf says which pool has the address, or which comes near.
func (t *trail) poolOf(address netip.Addr) {
	const subject = "pool"
	if p, found := t.pools.Find(address); found {
		t.chain.Good(subject, "%s of pool %q", address, p.Name)
		return
	}
	nearest, near := "", -1
	for i := range t.pools {
		p := &t.pools[i]
		for _, r := range p.Ranges {
			if r.Contains(address) {
				t.chain.Doubtful(subject, "AddressAvoided", fmt.Sprintf("in range %s of pool %q, which avoids it since it ends in .0 or .255 (avoidBuggyIPs)", r, p.Name),
					Run("let the pool give such addresses", t.poolTarget(p.Name).patch("avoidBuggyIPs", false)))
				return
			}
			if n := inCommon(address, r); n > near {
				nearest, near = fmt.Sprintf("; the nearest range is %s of pool %q", r, p.Name), n
			}
		}
	}
	t.chain.Doubtful(subject, "NotInAnyPool", "in no IPAddressPool that is in use"+nearest)
}

// inCommon returns how many bits the address and the nearer end of the range begin with in common; -1 if they are of different families.
func inCommon(address netip.Addr, r ipam.Range) int {
	if address.BitLen() != r.From.BitLen() {
		return -1
	}
	return max(commonBits(address, r.From), commonBits(address, r.To))
}

func commonBits(a, b netip.Addr) int {
	x, y := a.AsSlice(), b.AsSlice()
	for i := range x {
		if x[i] != y[i] {
			return 8*i + bits.LeadingZeros8(x[i]^y[i])
		}
	}
	return 8 * len(x)
}

// waiting says which Services request the address and do not hold it.
func (t *trail) waiting(address netip.Addr) {
	var names []string
	var first *corev1.Service
	for i := range t.Services {
		s := &t.Services[i]
		if !assignment.Served(s, t.Class) || slices.ContainsFunc(assignment.Of(s), isAt(address)) {
			continue
		}
		if r, err := assignment.RequestOf(s, t.NamespaceLabels(s.Namespace)); err == nil && slices.Contains(r.Addresses, address) {
			names = append(names, strconv.Quote(keyOf(s).String()))
			first = cmp.Or(first, s)
		}
	}
	if first != nil {
		t.chain.Doubtful("waiting", v1beta1.ReasonAllocationFailed, fmt.Sprintf("%s requested by %s", address, named(names)),
			Run("see why", asking(t.Cluster, "explain", "service", first.Name, "-n", first.Namespace)))
	}
}
