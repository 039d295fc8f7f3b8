// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/active"
)

// conflicts returns the contradictions in what would be in use after the changes that are not in what is in use.
func (b *builder) conflicts(changes []pending) []contradiction {
	candidate := b.after(changes)
	var fresh []contradiction
	for _, p := range changes {
		if p.new == nil {
			continue
		}
		found := append(contradictions(p.new, candidate, b.nodes), undefinedIn(p.new, candidate)...)
		var known extents
		if p.old != nil && len(found) > 0 {
			known = extentsOf(contradictions(p.old, &b.current, b.nodes))
		}
		fresh = append(fresh, slices.DeleteFunc(found, func(c contradiction) bool { return b.givesNone(c) || known.cover(c) })...)
	}
	return fresh
}

// givesNone reports whether the contradiction is with a pool that is deleted: that it has addresses in common with another does not
// matter, since it gives none.
func (b *builder) givesNone(c contradiction) bool {
	return c.fault == overlap && b.written[active.Key{Kind: active.KindIPAddressPool, Name: c.other}] == nil
}

// groups finds the changes that can only be used together, as where two pools exchange their ranges. It keeps what it has found until
// something is brought into use: where many changes need each other, what stands in the way of one stands in the way of the others.
type groups struct {
	// needs has the changes that make room for each, by their places in builder.pending.
	needs map[int]NumberSet
	// blocked changes contradict something that no pending change makes room for, or need one that does.
	blocked NumberSet
	// failed has the groups that cannot be used, by the change that each was made for.
	failed map[int]NumberSet
}

func newGroups() *groups {
	return &groups{needs: map[int]NumberSet{}, failed: map[int]NumberSet{}}
}

// complete returns the change, which has these conflicts alone, together with the pending ones that make room for it; nil if they do
// not, or if services would lose something by them.
func (b *builder) complete(p pending, conflicts []contradiction) []pending {
	first := b.places[p.key]
	if _, known := b.groups.needs[first]; !known {
		b.findNeeds(first, conflicts)
	}
	group := NumberSet{}
	if !b.gather(first, first, &group) {
		return nil
	}
	for {
		changes := b.members(group)
		found := b.conflicts(changes)
		if len(found) == 0 && len(b.losses(changes)) == 0 {
			return changes
		}
		before := group.Count()
		for _, c := range found {
			i, available := b.makesRoom(c, group)
			if available && !group.Has(i) && !b.gather(first, i, &group) {
				return nil
			}
		}
		if group.Count() == before {
			b.groups.failed[first] = group
			return nil
		}
	}
}

// gather adds to the group, which is made for the first change, one more and all that this needs, and reports whether they may be possible
// together. What needs a change that is blocked is blocked itself.
func (b *builder) gather(first, start int, group *NumberSet) bool {
	type step struct{ change, neededBy int }
	path := []step{{start, -1}}
	group.Add(start)
	for at := 0; at < len(path); at++ {
		needs, possible := b.needs(path[at].change)
		if !possible {
			for ; at >= 0; at = path[at].neededBy {
				b.groups.blocked.Add(path[at].change)
			}
			return false
		}
		for i := range needs.Without(*group).All() {
			if b.groups.failed[i].Has(first) { // Each needs the other, so that both need the same.
				return false
			}
			group.Add(i)
			path = append(path, step{i, at})
		}
	}
	return true
}

// needs returns the changes that have to be used together with one, since it contradicts what they replace; possible is false if it is
// blocked.
func (b *builder) needs(change int) (needs NumberSet, possible bool) {
	if _, known := b.groups.needs[change]; !known {
		b.findNeeds(change, b.conflicts([]pending{b.pending[change]}))
	}
	return b.groups.needs[change], !b.groups.blocked.Has(change)
}

// findNeeds notes what a change needs that has these conflicts alone.
func (b *builder) findNeeds(change int, conflicts []contradiction) {
	needs, own := NumberSet{}, NumberSet{}
	own.Add(change)
	for _, c := range conflicts {
		if i, available := b.makesRoom(c, own); available {
			needs.Add(i)
		} else if c.fault != undefinedAlias { // A Community that another change needs may define the alias.
			b.groups.blocked.Add(change)
			break
		}
	}
	b.groups.needs[change] = needs
}

// makesRoom returns the first pending change of what the contradiction is with, by its place: one that is not in the group.
func (b *builder) makesRoom(c contradiction, group NumberSet) (place int, available bool) {
	place = len(b.pending)
	for _, key := range c.with {
		i, isPending := b.places[key]
		if isPending && i < place && !group.Has(i) && b.inUse[key] == b.pending[i].old && !b.pending[i].deletesPool() {
			place = i
		}
	}
	return place, place < len(b.pending)
}

// members returns the changes of the group.
func (b *builder) members(group NumberSet) []pending {
	changes := make([]pending, 0, group.Count())
	for i := range group.All() {
		changes = append(changes, b.pending[i])
	}
	return changes
}

// contradict notes that the change is not brought into use for what contradicts it.
func (b *builder) contradict(p pending, found []contradiction) {
	errs := make(field.ErrorList, 0, min(len(found), maxErrors))
	usable := p.old == nil && (p.key.Kind == active.KindIPAddressPool || p.key.Kind == active.KindBGPAdvertisement)
	for _, c := range found {
		usable = usable && c.fault != undefinedAlias
		if len(errs) < maxErrors {
			c.err.Detail += b.heldOther(c)
			errs = append(errs, c.err)
		}
	}
	b.reject(p.new, errs)
	if usable {
		b.partly = append(b.partly, p)
	}
}

// heldOther says that the contradiction is with a version in use of another object that is not the one written.
func (b *builder) heldOther(c contradiction) string {
	var sentences []string
	for _, key := range c.with {
		o, w := b.inUse[key], b.written[key]
		if o == nil {
			continue
		}
		if w == nil {
			sentences = append(sentences, fmt.Sprintf("; what contradicts is %s in the version in use: its deletion is held back", key))
		} else if !sameVersion(w, o) {
			sentences = append(sentences, fmt.Sprintf("; what contradicts is %s in the version in use: its change is held back", key))
		}
	}
	return strings.Join(sentences, "")
}

// dispute notes what contradicts another though it is in use as written: a node has changed since. Speakers use what has been in use
// for longer, and of an advertisement what is not in dispute. It notes as well which peers lack their BFDProfile, which keeps them from nothing else.
func (b *builder) dispute() {
	all := parseAllWith(b.current.parser, Objects{})
	all.pools, all.labels = b.current.pools, b.current.labels
	for _, o := range b.longestFirst() {
		if len(all.add(o)) > 0 {
			continue // That is said already.
		}
		found := append(contradictions(o, &all, b.nodes), undefinedIn(o, &b.current)...)
		found = append(found, unwatched(o, &b.current)...)
		key := active.KeyOf(o)
		if f := b.findings[key]; len(found) > 0 && f.Reason == v1beta1.ReasonAccepted {
			b.findings[key] = Finding{Object: f.Object, Reason: v1beta1.ReasonInvalidConfig, Errors: firstErrors(found)}
		}
	}
}

// longestFirst returns what is in use of every kind but pools, in the order in which speakers prefer it.
func (b *builder) longestFirst() []Object {
	var list []Object
	since := map[Object]int64{}
	for key, o := range b.inUse {
		if key.Kind == active.KindIPAddressPool {
			continue
		}
		list = append(list, o)
		if m := b.mirrors[key]; m != nil {
			since[o] = m.CreationTimestamp.Unix()
		}
	}
	slices.SortFunc(list, func(x, y Object) int {
		return cmp.Or(cmp.Compare(since[x], since[y]), active.KeyOf(x).Compare(active.KeyOf(y)))
	})
	return list
}
