// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"maps"
	"slices"
	"strings"

	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/endpoint"
)

// Configure looks at the configuration again. It costs what has changed: the services whose pool, or whose pool's advertisements,
// are others, and those of which something else is to be said because of nodes and peers. The groups are all compared; they are as
// many as advertisements make of pools.
func (t *Tracker) Configure() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.configure()
}

func (t *Tracker) configure() {
	before, now := t.routes, t.configuration.Routes()
	if now == nil || now == before || !t.complete {
		return
	}
	t.routes = now
	if before == nil || !slices.Equal(before.Nodes(), now.Nodes()) {
		for _, name := range now.Nodes() {
			t.nodes.use(name)
		}
		if before != nil {
			defer func() {
				for _, name := range before.Nodes() {
					t.nodes.drop(name)
				}
			}()
		}
		t.count = len(now.Nodes())
	}
	if before == nil {
		for _, s := range t.services {
			t.classify(s)
			t.consider(s)
		}
		return
	}
	others := t.inOtherGroups(before)
	for _, g := range t.groups {
		t.reroute(g)
	}
	for s := range others {
		t.classify(s)
		t.consider(s)
	}
}

// inOtherGroups returns the services whose addresses may be of other groups than before.
func (t *Tracker) inOtherGroups(before *config.Routes) map[*service]struct{} {
	others := map[*service]struct{}{}
	for _, g := range t.groups {
		if !t.routes.SelectsAsBefore(before, g.key.pool) {
			maps.Copy(others, g.members)
		}
	}
	add := func(h config.Holding) {
		if s := t.services[h.Service]; s != nil {
			others[s] = struct{}{}
		}
	}
	pools, ranges := t.routes.Redefined(before)
	for _, p := range pools {
		for h := range t.holdings.From(p) {
			add(h)
		}
	}
	for _, r := range ranges {
		for h := range t.holdings.In(r) {
			add(h)
		}
	}
	return others
}

// reroute finds the paths of the group again, and looks at its services if something else is to be said of them.
func (t *Tracker) reroute(g *group) {
	before := g.paths
	g.selection = t.routes.Reselect(g.key.pool, g.names)
	g.paths = t.pathsOf(&g.selection, g.key.family)
	same := g.paths.equal(&before)
	all, cluster := g.judge(&t.nodeState)
	for s := range g.members {
		if all || !s.Local && cluster || s.Local && !same {
			t.consider(s)
		}
	}
}

// pathsOf returns the paths of addresses of the family that are selected in that way.
func (t *Tracker) pathsOf(selection *config.Selection, f endpoint.Family) paths {
	found := t.routes.Paths(selection, f.Kind())
	p := paths{selected: t.numbered(found.Selected), eligible: t.numbered(found.Eligible), peers: make([]peerPaths, 0, len(found.Peers))}
	for _, path := range found.Peers {
		p.peers = append(p.peers, peerPaths{path.Peer, t.numbered(path.Nodes)})
	}
	return p
}

// numbered returns the set, which is numbered as the Routes have it, in the Tracker's own numbers.
func (t *Tracker) numbered(set config.NumberSet) (s config.NumberSet) {
	for i, name := range t.routes.Nodes() {
		if set.Has(i) {
			s.Add(t.nodes.numbers[name])
		}
	}
	return s
}

// classify finds the groups of the service's addresses.
func (t *Tracker) classify(s *service) {
	former := s.groups
	s.groups = make([]*group, 0, len(s.Holdings))
	covering := map[string]struct{}{}
	for _, h := range s.Holdings {
		selection := t.routes.Select(h)
		for _, name := range selection.Advertisements() {
			covering[name] = struct{}{}
		}
		s.groups = append(s.groups, t.groupOf(&selection, endpoint.Of(h.Address)))
	}
	for _, g := range former {
		if !slices.Contains(s.groups, g) {
			t.remove(s, g)
		}
	}
	for _, g := range s.groups {
		g.members[s] = struct{}{}
	}
	advertisements := slices.Sorted(maps.Keys(covering))
	t.covered.count(s.advertisements, advertisements, t.clock.Now())
	s.advertisements = advertisements
}

// leave removes the service from its groups.
func (t *Tracker) leave(s *service) {
	for _, g := range s.groups {
		t.remove(s, g)
	}
	s.groups = nil
}

// remove removes a service from a group, and the group if that was the last one.
func (t *Tracker) remove(s *service, g *group) {
	delete(g.members, s)
	if len(g.members) == 0 {
		delete(t.groups, g.key)
	}
}

// groupOf returns the group of addresses that are selected in that way.
func (t *Tracker) groupOf(selection *config.Selection, f endpoint.Family) *group {
	names := selection.Advertisements()
	key := groupKey{selection.Pool, strings.Join(names, "/"), f}
	g := t.groups[key]
	if g == nil {
		g = &group{key: key, selection: *selection, names: names, paths: t.pathsOf(selection, f), members: map[*service]struct{}{}}
		g.judge(&t.nodeState)
		t.groups[key] = g
	}
	return g
}
