// SPDX-License-Identifier: Apache-2.0

package rib

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
)

// Table is the desired Adj-RIB-Out of every peer. It is safe for concurrent use; who needs the changes of concurrent
// calls in order must serialize the calls.
//
// Memory is proportional to the paths that owners have contributed. An owner or peer without paths takes none.
type Table struct {
	mu     sync.Mutex
	owners map[string]map[string][]Path
	peers  map[string]map[netip.Prefix]entry
}

// entry holds what owners contribute to one prefix of one peer: the distinct contributions, each with the number of
// times it was made. There are as many as advertisements give different attributes, however many owners there are.
type entry []contribution

type contribution struct {
	path Path
	refs int
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{
		owners: map[string]map[string][]Path{},
		peers:  map[string]map[netip.Prefix]entry{},
	}
}

// Set replaces what the owner contributes, by peer, and returns what each peer must be told, sorted by peer; none if the
// announcements are as they were. Several paths for one prefix are merged. No paths remove the owner. The table keeps
// the slices, which must not be mutated afterwards.
func (t *Table) Set(owner string, paths map[string][]Path) []Change {
	t.mu.Lock()
	defer t.mu.Unlock()

	old := t.owners[owner]
	t.remember(owner, paths)

	var changes []Change
	for _, peer := range sortedPeers(old, paths) {
		if slices.EqualFunc(old[peer], paths[peer], Path.Equal) {
			continue
		}
		if c := t.replace(peer, old[peer], paths[peer]); len(c.Announce)+len(c.Withdraw) > 0 {
			changes = append(changes, c)
		}
	}
	return changes
}

// Paths returns what the peer is to be told in all, sorted by prefix.
func (t *Table) Paths(peer string) []Path {
	t.mu.Lock()
	defer t.mu.Unlock()

	all := make([]Path, 0, len(t.peers[peer]))
	for _, e := range t.peers[peer] {
		p, _ := e.merged()
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Path) int { return comparePrefixes(a.Prefix, b.Prefix) })
	return all
}

// Owners returns the owners that contribute paths, sorted.
func (t *Table) Owners() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.owners))
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

// replace exchanges one owner's contributions to one peer and says what that changes for the peer.
func (t *Table) replace(peer string, old, current []Path) Change {
	prefixes := t.peers[peer]
	if prefixes == nil {
		prefixes = map[netip.Prefix]entry{}
		t.peers[peer] = prefixes
	}

	type announcement struct {
		path Path
		ok   bool
	}
	before := make(map[netip.Prefix]announcement, len(old)+len(current))
	for _, p := range slices.Concat(old, current) {
		if _, seen := before[p.Prefix]; !seen {
			path, ok := prefixes[p.Prefix].merged()
			before[p.Prefix] = announcement{path, ok}
		}
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

	change := Change{Peer: peer}
	for _, prefix := range slices.SortedFunc(maps.Keys(before), comparePrefixes) {
		was := before[prefix]
		switch path, ok := prefixes[prefix].merged(); {
		case ok && !(was.ok && path.Equal(was.path)):
			change.Announce = append(change.Announce, path)
		case !ok && was.ok:
			change.Withdraw = append(change.Withdraw, prefix)
		}
	}
	return change
}

func (e entry) merged() (Path, bool) {
	if len(e) == 0 {
		return Path{}, false
	}
	p := e[0].path
	for _, c := range e[1:] {
		p = Merge(p, c.path)
	}
	return p, true
}

func (e entry) add(p Path) entry {
	if i := e.index(p); i >= 0 {
		e[i].refs++
		return e
	}
	return append(e, contribution{path: p, refs: 1})
}

func (e entry) remove(p Path) entry {
	i := e.index(p)
	if i < 0 {
		return e
	}
	if e[i].refs--; e[i].refs == 0 {
		return slices.Delete(e, i, i+1)
	}
	return e
}

func (e entry) index(p Path) int {
	return slices.IndexFunc(e, func(c contribution) bool { return c.path.Equal(p) })
}

func sortedPeers(a, b map[string][]Path) []string {
	peers := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(peers)
	return slices.Compact(peers)
}
