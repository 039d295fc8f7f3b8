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

// snapshot returns what was found.
func (b *builder) snapshot() *Snapshot {
	inUse := b.after(b.partly)
	s := &Snapshot{
		Routes: b.routesWith(inUse), Findings: b.findings, Held: len(b.held), Deviating: b.deviating(),
		inUse: b.inUse, partly: make(map[active.Key]Object, len(b.partly)), nodes: byName(b.in.State.Nodes), impacts: map[string]Impacts{}, nodeKeys: inUse.nodeKeys(),
	}
	for _, p := range b.partly {
		s.partly[p.key] = p.new
	}
	var pools []ipam.Pool
	for name, p := range b.current.pools {
		key := active.Key{Kind: active.KindIPAddressPool, Name: name}
		if b.written[key] != nil {
			p.Labels = nil // They matter to advertisements, not to what is allocated.
			pools = append(pools, p)
		} else if p.AllowDisruption {
			s.Abandoned = append(s.Abandoned, name)
		}
	}
	// What is held back may be released by a label that nothing in use selects by.
	written := parseAllWith(b.current.parser, Objects{})
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

// deviating returns what is not in use as written, and why.
func (b *builder) deviating() map[active.Key]string {
	reasons := map[active.Key]string{}
	for key, f := range b.findings {
		if f.Reason != v1beta1.ReasonAccepted {
			reasons[key] = f.Reason
		}
	}
	for key, h := range b.held {
		reasons[key] = h.reason
	}
	return reasons
}

// routesWith returns the routes of what is in use, and of what is new and in use as far as that is not in dispute.
func (b *builder) routesWith(all *parsedObjects) *Routes {
	r := newRoutes(all, b.nodes)
	var fresh []ipam.Pool
	for _, p := range b.partly {
		if pool, found := all.pools[p.key.Name]; found && p.key.Kind == active.KindIPAddressPool {
			fresh = append(fresh, pool)
		}
	}
	if len(fresh) > 0 {
		r.owners, r.fresh = newOwners(b.current.sortedPools()), newOwners(ipam.NewPools(fresh...))
	}
	return r
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
	changes := make([]ActiveChange, 0, len(b.strays))
	for _, stray := range b.strays { // Before what is to have their names.
		changes = append(changes, ActiveChange{Old: stray})
	}
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
		m.Status = v1beta1.ActiveConfigurationStatus{Held: true, Reason: h.reason, Message: h.sentence(key, m)}
	}
	return m
}

// sentence says why the change is held back, and how to end that. Without its ActiveConfiguration, what is invalid would not be used
// at all.
func (h *hold) sentence(key active.Key, a *v1beta1.ActiveConfiguration) string {
	before, why := fmt.Sprintf("%s is used as it was before: ", key), h.impacts.String()
	remedy := fmt.Sprintf("; to use it as it is now, run kubectl delete activeconfiguration %s -n %s", a.Name, a.Namespace)
	switch h.reason {
	case v1beta1.ReasonInUse:
		return fmt.Sprintf("%s is deleted, and services hold addresses of it; it gives no addresses to others", key)
	case v1beta1.ReasonInvalidConfig:
		f := Finding{Reason: h.reason, Errors: h.errors}
		why, remedy = f.Message(), "; it is used as it is now once this is corrected"
	}
	return before + message.Within(why, message.MaxLength-len(before)-len(remedy)) + remedy
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
