// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"slices"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/active"
)

// compare orders changes: changed objects first, then new ones, the older before the younger, and deletions last. What replaces
// another is there before that goes, since nothing goes that is needed until then.
func (b *builder) compare(x, y pending) int {
	rank := func(p pending) int {
		switch {
		case p.new == nil:
			return 2
		case p.old == nil:
			return 1
		default:
			return 0
		}
	}
	if c := rank(x) - rank(y); c != 0 || x.new == nil {
		return cmp.Or(c, x.key.Compare(y.key))
	}
	created := y.new.GetCreationTimestamp()
	return cmp.Or(slices.Index(kinds, x.key.Kind)-slices.Index(kinds, y.key.Kind), x.new.GetCreationTimestamp().Compare(created.Time), x.key.Compare(y.key))
}

// kinds are in the order in which their objects are brought into use: those of the later ones may contradict those of the
// earlier ones.
var kinds = []string{active.KindIPAddressPool, active.KindCommunity, active.KindBGPPeer, active.KindBGPAdvertisement}

// accept brings pending changes into use, all together or each that can be. It holds back those that contradict what is in use, or
// would take something from a service, and reports whether it brought anything into use.
func (b *builder) accept() bool {
	if b.fit(slices.DeleteFunc(slices.Clone(b.pending), pending.deletesPool)) {
		return true
	}
	progress := b.each(b.pending)
	if !progress {
		if group := b.fitting(); group != nil {
			b.use(group)
			return true
		}
	}
	return progress
}

// each brings into use each of the changes that can be. It judges twice as many together after a group that fits, and half as many after one
// that does not: of a thousand changes of which one is held back, some twenty groups.
func (b *builder) each(changes []pending) bool {
	progress := false
	for size := 1; len(changes) > 0; {
		n := min(size, len(changes))
		// Some may have been brought into use together with another.
		group := slices.DeleteFunc(slices.Clone(changes[:n]), func(p pending) bool { return b.inUse[p.key] != p.old })
		fits := len(group) == 1 && b.try(group[0]) || b.fit(group)
		if fits || len(group) < 2 {
			changes = changes[n:]
		}
		if fits {
			progress, size = true, 2*size
		} else {
			size = max(1, size/2)
		}
	}
	return progress
}

// fit brings several changes into use if they take nothing from a service together. Each alone may: as where a pool has another label and its
// advertisement selects by that.
func (b *builder) fit(changes []pending) bool {
	if len(changes) < 2 || slices.ContainsFunc(changes, pending.deletesPool) || len(b.conflicts(changes)) > 0 || len(b.losses(changes)) > 0 {
		return false
	}
	b.use(changes)
	return true
}

// fitting returns changes that take nothing from a service together, though each alone would, if others are in the way of bringing
// all into use. It goes by what each was found to take alone.
func (b *builder) fitting() []pending {
	group := slices.DeleteFunc(slices.Clone(b.pending), func(p pending) bool {
		return p.deletesPool() || b.held[p.key].reason != v1beta1.ReasonNotCompatibleWithAssignedIPs
	})
	for len(group) > 1 {
		impacts := b.losses(group)
		if len(impacts) == 0 {
			break
		}
		rest := slices.DeleteFunc(slices.Clone(group), func(p pending) bool { return b.held[p.key].impacts.meet(impacts) })
		if len(rest) == len(group) {
			return nil
		}
		group = rest
	}
	if len(group) < 2 || len(b.conflicts(group)) > 0 {
		return nil
	}
	return group
}

func (p pending) deletesPool() bool { return p.new == nil && p.key.Kind == active.KindIPAddressPool }

// try brings the change into use, or as much of it as takes nothing from a service.
func (b *builder) try(p pending) bool {
	if p.deletesPool() {
		return b.tryDeletion(p)
	}
	alone := []pending{p}
	if found := b.conflicts(alone); len(found) > 0 {
		if group := b.complete(p, found); group != nil {
			b.use(group)
			return true
		}
		b.contradict(p, found)
		return false
	}
	impacts := b.losses(alone)
	if len(impacts) == 0 {
		b.use(alone)
		return true
	}
	b.held[p.key] = hold{reason: v1beta1.ReasonNotCompatibleWithAssignedIPs, impacts: impacts}
	if p.new != nil {
		b.findings[p.key] = Finding{Object: p.new, Reason: v1beta1.ReasonNotCompatibleWithAssignedIPs, Impacts: impacts}
	}
	if p.old == nil {
		b.partly = append(b.partly, p)
	}
	for _, part := range parts(p) {
		if sameVersion(part, p.old) {
			break
		}
		if sameVersion(part, p.new) {
			continue
		}
		reduced := []pending{{key: p.key, old: p.old, new: part}}
		if len(b.conflicts(reduced)) == 0 && len(b.losses(reduced)) == 0 {
			b.use(reduced)
			return true
		}
	}
	return b.revoke(p.key, p.old, p.new)
}

// revoke takes the permission to disrupt services from what is in use, if what is written and not brought into use does not give it: who takes
// the permission back has done so whatever becomes of the rest. It reports whether it did.
func (b *builder) revoke(key active.Key, was, is Object) bool {
	if was == nil || is == nil || !v1beta1.AllowsDisruption(was) || v1beta1.AllowsDisruption(is) {
		return false
	}
	b.use([]pending{{key, was, withoutPermission(was)}})
	return true
}

// after returns what is in use after the changes.
func (b *builder) after(changes []pending) *parsedObjects {
	candidate := b.current.clone()
	for _, p := range changes {
		if p.old != nil {
			candidate.remove(p.old)
		}
		if p.new != nil {
			candidate.add(p.new)
		}
	}
	return &candidate
}

// use brings the changes into use.
func (b *builder) use(changes []pending) {
	b.current = *b.after(changes)
	b.routes, b.groups = nil, newGroups()
	for _, p := range changes {
		if p.new == nil {
			delete(b.inUse, p.key)
		} else {
			b.inUse[p.key] = p.new
		}
	}
}

// tryDeletion forgets a deleted pool as soon as no service holds an address of it. Until then its labels say who announces these,
// and those that are in its range though a record names another pool.
func (b *builder) tryDeletion(p pending) bool {
	if !b.holdsFrom(p.key.Name) && len(b.losses([]pending{p})) == 0 {
		b.use([]pending{p})
		return true
	}
	if b.in.Allowed[p.key] && !v1beta1.AllowsDisruption(p.old) {
		b.use([]pending{{p.key, p.old, withPermission(p.old)}})
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

// losses returns what services would lose by the changes together, as far as that holds them back. What is added takes nothing
// away, but for a new pool, which may take addresses from another; nor do changes count that an operator allows to disrupt services.
func (b *builder) losses(changes []pending) Impacts {
	if b.in.State.Holdings == nil {
		return nil
	}
	candidate := b.after(changes)
	free := slices.DeleteFunc(slices.Clone(changes), func(p pending) bool { return p.old != nil && !b.allows(p) })
	var impacts Impacts
	for _, p := range changes {
		if p.new != nil && p.key.Kind == active.KindIPAddressPool && !b.allows(p) {
			impacts = append(impacts, b.taken(p.key.Name, candidate)...)
		}
	}
	if len(free) < len(changes) {
		impacts = append(impacts, b.lost(free, candidate)...)
		impacts.Sort()
		impacts = slices.Compact(impacts)
	}
	return b.disruptable(impacts, candidate)
}

// lost returns what services would lose if the candidate was used, in comparison with what is in use after the free changes.
func (b *builder) lost(free []pending, candidate *parsedObjects) Impacts {
	was, before := &b.current, b.before()
	if len(free) > 0 {
		was = b.after(free)
		before = newRoutes(was, b.nodes)
	}
	c := comparison{was: was, is: candidate, before: before, after: newRoutes(candidate, b.nodes), state: b.in.State, both: true}
	owners := newOwners(candidate.sortedPools())
	return slices.DeleteFunc(c.lost(), func(i Impact) bool {
		if i.Loss == Route {
			return false
		}
		// Out of range, the service keeps the address. In range, the pool is closed to the service.
		_, contained := owners.find(i.Address)
		return !contained
	})
}

// taken returns the addresses that would be announced no more if they were the pool's: services that hold addresses in a range that is
// new become its own. The speakers let a pool that is not in use take none from one that is; any other address follows a new pool as
// soon as that is there, so to hold the pool back would keep nothing.
func (b *builder) taken(pool string, candidate *parsedObjects) Impacts {
	inUse := func(name string) bool {
		_, found := b.current.pools[name]
		return found
	}
	var impacts Impacts
	var after *Routes
	for _, r := range subtract(candidate.pools[pool].Ranges, b.current.pools[pool].Ranges) {
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

// disruptable leaves out the addresses of pools that allow disruption, unless the permission is taken back by what is judged.
func (b *builder) disruptable(impacts Impacts, candidate *parsedObjects) Impacts {
	if len(impacts) == 0 {
		return nil
	}
	owners := newOwners(b.current.sortedPools())
	return slices.DeleteFunc(impacts, func(i Impact) bool {
		pool, found := owners.find(i.Address)
		if !found || !pool.AllowDisruption {
			return false
		}
		is, remains := candidate.pools[pool.Name]
		return !remains || is.AllowDisruption
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
