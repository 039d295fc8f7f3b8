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
	mu      sync.Mutex
	entries map[active.Key]entry
}

// entry is the result of parsing one version of an object.
type entry struct {
	uid        types.UID
	generation int64
	labels     map[string]string
	allows     bool

	value any
	errs  field.ErrorList
}

// NewParser returns a Parser that has parsed nothing.
func NewParser() *Parser { return &Parser{entries: map[active.Key]entry{}} }

// known returns the result of parsing the object, if this version of it is the one that was parsed last.
func (p *Parser) known(o Object) (entry, bool) {
	if p == nil || o.GetUID() == "" || o.GetGeneration() == 0 {
		return entry{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e, found := p.entries[active.KeyOf(o)]
	return e, found && e.uid == o.GetUID() && e.generation == o.GetGeneration() && e.allows == v1beta1.AllowsDisruption(o) &&
		maps.Equal(e.labels, o.GetLabels())
}

func (p *Parser) remember(o Object, value any, errs field.ErrorList) {
	if p == nil || o.GetUID() == "" || o.GetGeneration() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entries[active.KeyOf(o)] = entry{
		uid: o.GetUID(), generation: o.GetGeneration(), labels: o.GetLabels(), allows: v1beta1.AllowsDisruption(o), value: value, errs: errs,
	}
}

// forgetOthers forgets the objects that are not among these.
func (p *Parser) forgetOthers(kept map[active.Key]Object) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.entries, func(k active.Key, _ entry) bool { return kept[k] == nil })
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

func (p *Parser) aliases(o *v1beta1.Community) (bgp.Aliases, field.ErrorList) {
	return parsed(p, o, bgp.ParseCommunities)
}
