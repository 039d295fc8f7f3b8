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
		var known extents
		if p.old != nil {
			known = extentsOf(contradictions(p.old, &b.current, b.nodes))
		}
		found := append(contradictions(p.new, candidate, b.nodes), undefinedIn(p.new, candidate)...)
		fresh = append(fresh, slices.DeleteFunc(found, func(c contradiction) bool { return b.givesNone(c) || known.cover(c) })...)
	}
	return fresh
}

// givesNone reports whether the contradiction is with a pool that is deleted: that it has addresses in common with another does not
// matter, since it gives none.
func (b *builder) givesNone(c contradiction) bool {
	return c.fault == overlap && b.written[active.Key{Kind: active.KindIPAddressPool, Name: c.other}] == nil
}

// complete returns the change together with the pending ones that make room for it, as where two pools exchange their ranges; nil if
// they do not.
func (b *builder) complete(p pending) []pending {
	group := []pending{p}
	for {
		found := b.conflicts(group)
		if len(found) == 0 {
			return group
		}
		before := len(group)
		for _, c := range found {
			i := slices.IndexFunc(b.pending, func(o pending) bool {
				return slices.Contains(c.with, o.key) && b.inUse[o.key] == o.old && !o.deletesPool() &&
					!slices.ContainsFunc(group, func(member pending) bool { return member.key == o.key })
			})
			if i >= 0 {
				group = append(group, b.pending[i])
			}
		}
		if len(group) == before {
			return nil
		}
	}
}

// contradict notes that the change is not brought into use for what contradicts it.
func (b *builder) contradict(p pending, found []contradiction) {
	errs := make(field.ErrorList, 0, len(found))
	usable := p.old == nil && (p.key.Kind == active.KindIPAddressPool || p.key.Kind == active.KindBGPAdvertisement)
	for _, c := range found {
		c.err.Detail += b.heldOther(c)
		errs = append(errs, c.err)
		usable = usable && c.fault != undefinedAlias
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
// for longer, and of an advertisement what is not in dispute.
func (b *builder) dispute() {
	all := parseAllWith(b.current.parser, Objects{})
	all.pools, all.labels = b.current.pools, b.current.labels
	for _, o := range b.longestFirst() {
		if len(all.add(o)) > 0 {
			continue // That is said already.
		}
		found := append(contradictions(o, &all, b.nodes), undefinedIn(o, &b.current)...)
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
