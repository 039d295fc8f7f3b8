// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/active"
)

// accept brings pending changes into use: new objects first, then changed ones, deletions last, so that what replaces another is
// there before that goes. It holds back those that would take something from a service, and reports whether it brought
// anything into use.
func (b *builder) accept() bool {
	rank := func(p pending) int {
		switch {
		case p.old == nil:
			return 0
		case p.new != nil:
			return 1
		default:
			return 2
		}
	}
	slices.SortFunc(b.pending, func(x, y pending) int {
		if r := rank(x) - rank(y); r != 0 {
			return r
		}
		return x.key.Compare(y.key)
	})
	progress := false
	added := slices.IndexFunc(b.pending, func(p pending) bool { return p.old != nil })
	if added < 0 {
		added = len(b.pending)
	}
	for _, p := range b.pending[:added] {
		progress = b.try(p) || progress
	}
	if b.tryTogether(b.pending[added:]) {
		return true
	}
	for _, p := range b.pending[added:] {
		progress = b.try(p) || progress
	}
	return progress
}

// tryTogether brings changes into use if they take nothing from a service together, though each may alone: as where a pool has
// another label and its advertisement selects by that.
func (b *builder) tryTogether(changes []pending) bool {
	changes = slices.DeleteFunc(slices.Clone(changes), func(p pending) bool {
		return p.new == nil && p.key.Kind == active.KindIPAddressPool
	})
	if len(changes) < 2 {
		return false
	}
	candidate := b.current
	for _, p := range changes {
		candidate, _ = candidate.with(Change{Old: p.old, New: p.new})
	}
	if len(b.losses(&candidate)) > 0 {
		return false
	}
	for _, p := range changes {
		b.replace(p.key, p.new)
	}
	return true
}

// try brings the change into use, or as much of it as takes nothing from a service.
func (b *builder) try(p pending) bool {
	if p.key.Kind == active.KindIPAddressPool && p.new == nil {
		return b.tryDeletion(p)
	}
	impacts := b.blocking(p, p.new)
	if len(impacts) == 0 {
		b.replace(p.key, p.new)
		return true
	}
	b.held[p.key] = hold{reason: v1beta1.ReasonNotCompatibleWithAssignedIPs, impacts: impacts}
	if p.new != nil {
		b.findings[p.key] = Finding{Object: p.new, Reason: v1beta1.ReasonNotCompatibleWithAssignedIPs, Impacts: impacts}
	}
	for _, part := range parts(p) {
		if sameVersion(part, p.old) {
			break
		}
		if sameVersion(part, p.new) {
			continue
		}
		if len(b.blocking(p, part)) == 0 {
			b.replace(p.key, part)
			return true
		}
	}
	return false
}

// tryDeletion forgets a deleted pool as soon as no service holds an address of it. Until then its labels say who announces these,
// and those that are in its range though a record names another pool.
func (b *builder) tryDeletion(p pending) bool {
	if !b.holdsFrom(p.key.Name) && len(b.blocking(p, nil)) == 0 {
		b.replace(p.key, nil)
		return true
	}
	if b.in.Allowed[p.key] && !v1beta1.AllowsDisruption(p.old) {
		b.replace(p.key, withPermission(p.old))
	}
	b.held[p.key] = hold{reason: v1beta1.ReasonInUse}
	return false
}

func (b *builder) holdsFrom(pool string) bool {
	if b.in.State.Holdings == nil {
		return false
	}
	for range b.in.State.Holdings.From(pool) {
		return true
	}
	return false
}

// parts returns versions of a changed pool that have less and less of the change in them, the last none: a range that is changed
// takes effect whatever becomes of the rest, since services keep the addresses that they hold.
func parts(p pending) []Object {
	old, changed := p.old.(*v1beta1.IPAddressPool)
	is, present := p.new.(*v1beta1.IPAddressPool)
	if !changed || !present {
		return nil
	}
	closed, relabelled, both := is.DeepCopy(), is.DeepCopy(), is.DeepCopy()
	closed.Spec.AllocateTo = old.Spec.AllocateTo
	relabelled.Labels = old.Labels
	both.Spec.AllocateTo, both.Labels = old.Spec.AllocateTo, old.Labels
	return []Object{closed, relabelled, both}
}

// allows reports whether an operator allows the change to disrupt services.
func (b *builder) allows(p pending) bool {
	if p.new != nil && v1beta1.AllowsDisruption(p.new) || b.in.Allowed[p.key] {
		return true
	}
	return p.new == nil && v1beta1.AllowsDisruption(p.old)
}

// blocking returns what services would lose if the object was used in this version, as far as that holds the change back.
func (b *builder) blocking(p pending, version Object) Impacts {
	if b.in.State.Holdings == nil || b.allows(p) {
		return nil
	}
	if p.old == nil && p.key.Kind != active.KindIPAddressPool {
		return nil // What is added takes nothing away.
	}
	candidate, _ := b.current.with(Change{Old: p.old, New: version})
	if p.old == nil {
		return b.disruptable(b.taken(p.key.Name, &candidate))
	}
	return b.losses(&candidate)
}

// losses returns what services would lose if the candidate was used, as far as that holds it back.
func (b *builder) losses(candidate *parsedObjects) Impacts {
	c := comparison{was: &b.current, is: candidate, before: b.before(), after: newRoutes(candidate, b.nodes), state: b.in.State, both: true}
	owners := newOwners(candidate.sortedPools())
	return b.disruptable(slices.DeleteFunc(c.lost(), func(i Impact) bool {
		if i.Loss == Route {
			return false
		}
		// Out of range, the service keeps the address. In range, the pool is closed to the service.
		_, contained := owners.find(i.Address)
		return !contained
	}))
}

// taken returns the addresses that would be announced no more if they were the new pool's: services that hold addresses in its
// range become its own. The speakers let a pool that is not in use take none from one that is; any other address follows a new pool as
// soon as that is there, so to hold the pool back would keep nothing.
func (b *builder) taken(pool string, candidate *parsedObjects) Impacts {
	inUse := func(name string) bool {
		_, found := b.current.pools[name]
		return found
	}
	var impacts Impacts
	var after *Routes
	for _, r := range candidate.pools[pool].Ranges {
		for h := range b.in.State.Holdings.In(r) {
			if !slices.ContainsFunc(h.Recorded, inUse) {
				continue
			}
			if after == nil {
				after = newRoutes(candidate, b.nodes)
			}
			own := h
			own.Recorded = []string{pool}
			if b.before().Announces(h) && !after.Announces(own) {
				impacts = append(impacts, Impact{Service: h.Service, Address: h.Address, Loss: Route})
			}
		}
	}
	impacts.Sort()
	return impacts
}

// disruptable leaves out the addresses of pools that allow disruption.
func (b *builder) disruptable(impacts Impacts) Impacts {
	if len(impacts) == 0 {
		return nil
	}
	owners := newOwners(b.current.sortedPools())
	return slices.DeleteFunc(impacts, func(i Impact) bool {
		pool, found := owners.find(i.Address)
		return found && pool.AllowDisruption
	})
}

func withoutPermission(o Object) Object { return permitted(o, nil) }

func withPermission(o Object) Object {
	return permitted(o, map[string]string{v1beta1.AnnotationAllowDisruption: "true"})
}

// permitted returns a copy of the object with other annotations.
func permitted(o Object, annotations map[string]string) Object {
	copied, ok := o.DeepCopyObject().(Object)
	if !ok {
		return o
	}
	copied.SetAnnotations(annotations)
	return copied
}
