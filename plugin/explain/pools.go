// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/internal/active"
)

// maxPools is how many pools are told of that the Service holds nothing of.
const maxPools = 5

// standing returns what keeps the pool, were it empty and the only one, from meeting the request wholly.
func standing(p *ipam.Pool, r allocator.Request) []allocator.Reason {
	r.Addresses, r.Recorded, r.RequireAll = nil, nil, false
	a := allocator.New()
	a.SetPools(ipam.NewPools(*p))
	result, refusal := a.Allocate(r)
	if refusal == nil {
		refusal = result.Missing
	}
	if refusal == nil {
		return nil
	}
	return refusal.Reasons
}

// poolsNotChosen says of the pools that the Service holds nothing of, why not.
func (t *trail) poolsNotChosen() {
	request, err := assignment.RequestOf(t.svc, t.NamespaceLabels(t.svc.Namespace))
	if err != nil || len(request.Addresses) > 0 {
		return // No pool is chosen.
	}
	var chosen []string
	for _, as := range assignment.Of(t.svc) {
		if p, found := t.pools.Find(as.Address); found {
			chosen = append(chosen, p.Name)
		}
	}
	all := slices.SortedFunc(slices.Values(t.Written.Pools), func(a, b v1beta1.IPAddressPool) int { return strings.Compare(a.Name, b.Name) })
	told := 0
	for i := range all {
		name := all[i].Name
		if slices.Contains(chosen, name) || request.Pool != "" && request.Pool != name {
			continue
		}
		if told++; told <= maxPools {
			t.chain.Note("pool "+name, "%s", t.whyNotChosen(&all[i], request, len(t.svc.Status.LoadBalancer.Ingress) > 0))
		}
	}
	if told > maxPools {
		t.chain.Note("pools", "and %d more", told-maxPools)
	}
}

// whyNotChosen says why the Service holds nothing of the pool.
func (t *trail) whyNotChosen(written *v1beta1.IPAddressPool, r allocator.Request, hasAddress bool) string {
	name := written.Name
	pool, used := t.pools.ByName(name)
	if !used {
		if valid := meta.FindStatusCondition(written.Status.Conditions, v1beta1.ConditionValid); valid != nil && valid.Status == metav1.ConditionFalse {
			return "not in use: " + valid.Message
		}
		return "not in use yet"
	}
	held := ""
	if a := t.activeOf(active.KindIPAddressPool, name); a != nil && a.Status.Held {
		held = " (an earlier version is in use: " + a.Status.Reason + ")"
	}
	if reasons := standing(pool, r); len(reasons) > 0 {
		return t.stands(written, &reasons[0]) + held
	}
	for _, f := range r.Families {
		if n, known := t.available(name, f); known && n == "0" {
			return fmt.Sprintf("all its %s addresses are in use", f) + held
		}
	}
	if hasAddress {
		return "would serve the Service as well, which keeps what it has" + held
	}
	return "would serve the Service" + held
}

// stands says what keeps the pool from serving the Service.
func (t *trail) stands(p *v1beta1.IPAddressPool, reason *allocator.Reason) string {
	switch reason.Cause {
	case allocator.NotAutoAssigned:
		return "only for Services that name it: autoAssign is false"
	case allocator.NotSelected:
		namespaces, services := t.admits(p.Name)
		var parts []string
		if !namespaces {
			parts = append(parts, "the namespace is not "+namespacesText(p.Spec.AllocateTo))
		}
		if !services {
			parts = append(parts, "the Service's labels do not match serviceSelectors "+selectorText(p.Spec.AllocateTo.ServiceSelectors))
		}
		return "serviceAllocation does not admit the Service: " + strings.Join(parts, "; ")
	case allocator.FamilyMissing:
		return fmt.Sprintf("has no %s range", reason.Family)
	case allocator.FamilyAvoided:
		return fmt.Sprintf("avoids all its %s addresses (avoidBuggyIPs)", reason.Family)
	default:
		return refused(*reason)
	}
}

func namespacesText(a *v1beta1.ServiceAllocation) string {
	var parts []string
	if len(a.Namespaces) > 0 {
		parts = append(parts, "one of "+named(a.Namespaces))
	}
	if len(a.NamespaceSelectors) > 0 {
		parts = append(parts, "labeled "+selectorText(a.NamespaceSelectors))
	}
	return strings.Join(parts, " or ")
}

// admits reports which parts of the serviceAllocation of the pool that is in use admit the Service.
func (t *trail) admits(pool string) (namespaces, services bool) {
	p, found := t.pools.ByName(pool)
	if !found || p.Allocation == nil {
		return true, true
	}
	part := func(keep func(*ipam.Allocation)) bool {
		one, allocation := *p, *p.Allocation
		keep(&allocation)
		one.Allocation = &allocation
		return one.Admits(t.svc.Namespace, t.NamespaceLabels(t.svc.Namespace), t.svc.Labels)
	}
	namespaces = part(func(a *ipam.Allocation) { a.ServiceSelectors = nil })
	services = part(func(a *ipam.Allocation) { a.Namespaces, a.NamespaceSelectors = nil, nil })
	return namespaces, services
}

// admit returns what makes the pool admit the Service: labels, or an entry in the list of namespaces.
func (t *trail) admit(pool string) []Remedy {
	i := slices.IndexFunc(t.inUse.Pools, func(p v1beta1.IPAddressPool) bool { return p.Name == pool })
	if i < 0 || t.inUse.Pools[i].Spec.AllocateTo == nil {
		return nil
	}
	allocation := t.inUse.Pools[i].Spec.AllocateTo
	edit := []Remedy{Run("change its serviceAllocation", t.poolTarget(pool).edit())}
	namespaces, services := t.admits(pool)
	var commands []string
	if !namespaces {
		changes := relabeled(allocation.NamespaceSelectors, t.NamespaceLabels(t.svc.Namespace))
		switch {
		case len(allocation.Namespaces) > 0:
			commands = append(commands, t.poolTarget(pool).add("/spec/serviceAllocation/namespaces", t.svc.Namespace))
		case changes != nil:
			commands = append(commands, target{kind: "namespace", name: t.svc.Namespace}.label(changes...))
		default:
			return edit
		}
	}
	if !services {
		changes := relabeled(allocation.ServiceSelectors, t.svc.Labels)
		if changes == nil {
			return edit
		}
		commands = append(commands, serviceTarget(t.svc).label(changes...))
	}
	return []Remedy{Run("have pool "+strconv.Quote(cmp.Or(pool, "?"))+" admit the Service", both(commands...))}
}
