// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/active"
)

// Next returns the snapshot that follows from the objects as written and from what was in use until now.
//
// An object that is invalid, or contradicts what is in use, is not brought into use; what was in use before stays. So what is in
// use never contradicts itself, unless nodes have changed since. Of two that contradict each other, the one in use wins, else the
// older. A BFDProfile takes nothing from a service, and is used as it is written. A change or deletion that takes the last route from a service, or closes a pool to a service that holds an address of it,
// is held back unless an operator allows the disruption. A pool that is deleted stays known as long as services hold addresses of
// it, but gives none.
func Next(in Inputs, p *Parser) *Snapshot {
	b := settle(in, p)
	b.dispute()
	return b.snapshot()
}

// settle brings into use what can be.
func settle(in Inputs, p *Parser) *builder {
	b := newBuilder(in, p)
	for b.round() {
	}
	return b
}

// builder makes a Snapshot.
type builder struct {
	in    Inputs
	nodes *nodes
	// written and inUse are the objects as written and as they are used.
	written, inUse map[active.Key]Object
	current        parsedObjects
	// routes are those of current; nil if they have not been asked for.
	routes  *Routes
	mirrors map[active.Key]*v1beta1.ActiveConfiguration
	// strays are ActiveConfigurations that do not have the name of what they are of; nobody uses them.
	strays []*v1beta1.ActiveConfiguration

	// What follows is found anew in each round.
	findings map[active.Key]Finding
	held     map[active.Key]hold
	pending  []pending
	// places has where each is in pending.
	places map[active.Key]int
	groups *groups
	// partly are new pools and advertisements that are not in use: they matter as far as they are not in dispute, since speakers use
	// what is new at once.
	partly []pending
}

// pending is a change that is not in use yet: old is nil if the object is new, new if it is gone.
type pending struct {
	key      active.Key
	old, new Object
}

// hold is why a change is held back.
type hold struct {
	reason  string
	errors  field.ErrorList
	impacts Impacts
}

func newBuilder(in Inputs, p *Parser) *builder {
	b := &builder{
		in: in, nodes: newNodes(in.State.Nodes), written: in.Written.byKey(), mirrors: map[active.Key]*v1beta1.ActiveConfiguration{},
	}
	decoded, _ := active.Decode(in.Active) // What cannot be read is replaced by the object as written.
	before := Objects(decoded)
	b.inUse = before.byKey()
	for key, o := range b.inUse {
		// What is in use as written is parsed once.
		if w := b.written[key]; w != nil && sameVersion(w, o) {
			b.inUse[key] = w
		}
	}
	b.current = parseAllWith(p, Objects{})
	for _, o := range b.inUse {
		b.current.add(o)
	}
	for key, o := range b.written {
		if active.UsedAsWritten(key.Kind) {
			b.current.add(o)
		}
	}
	for i := range in.Active {
		a := &in.Active[i]
		if key := active.KeyOfActive(a); a.Name == key.ObjectName() {
			b.mirrors[key] = a
		} else {
			b.strays = append(b.strays, a)
		}
	}
	p.forgetOthers(b.written)
	return b
}

// byKey returns all objects.
func (o Objects) byKey() map[active.Key]Object {
	all := make(map[active.Key]Object, len(o.Pools)+len(o.Peers)+len(o.Advertisements)+len(o.Communities)+len(o.BFDProfiles))
	for x := range o.All() {
		all[active.KeyOf(x)] = x
	}
	return all
}

// round brings into use what can be, and reports whether that was anything: then more may follow.
func (b *builder) round() bool {
	b.findings, b.held, b.pending, b.partly = map[active.Key]Finding{}, map[active.Key]hold{}, nil, nil
	parsed := parseAllWith(b.current.parser, Objects{})
	for key, o := range b.written {
		b.findings[key] = Finding{Object: o, Reason: v1beta1.ReasonAccepted}
		if errs := parsed.add(o); len(errs) > 0 {
			b.reject(o, errs)
		} else if active.UsedAsWritten(key.Kind) {
			continue
		} else if was := b.inUse[key]; was == nil || !sameVersion(was, o) {
			b.pending = append(b.pending, pending{key: key, old: was, new: o})
		}
	}
	for key, o := range b.inUse {
		if b.written[key] == nil {
			b.pending = append(b.pending, pending{key: key, old: o})
		}
	}
	slices.SortFunc(b.pending, b.compare)
	b.places, b.groups = make(map[active.Key]int, len(b.pending)), newGroups()
	for i, p := range b.pending {
		b.places[p.key] = i
	}
	return b.accept()
}

// reject notes that the object is not brought into use as written.
func (b *builder) reject(o Object, errs field.ErrorList) {
	key := active.KeyOf(o)
	errs = errs[:min(len(errs), maxErrors)]
	b.findings[key] = Finding{Object: o, Reason: v1beta1.ReasonInvalidConfig, Errors: errs}
	was := b.inUse[key]
	if was == nil || sameVersion(was, o) {
		return
	}
	b.held[key] = hold{reason: v1beta1.ReasonInvalidConfig, errors: errs}
	b.revoke(key, was, o)
}

// before returns the routes of what is in use.
func (b *builder) before() *Routes {
	if b.routes == nil {
		was := b.current // Its maps are replaced, and not modified.
		b.routes = newRoutes(&was, b.nodes)
	}
	return b.routes
}
