// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/active"
)

// Next returns the snapshot that follows from the objects as written and from what was in use until now.
//
// An object that is invalid, or contradicts another, is not brought into use; what was in use before stays. Of two that
// contradict each other, the one in use wins, else the older. A change or deletion that takes the last route from a service, or
// closes a pool to a service that holds an address of it, is held back unless an operator allows the disruption. A pool that is
// deleted stays known as long as services hold addresses of it, but gives none.
func Next(in Inputs, p *Parser) *Snapshot {
	b := newBuilder(in, p)
	for b.round() {
	}
	return b.snapshot()
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
	// partly are new advertisements that contradict others: they announce what is not in dispute.
	partly []*v1beta1.BGPAdvertisement
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
	all := make(map[active.Key]Object, len(o.Pools)+len(o.Peers)+len(o.Advertisements)+len(o.Communities))
	for x := range o.All() {
		all[active.KeyOf(x)] = x
	}
	return all
}

// round brings into use what can be, and reports whether that was anything: then more may follow.
func (b *builder) round() bool {
	b.findings, b.held, b.pending, b.partly = map[active.Key]Finding{}, map[active.Key]hold{}, nil, nil
	for key, o := range b.written {
		b.findings[key] = Finding{Object: o, Reason: v1beta1.ReasonAccepted}
	}
	b.resolvePools()
	b.admit(active.KindCommunity)
	b.admit(active.KindBGPPeer)
	b.admitAdvertisements()
	for key, o := range b.inUse {
		if b.written[key] == nil {
			b.pending = append(b.pending, pending{key: key, old: o})
		}
	}
	return b.accept()
}

// reject notes that the object is not brought into use as written.
func (b *builder) reject(o Object, errs field.ErrorList) {
	key := active.KeyOf(o)
	errs = errs[:min(len(errs), maxErrors)]
	b.findings[key] = Finding{Object: o, Reason: v1beta1.ReasonInvalidConfig, Errors: errs}
	was := b.inUse[key]
	if was == nil {
		return
	}
	b.held[key] = hold{reason: v1beta1.ReasonInvalidConfig, errors: errs}
	if v1beta1.AllowsDisruption(was) && !v1beta1.AllowsDisruption(o) {
		// Who takes the permission back has done so whatever else is wrong with the object.
		b.replace(key, withoutPermission(was))
	}
}

// want notes that the object is to be brought into use as written, if it is not.
func (b *builder) want(o Object) {
	key := active.KeyOf(o)
	if was := b.inUse[key]; was == nil || !sameVersion(was, o) {
		b.pending = append(b.pending, pending{key: key, old: was, new: o})
	}
}

// replace brings another version of the object into use, or none.
func (b *builder) replace(key active.Key, o Object) {
	b.current, _ = b.current.with(Change{Old: b.inUse[key], New: o})
	b.routes = nil
	if o == nil {
		delete(b.inUse, key)
		return
	}
	b.inUse[key] = o
}

// before returns the routes of what is in use.
func (b *builder) before() *Routes {
	if b.routes == nil {
		was := b.current // Its maps are replaced, and not modified.
		b.routes = newRoutes(&was, b.nodes)
	}
	return b.routes
}

// inOrder returns the objects of the kind in the order in which they are admitted: those in use as written, then changed ones,
// then new ones, the oldest first.
func (b *builder) inOrder(kind string) []Object {
	rank := func(o Object) int {
		switch was := b.inUse[active.KeyOf(o)]; {
		case was == nil:
			return 2
		case sameVersion(was, o):
			return 0
		default:
			return 1
		}
	}
	ranks := map[Object]int{}
	var list []Object
	for key, o := range b.written {
		if key.Kind == kind {
			list, ranks[o] = append(list, o), rank(o)
		}
	}
	slices.SortFunc(list, func(x, y Object) int {
		created := y.GetCreationTimestamp()
		return cmp.Or(ranks[x]-ranks[y], x.GetCreationTimestamp().Compare(created.Time), strings.Compare(x.GetName(), y.GetName()))
	})
	return list
}

// admit finds the objects of a kind that parse and contradict none admitted before.
func (b *builder) admit(kind string) {
	admitted := parseAllWith(b.current.parser, Objects{})
	keep := func(o Object) {
		if was := b.inUse[active.KeyOf(o)]; was != nil {
			admitted.add(was)
		}
	}
	var parsing []Object
	for _, o := range b.inOrder(kind) {
		if errs := admitted.add(o); len(errs) > 0 {
			b.reject(o, errs)
			keep(o)
			continue
		}
		admitted.remove(o)
		parsing = append(parsing, o)
	}
	for _, o := range parsing {
		admitted.add(o)
		if errs := firstErrors(contradictions(o, &admitted, b.nodes)); len(errs) > 0 {
			admitted.remove(o)
			b.reject(o, errs)
			keep(o)
			continue
		}
		b.want(o)
	}
}

// admitAdvertisements does the same for advertisements, which may contradict pools as well. One that is in use stays so though it
// contradicts another by now: it announces what is not in dispute.
func (b *builder) admitAdvertisements() {
	admitted := parseAllWith(b.current.parser, Objects{})
	admitted.pools, admitted.labels = b.current.pools, b.current.labels
	aliases := b.current.aliases()
	for _, o := range b.inOrder(active.KindBGPAdvertisement) {
		was := b.inUse[active.KeyOf(o)]
		errs := admitted.add(o)
		usable := len(errs) == 0
		if usable {
			errs = firstErrors(contradictions(o, &admitted, b.nodes))
		}
		if undefined := b.undefined(o, aliases); len(undefined) > 0 {
			errs, usable = append(errs, undefined...), false
		}
		switch {
		case len(errs) == 0:
			b.want(o)
		case was != nil && sameVersion(was, o):
			b.findings[active.KeyOf(o)] = Finding{Object: o, Reason: v1beta1.ReasonInvalidConfig, Errors: errs[:min(len(errs), maxErrors)]}
		default:
			admitted.remove(o)
			b.reject(o, errs)
			if x, ok := o.(*v1beta1.BGPAdvertisement); ok && was == nil && usable {
				b.partly = append(b.partly, x)
			}
			if was != nil {
				admitted.add(was)
			}
		}
	}
}

// undefined reports aliases that the advertisement uses and no Community defines.
func (b *builder) undefined(o Object, aliases bgp.Aliases) field.ErrorList {
	a, ok := o.(*v1beta1.BGPAdvertisement)
	if !ok {
		return nil
	}
	parsed, errs := b.current.parser.advertisement(a)
	if len(errs) > 0 {
		return nil
	}
	if _, err := bgp.ResolveCommunities(parsed.Communities, aliases); err != nil {
		return field.ErrorList{field.Invalid(field.NewPath("spec", "communities"), field.OmitValueType{}, err.Error())}
	}
	return nil
}

// remove takes out an object that was added.
func (m *parsedObjects) remove(o Object) {
	switch x := o.(type) {
	case *v1beta1.IPAddressPool:
		delete(m.pools, x.Name)
		delete(m.labels, x.Name)
	case *v1beta1.BGPAdvertisement:
		delete(m.advertisements, x.Name)
	case *v1beta1.Community:
		delete(m.communities, x.Name)
	default:
		delete(m.peers, o.GetName())
		delete(m.peerNames, o.GetName())
	}
}
