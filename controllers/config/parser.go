// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
)

// Parser parses configuration objects and remembers what it has parsed, so that each version of an object is parsed once. It
// is safe for concurrent use. A nil Parser remembers nothing.
type Parser struct {
	mu sync.Mutex
	// entries are the last two of each object: while a change is held back, one version is written and another one is in use.
	entries map[active.Key][2]entry
}

// entry is what one version of an object means, or what is wrong with it.
type entry struct {
	uid        types.UID
	generation int64
	// version may differ within a generation: of a change that is held back, a part may be in use.
	version

	value any
	errs  field.ErrorList
}

// NewParser returns a Parser that has parsed nothing.
func NewParser() *Parser { return &Parser{entries: map[active.Key][2]entry{}} }

// known returns what the object means, if this version of it is one of those that were parsed last.
func (p *Parser) known(o Object) (entry, bool) {
	if p == nil || o.GetUID() == "" || o.GetGeneration() == 0 {
		return entry{}, false
	}
	p.mu.Lock()
	latest := p.entries[active.KeyOf(o)]
	p.mu.Unlock()
	for _, e := range latest {
		if e.uid == o.GetUID() && e.generation == o.GetGeneration() && e.equal(versionOf(o)) {
			return e, true
		}
	}
	return entry{}, false
}

func (p *Parser) remember(o Object, value any, errs field.ErrorList) {
	if p == nil || o.GetUID() == "" || o.GetGeneration() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := active.KeyOf(o)
	p.entries[key] = [2]entry{{o.GetUID(), o.GetGeneration(), versionOf(o), value, errs}, p.entries[key][0]}
}

// forgetOthers forgets the objects that are not among these.
func (p *Parser) forgetOthers(kept map[active.Key]Object) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.entries, func(k active.Key, _ [2]entry) bool { return kept[k] == nil })
}

// parsed returns what parse says of the object, or what it said of this version before.
func parsed[O Object, T any](p *Parser, o O, parse func(O) (T, field.ErrorList)) (T, field.ErrorList) {
	if e, found := p.known(o); found {
		if value, ok := e.value.(T); ok {
			return value, e.errs
		}
	}
	value, errs := parse(o)
	p.remember(o, value, errs)
	return value, errs
}

func (p *Parser) pool(o *v1beta1.IPAddressPool) (ipam.Pool, field.ErrorList) {
	return parsed(p, o, ipam.ParsePool)
}

func (p *Parser) peer(o *v1beta2.BGPPeer) (bgp.Peer, field.ErrorList) {
	return parsed(p, o, bgp.ParsePeer)
}

func (p *Parser) advertisement(o *v1beta1.BGPAdvertisement) (advertisement, field.ErrorList) {
	return parsed(p, o, func(o *v1beta1.BGPAdvertisement) (advertisement, field.ErrorList) {
		a, errs := bgp.ParseAdvertisement(o)
		return advertisement{a}, errs
	})
}

func (p *Parser) profile(o *v1beta1.BFDProfile) (bgp.BFDProfile, field.ErrorList) {
	return parsed(p, o, bgp.ParseBFDProfile)
}

func (p *Parser) aliases(o *v1beta1.Community) (bgp.Aliases, field.ErrorList) {
	return parsed(p, o, bgp.ParseCommunities)
}
