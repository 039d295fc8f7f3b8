// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/message"
)

// Check says what is wrong with a change of the configuration as written and, while something is in use in another version than
// that, what of the change would not be brought into use. The namespace is the one of the configuration.
func Check(namespace string, before Objects, change Change, state ClusterState) Verdict {
	change = Change{Old: present(change.Old), New: present(change.New)}
	if change == (Change{}) || change.concernsNobody() {
		return Verdict{}
	}
	if change.New != nil && change.New.GetNamespace() != namespace {
		return Verdict{Errors: field.ErrorList{field.Invalid(field.NewPath("metadata", "namespace"), change.New.GetNamespace(),
			fmt.Sprintf("resource must be created in %s namespace; other namespaces are ignored", namespace))}}
	}
	if change.New == nil && change.Old.GetNamespace() != namespace {
		return Verdict{}
	}
	// What was read of the configuration may be of a moment before or after the old object's.
	all := parseAllWith(state.Parser, before)
	all.parser = nil // A change that is refused leaves its generation to the next one.
	was, _ := all.with(Change{Old: change.New, New: change.Old})
	is, errs := was.with(change)
	if len(errs) > 0 {
		return Verdict{Errors: errs}
	}
	b := &verdictBuilder{change: change, was: &was, is: &is, state: state, nodes: newNodes(state.Nodes)}
	b.verdict.DependsOnOthers = change.dependsOnOthers()
	b.contradictions()
	b.usedProfile()
	b.warn(dangling(change, &was, &is)...)
	b.impacts()
	if len(b.verdict.Errors) == 0 {
		b.refuse(heldBack(before, change, state)...)
	}
	if change.New != nil {
		b.warn(warnings(change.New, &is, state.Nodes)...)
	}
	return b.verdict
}

// verdictBuilder makes a Verdict.
type verdictBuilder struct {
	change  Change
	was, is *parsedObjects
	state   ClusterState
	nodes   *nodes
	verdict Verdict
}

func (b *verdictBuilder) refuse(errs ...*field.Error) {
	b.verdict.Errors = append(b.verdict.Errors, errs...)
}

func (b *verdictBuilder) warn(sentences ...string) {
	b.verdict.Warnings = append(b.verdict.Warnings, sentences...)
}

// contradictions refuses those that the change brings or makes worse, and warns of those that were there before.
func (b *verdictBuilder) contradictions() {
	if b.change.New == nil {
		return
	}
	var known extents
	if b.change.Old != nil {
		known = extentsOf(contradictions(b.change.Old, b.was, b.nodes))
	}
	var stale []string
	var fresh []contradiction
	for _, c := range contradictions(b.change.New, b.is, b.nodes) {
		if known.cover(c) {
			stale = append(stale, c.err.Error())
		} else {
			fresh = append(fresh, c)
		}
	}
	b.refuse(firstErrors(fresh)...)
	b.warn(first(stale)...)
}

// usedProfile refuses that a BFDProfile is deleted that peers name, unless an operator allows the disruption.
func (b *verdictBuilder) usedProfile() {
	profile, isProfile := b.change.Old.(*v1beta1.BFDProfile)
	if !isProfile || b.change.New != nil {
		return
	}
	var users []string
	for name, peer := range b.is.peers {
		if peer.BFDProfileName == profile.Name {
			users = append(users, name)
		}
	}
	if len(users) == 0 {
		return
	}
	slices.Sort(users)
	if v1beta1.AllowsDisruption(profile) {
		b.warn(fmt.Sprintf("BFDProfile %q is used by BGPPeer %s: %s", profile.Name, list(users), withoutProfile))
		return
	}
	b.refuse(field.Forbidden(field.NewPath("metadata", "name"), fmt.Sprintf(
		"failed to delete BFDProfile %q, used by BGPPeer %s; change or remove spec.bfdProfile there first", profile.Name, list(users))))
}

// extents are contradictions by their cause, and how far each goes.
type extents map[cause]extent

type extent struct {
	// common are the addresses that overlapping pools have in common, as a union.
	common []ipam.Range
	excess int
}

func extentsOf(found []contradiction) extents {
	known := extents{}
	for _, c := range found {
		e := known[c.cause]
		known[c.cause] = extent{append(e.common, c.common), max(e.excess, c.excess)}
	}
	for c, e := range known {
		known[c] = extent{union(e.common), e.excess}
	}
	return known
}

// cover reports whether the contradiction is known, and goes no further than before.
func (known extents) cover(c contradiction) bool {
	e, existed := known[c.cause]
	return existed && c.excess <= e.excess && (c.fault != overlap || covers(e.common, c.common))
}

// impacts refuses a change by which services lose something, or warns of it if the object allows disruption.
func (b *verdictBuilder) impacts() {
	c := comparison{was: b.was, is: b.is, before: newRoutes(b.was, b.nodes), after: newRoutes(b.is, b.nodes), state: b.state}
	b.verdict.Impacts, b.verdict.Narrows = c.lost(), c.narrows()
	errs, warnings := b.change.Against(b.verdict.Impacts)
	b.refuse(errs...)
	b.warn(warnings...)
}

// heldBack returns why the change would not be brought into use, though it is right beside the objects as written. What is not in use
// as written may be changed in any way: that may be a step towards it.
func heldBack(before Objects, change Change, state ClusterState) field.ErrorList {
	if !deviates(before, state.Active) {
		return nil
	}
	object := change.New
	if object == nil {
		object = change.Old
	}
	key := active.KeyOf(object)
	in := Inputs{Active: state.Active, State: state, Allowed: map[active.Key]bool{key: v1beta1.AllowsDisruption(object)}}
	next := func(c Change) *builder {
		in.Written = before.Apply(c)
		return settle(in, state.Parser)
	}
	is := next(change)
	if change.New == nil {
		errs, _ := change.Against(is.held[key].impacts)
		return errs
	}
	f := is.findings[key]
	if f.Reason == v1beta1.ReasonAccepted {
		return nil
	}
	if change.Old != nil && next(Change{Old: change.New, New: change.Old}).findings[key].Reason != v1beta1.ReasonAccepted {
		return nil
	}
	errs, _ := change.Against(f.Impacts)
	return append(f.Errors, errs...)
}

// deviates reports whether something is in use in another version than the one written, or is new and perhaps not in use.
func deviates(written Objects, inUse []v1beta1.ActiveConfiguration) bool {
	if len(inUse) == 0 {
		return false // No controller has decided anything.
	}
	known := make(map[active.Key]bool, len(inUse))
	for i := range inUse {
		if inUse[i].Status.Held {
			return true
		}
		known[active.KeyOfActive(&inUse[i])] = true
	}
	for o := range written.All() {
		if key := active.KeyOf(o); !known[key] && !active.UsedAsWritten(key.Kind) {
			return true
		}
	}
	return false
}

// Against returns an error for a change that has these impacts, or, if the object allows disruption, a warning for each
// service.
func (c Change) Against(impacts Impacts) (errs field.ErrorList, warnings []string) {
	if len(impacts) == 0 {
		return nil, nil
	}
	object := present(c.New)
	if object == nil {
		object = present(c.Old)
	}
	if object != nil && v1beta1.AllowsDisruption(object) {
		return nil, first(byService(impacts))
	}
	return field.ErrorList{field.Forbidden(c.path(impacts), impacts.String())}, nil
}

// byService returns a sentence for each service.
func byService(impacts Impacts) []string {
	var sentences []string
	for i, c := range impacts {
		if i > 0 && c.Service == impacts[i-1].Service {
			sentences[len(sentences)-1] += ", " + c.String()
			continue
		}
		sentences = append(sentences, c.String())
	}
	return sentences
}

const (
	// maxErrors is how many contradictions of one object are reported.
	maxErrors = 100
	// maxWarnings is how many warnings of one sort are given.
	maxWarnings = 10
)

// first returns the first sentences, and one that says how many more there are.
func first(sentences []string) []string {
	more := len(sentences) - maxWarnings
	if more <= 0 {
		return sentences
	}
	return append(slices.Clip(sentences[:maxWarnings]), fmt.Sprintf("and %d more", more))
}

// list returns the first names, quoted, and how many more there are.
func list(names []string) string {
	quoted := make([]string, 0, len(names))
	for _, n := range names {
		quoted = append(quoted, fmt.Sprintf("%q", n))
	}
	return message.First(quoted, maxWarnings)
}
