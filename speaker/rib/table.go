// SPDX-License-Identifier: Apache-2.0

package rib

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
)

// Table is the desired Adj-RIB-Out of every peer. It is safe for concurrent use. What a peer is told follows the table by a
// Feed.
//
// Memory is proportional to the paths that owners contribute. An owner or peer without paths takes none.
type Table struct {
	mu     sync.Mutex
	owners map[string]map[string][]Path
	peers  map[string]map[netip.Prefix]entry
	feeds  map[string]*Feed
	// version counts the changes of the table, from 1 on.
	version uint64
	// draining is whether all paths drain.
	draining bool
	// onDone may be nil.
	onDone func(peer string, version uint64)
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{
		owners:  map[string]map[string][]Path{},
		peers:   map[string]map[netip.Prefix]entry{},
		feeds:   map[string]*Feed{},
		version: 1,
	}
}

// Set replaces what the owner contributes, by peer. Several paths for one prefix are merged. No paths remove the owner. The table
// keeps the slices, which must not be mutated afterwards. It returns the peers that are to be told something else than before.
func (t *Table) Set(owner string, paths map[string][]Path) []string {
	return t.SetAll(map[string]map[string][]Path{owner: paths})
}

// SetAll is Set for several owners in one step: what the peers are told are the differences between the table before and
// after, with nothing in between.
func (t *Table) SetAll(owners map[string]map[string][]Path) []string {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.version++
	before := map[string]announcements{}
	for owner, paths := range owners {
		old := t.owners[owner]
		for _, peer := range peersOf(old, paths) {
			if slices.EqualFunc(old[peer], paths[peer], Path.Equal) {
				continue
			}
			t.record(before, peer, old[peer], paths[peer])
			t.replace(peer, old[peer], paths[peer])
		}
		t.remember(owner, paths)
	}
	return t.mark(before)
}

// SetDraining has all paths drain, those that are added later too, or has each be as its owners contribute it. It costs the paths that there are.
func (t *Table) SetDraining(draining bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.draining == draining {
		return
	}
	t.version++
	t.draining = draining
	for _, f := range t.feeds {
		for prefix, e := range t.peers[f.peer] {
			if p, _ := e.merged(); !p.Draining {
				f.mark(prefix)
			}
		}
	}
}

// Draining returns what was last set.
func (t *Table) Draining() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.draining
}

// Paths returns what the peer is to be told in all, sorted by prefix.
func (t *Table) Paths(peer string) []Path {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.paths(peer)
}

func (t *Table) paths(peer string) []Path {
	all := make([]Path, 0, len(t.peers[peer]))
	for prefix := range t.peers[peer] {
		p, _ := t.path(peer, prefix)
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Path) int { return a.Prefix.Compare(b.Prefix) })
	return all
}

// path returns what the peer is to be told of the prefix; false if nothing.
func (t *Table) path(peer string, prefix netip.Prefix) (Path, bool) {
	p, found := t.peers[peer][prefix].merged()
	p.Draining = p.Draining || t.draining
	return p, found
}

// Contributions returns what each owner contributes, by peer. The inner maps and the slices are shared and must not be
// mutated; SetAll makes the same table of them.
func (t *Table) Contributions() map[string]map[string][]Path {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.owners)
}

// Peers returns the peers that are to be told of any path, sorted.
func (t *Table) Peers() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.peers))
}

func (t *Table) remember(owner string, paths map[string][]Path) {
	kept := make(map[string][]Path, len(paths))
	for peer, p := range paths {
		if len(p) > 0 {
			kept[peer] = p
		}
	}
	if len(kept) == 0 {
		delete(t.owners, owner)
		return
	}
	t.owners[owner] = kept
}

// replace exchanges one owner's contributions to one peer.
func (t *Table) replace(peer string, old, current []Path) {
	prefixes := t.peers[peer]
	if prefixes == nil {
		prefixes = map[netip.Prefix]entry{}
		t.peers[peer] = prefixes
	}
	for _, p := range current {
		prefixes[p.Prefix] = prefixes[p.Prefix].add(p)
	}
	for _, p := range old {
		if e := prefixes[p.Prefix].remove(p); len(e) > 0 {
			prefixes[p.Prefix] = e
		} else {
			delete(prefixes, p.Prefix)
		}
	}
	if len(prefixes) == 0 {
		delete(t.peers, peer)
	}
}

// announcements are what a peer is told of some prefixes; nil for a prefix that it is told nothing of.
type announcements map[netip.Prefix]*Path

// record notes what the peer is told now of the prefixes in both lists, unless that is noted already.
func (t *Table) record(before map[string]announcements, peer string, old, current []Path) {
	told := before[peer]
	if told == nil {
		told = make(announcements, len(old)+len(current))
		before[peer] = told
	}
	for _, paths := range [][]Path{old, current} {
		for _, p := range paths {
			if _, noted := told[p.Prefix]; noted {
				continue
			}
			told[p.Prefix] = nil
			if path, ok := t.path(peer, p.Prefix); ok {
				told[p.Prefix] = &path
			}
		}
	}
}

// mark has the feeds take what differs between what was recorded and the table as it is, and returns the peers for which anything does.
func (t *Table) mark(before map[string]announcements) []string {
	var changed []string
	for peer, told := range before {
		differs := false
		for prefix, was := range told {
			path, found := t.path(peer, prefix)
			if found == (was != nil) && (!found || path.Equal(*was)) {
				continue
			}
			differs = true
			if f := t.feeds[peer]; f != nil {
				f.mark(prefix)
			}
		}
		if differs {
			changed = append(changed, peer)
		}
	}
	return changed
}

// peersOf returns the peers of either, each once.
func peersOf(a, b map[string][]Path) []string {
	peers := make([]string, 0, max(len(a), len(b)))
	for peer := range a {
		peers = append(peers, peer)
	}
	for peer := range b {
		if _, both := a[peer]; !both {
			peers = append(peers, peer)
		}
	}
	return peers
}
