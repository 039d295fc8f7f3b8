// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/message"
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
		if len(b.blocking(p, part)) == 0 {
			b.replace(p.key, part)
			return true
		}
	}
	return false
}

// tryDeletion forgets a deleted pool as soon as no service holds an address of it. Until then its labels say who announces these.
func (b *builder) tryDeletion(p pending) bool {
	if !b.holdsFrom(p.key.Name) {
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
	candidate, _ := b.current.with(Change{Old: p.old, New: version})
	if p.old == nil {
		pool, isPool := version.(*v1beta1.IPAddressPool)
		if !isPool {
			return nil // What is added takes nothing away.
		}
		return b.disruptable(b.taken(pool.Name, &candidate))
	}
	return b.losses(&candidate)
}

// losses returns what services would lose if the candidate was used, as far as that holds it back.
func (b *builder) losses(candidate *meaning) Impacts {
	if b.in.State.Holdings == nil {
		return nil
	}
	impacts := lostEach(&b.current, candidate, b.in.State, b.nodes)
	owners := newOwners(candidate.sortedPools())
	return b.disruptable(slices.DeleteFunc(impacts, func(i Impact) bool {
		if i.Loss == Route {
			return false
		}
		// Out of range, the service keeps the address. In range, the pool is closed to the service.
		_, contained := owners.find(i.Address)
		return !contained
	}))
}

// taken returns the addresses that would be announced no more if they were the new pool's: services that hold addresses in its
// range become its own.
func (b *builder) taken(pool string, candidate *meaning) Impacts {
	var impacts Impacts
	before, after := newRoutes(&b.current, b.nodes), newRoutes(candidate, b.nodes)
	for _, r := range candidate.pools[pool].Ranges {
		for h := range b.in.State.Holdings.In(r) {
			own := h
			own.Recorded = []string{pool}
			if len(h.Recorded) > 0 && before.Announces(h) && !after.Announces(own) {
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

// resolvePools finds the pools that parse and do not overlap. If not all that are wanted fit, those in use stay as they are, and
// of the others each that fits is admitted, the oldest first.
func (b *builder) resolvePools() {
	fixed, wanted := map[string]ipam.Pool{}, []*v1beta1.IPAddressPool{}
	for _, o := range b.inOrder(active.KindIPAddressPool) {
		p, ok := o.(*v1beta1.IPAddressPool)
		if !ok {
			continue
		}
		was := b.inUse[active.KeyOf(p)]
		if known, inUse := b.current.pools[p.Name]; inUse {
			fixed[p.Name] = known
		}
		if _, errs := b.current.parser.pool(p); len(errs) > 0 {
			b.reject(p, errs)
		} else if was == nil || !sameVersion(was, p) {
			wanted = append(wanted, p)
		}
	}
	if b.fit(fixed, wanted) {
		for _, p := range wanted {
			b.want(p)
		}
		return
	}
	for progress := true; progress && len(wanted) > 0; {
		var rest []*v1beta1.IPAddressPool
		for _, p := range wanted {
			if !b.fit(fixed, []*v1beta1.IPAddressPool{p}) {
				rest = append(rest, p)
				continue
			}
			fixed[p.Name], _ = b.current.parser.pool(p)
			b.want(p)
		}
		// One that was admitted may have made room for one that was not.
		progress, wanted = len(rest) < len(wanted), rest
	}
	for _, p := range wanted {
		pool, _ := b.current.parser.pool(p)
		b.reject(p, overlapping(p, &pool, &meaning{pools: fixed}))
	}
}

// fit reports whether the wanted pools overlap neither the fixed ones, but for those of their names, nor each other.
func (b *builder) fit(fixed map[string]ipam.Pool, wanted []*v1beta1.IPAddressPool) bool {
	together := make(map[string]ipam.Pool, len(fixed)+len(wanted))
	for name, p := range fixed {
		together[name] = p
	}
	for _, p := range wanted {
		together[p.Name], _ = b.current.parser.pool(p)
	}
	return len(wanted) == 0 || len(ipam.Overlaps(sorted(together)...)) == 0
}

// snapshot returns what was found.
func (b *builder) snapshot() *Snapshot {
	inUse := b.current
	for _, a := range b.partly {
		inUse, _ = inUse.with(Change{New: a})
	}
	s := &Snapshot{
		Routes: newRoutes(&inUse, b.nodes), Findings: b.findings, Held: len(b.held),
		inUse: b.inUse, nodes: b.in.State.Nodes, impacts: map[string]Impacts{}, nodeKeys: inUse.nodeKeys(), abandoned: map[string]bool{},
	}
	var pools []ipam.Pool
	for name, p := range b.current.pools {
		key := active.Key{Kind: active.KindIPAddressPool, Name: name}
		if b.written[key] != nil {
			p.Labels = nil // They matter to advertisements, not to what is allocated.
			pools = append(pools, p)
		} else if p.AllowDisruption {
			s.Abandoned, s.abandoned[name] = append(s.Abandoned, name), true
		}
	}
	// What is held back may be released by a label that nothing in use selects by.
	written := meanBy(b.current.parser, Objects{})
	for _, o := range b.written {
		written.add(o)
	}
	maps.Copy(s.nodeKeys, written.nodeKeys())
	slices.Sort(s.Abandoned)
	s.Pools = ipam.NewPools(pools...)
	b.attribute(s)
	s.Changes = b.changes()
	return s
}

// attribute gives the impacts of what is held back to the pools that contain the addresses.
func (b *builder) attribute(s *Snapshot) {
	if len(b.held) == 0 {
		return
	}
	owners := newOwners(s.Pools)
	for _, h := range b.held {
		for _, i := range h.impacts {
			if pool, found := owners.find(i.Address); found {
				s.impacts[pool.Name] = append(s.impacts[pool.Name], i)
			}
		}
	}
	for name, impacts := range s.impacts {
		impacts.Sort()
		s.impacts[name] = slices.Compact(impacts)
	}
}

// changes returns what is to be done to the ActiveConfigurations.
func (b *builder) changes() []ActiveChange {
	var changes []ActiveChange
	for _, key := range b.keys() {
		old, o := b.mirrors[key], b.inUse[key]
		if o == nil {
			changes = append(changes, ActiveChange{Old: old})
			continue
		}
		desired := b.mirror(key, o)
		if desired == nil || old != nil && sameMirror(old, desired) {
			continue
		}
		if old != nil {
			copied := old.DeepCopy()
			copied.Spec, copied.Status = desired.Spec, desired.Status
			desired = copied
		}
		changes = append(changes, ActiveChange{Old: old, New: desired})
	}
	return changes
}

// keys returns the keys of all ActiveConfigurations that there are or are to be, in order.
func (b *builder) keys() []active.Key {
	keys := make([]active.Key, 0, len(b.inUse))
	for key := range b.inUse {
		keys = append(keys, key)
	}
	for key := range b.mirrors {
		if b.inUse[key] == nil {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, active.Key.Compare)
	return keys
}

// mirror returns the ActiveConfiguration of an object in use.
func (b *builder) mirror(key active.Key, o Object) *v1beta1.ActiveConfiguration {
	if w := b.written[key]; w != nil && sameVersion(w, o) {
		o = w // The same content may be of a newer generation.
	}
	m, err := active.Make(o)
	if err != nil {
		return nil // It came out of the API.
	}
	if h, isHeld := b.held[key]; isHeld {
		m.Status = v1beta1.ActiveConfigurationStatus{Held: true, Reason: h.reason, Message: h.sentence(key, m.Name)}
	}
	return m
}

// sentence says why the change is held back, and how to end that.
func (h *hold) sentence(key active.Key, name string) string {
	var why string
	switch h.reason {
	case v1beta1.ReasonInvalidConfig:
		f := Finding{Reason: h.reason, Errors: h.errors}
		why = f.Message()
	case v1beta1.ReasonInUse:
		return fmt.Sprintf("%s is deleted, and services hold addresses of it; it gives no addresses to others", key)
	default:
		why = h.impacts.String()
	}
	return message.Bound(fmt.Sprintf("%s is used as it was before: %s; to use it as it is now, run kubectl delete activeconfiguration %s", key, why, name))
}

// sameMirror reports whether nothing is to be written.
func sameMirror(a, b *v1beta1.ActiveConfiguration) bool {
	return a.Spec.UID == b.Spec.UID && a.Spec.Generation == b.Spec.Generation && a.Spec.AllowDisruption == b.Spec.AllowDisruption &&
		maps.Equal(a.Spec.Labels, b.Spec.Labels) && a.Status == b.Status && sameJSON(a.Spec.Object.Raw, b.Spec.Object.Raw)
}

// sameJSON reports whether both texts are the same document; the API server may have put it into another form.
func sameJSON(a, b []byte) bool {
	var x, y any
	return bytes.Equal(a, b) || json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && equality.Semantic.DeepEqual(x, y)
}
