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
// Memory is proportional to the paths that owners contribute. An owner or peer without paths takes none.
type Table struct {
	mu     sync.Mutex
	owners map[string]map[string][]Path
	peers  map[string]map[netip.Prefix]entry
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{
		owners: map[string]map[string][]Path{},
		peers:  map[string]map[netip.Prefix]entry{},
	}
}

// Set replaces what the owner contributes, by peer, and returns what each peer must be told, sorted by peer; nothing if
// the announcements are as they were. Several paths for one prefix are merged. No paths remove the owner. The table
// keeps the slices, which must not be mutated afterwards.
func (t *Table) Set(owner string, paths map[string][]Path) []Change {
	return t.SetAll(map[string]map[string][]Path{owner: paths})
}

// SetAll is Set for several owners in one step: what the peers are told are the differences between the table before and
// after, with nothing in between.
func (t *Table) SetAll(owners map[string]map[string][]Path) []Change {
	t.mu.Lock()
	defer t.mu.Unlock()

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
	return t.changes(before)
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
	slices.SortFunc(all, func(a, b Path) int { return a.Prefix.Compare(b.Prefix) })
	return all
}

// Current returns what each peer is to be told of the prefixes, by peer, whatever it was told before.
func (t *Table) Current(prefixes map[string][]netip.Prefix) []Change {
	t.mu.Lock()
	defer t.mu.Unlock()

	all := make([]Change, 0, len(prefixes))
	for _, peer := range slices.Sorted(maps.Keys(prefixes)) {
		change := Change{Peer: peer}
		for _, prefix := range slices.SortedFunc(slices.Values(prefixes[peer]), netip.Prefix.Compare) {
			if path, ok := t.peers[peer][prefix].merged(); ok {
				change.Announce = append(change.Announce, path)
			} else {
				change.Withdraw = append(change.Withdraw, prefix)
			}
		}
		all = append(all, change)
	}
	return all
}

// Owners returns the owners that contribute paths, sorted.
func (t *Table) Owners() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.owners))
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
			if path, ok := t.peers[peer][p.Prefix].merged(); ok {
				told[p.Prefix] = &path
			}
		}
	}
}

// changes are the differences between what was recorded and the table as it is.
func (t *Table) changes(before map[string]announcements) []Change {
	var all []Change
	for _, peer := range slices.Sorted(maps.Keys(before)) {
		told := before[peer]
		change := Change{Peer: peer}
		for _, prefix := range slices.SortedFunc(maps.Keys(told), netip.Prefix.Compare) {
			was := told[prefix]
			switch path, ok := t.peers[peer][prefix].merged(); {
			case ok && (was == nil || !path.Equal(*was)):
				change.Announce = append(change.Announce, path)
			case !ok && was != nil:
				change.Withdraw = append(change.Withdraw, prefix)
			}
		}
		if len(change.Announce)+len(change.Withdraw) > 0 {
			all = append(all, change)
		}
	}
	return all
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
