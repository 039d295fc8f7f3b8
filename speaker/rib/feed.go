// SPDX-License-Identifier: Apache-2.0

package rib

import (
	"net/netip"
	"slices"
)

// Feed is how one session follows the table: it knows which prefixes have changed since the session last looked, and nothing
// of what they were in between. So a session that falls behind holds up nobody, and has no more to catch up with than the prefixes
// that have changed. A Feed is used by one goroutine.
type Feed struct {
	table *Table
	peer  string
	wake  func()

	// What follows is guarded by the table's lock.

	// complete is whether the session has to take everything, else dirty has the prefixes to take.
	complete bool
	dirty    map[netip.Prefix]bool
	// taking is what the session is taking up, nil if nothing, and version that of the table when it began.
	taking  *Change
	version uint64
}

// Subscribe returns a feed of what the peer is to be told, which begins with everything. A former feed of the peer ends. The function
// is called when there is something to take, also from within Subscribe; it must neither block nor call the table.
func (t *Table) Subscribe(peer string, wake func()) *Feed {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := &Feed{table: t, peer: peer, wake: wake}
	t.feeds[peer] = f
	f.restart()
	return f
}

// OnDone has the function called each time that a session has taken up what the table had for it, as of a version. It is called from
// the session's goroutine, and must be set before anybody subscribes.
func (t *Table) OnDone(f func(peer string, version uint64)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.onDone = f
}

// Due returns the version that the peer's session has to take up until it has what the table now says; 0 if it has, or if there
// is no session.
func (t *Table) Due(peer string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.feeds[peer]
	switch {
	case f == nil:
		return 0
	case f.complete || len(f.dirty) > 0:
		return t.version
	case f.taking != nil:
		return f.version
	default:
		return 0
	}
}

// Unsettled returns the prefixes of the peer that its session does not have yet as the table has them, sorted.
func (t *Table) Unsettled(peer string) []netip.Prefix {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.feeds[peer]
	if f == nil {
		return nil
	}
	var prefixes []netip.Prefix
	add := func(paths []Path) {
		for i := range paths {
			prefixes = append(prefixes, paths[i].Prefix)
		}
	}
	for prefix := range f.dirty {
		prefixes = append(prefixes, prefix)
	}
	if f.complete {
		add(t.paths(peer))
	}
	if f.taking != nil {
		add(f.taking.Announce)
		prefixes = append(prefixes, f.taking.Withdraw...)
	}
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	return slices.Compact(prefixes)
}

// Take returns what has changed since it was last called, as the table has it now; false if nothing has. Done, or Restart, must follow.
func (f *Feed) Take() (Change, bool) {
	t := f.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.feeds[f.peer] != f || !f.complete && len(f.dirty) == 0 {
		return Change{}, false
	}
	change := Change{Peer: f.peer, Complete: f.complete}
	if f.complete {
		change.Announce = t.paths(f.peer)
	}
	for prefix := range f.dirty {
		if path, found := t.path(f.peer, prefix); found {
			change.Announce = append(change.Announce, path)
		} else {
			change.Withdraw = append(change.Withdraw, prefix)
		}
	}
	slices.SortFunc(change.Announce, func(a, b Path) int { return a.Prefix.Compare(b.Prefix) })
	slices.SortFunc(change.Withdraw, netip.Prefix.Compare)
	f.complete, f.dirty = false, nil
	f.taking, f.version = &change, t.version
	return change, true
}

// Done says that the session has what Take returned.
func (f *Feed) Done() {
	t := f.table
	t.mu.Lock()
	f.taking = nil
	tell := t.onDone != nil && t.feeds[f.peer] == f
	t.mu.Unlock()
	if tell {
		t.onDone(f.peer, f.version)
	}
}

// Restart has the session take everything again: it has lost what it had, or could not take what it was to.
func (f *Feed) Restart() {
	f.table.mu.Lock()
	defer f.table.mu.Unlock()
	f.taking = nil
	f.restart()
}

// Close ends the feed.
func (f *Feed) Close() {
	f.table.mu.Lock()
	defer f.table.mu.Unlock()
	if f.table.feeds[f.peer] == f {
		delete(f.table.feeds, f.peer)
	}
}

// restart has everything taken. The caller holds the table's lock.
func (f *Feed) restart() {
	f.complete, f.dirty = true, nil
	f.wake()
}

// mark has the prefix taken. The caller holds the table's lock.
func (f *Feed) mark(prefix netip.Prefix) {
	if f.complete {
		return
	}
	if f.dirty == nil {
		f.dirty = map[netip.Prefix]bool{}
	}
	f.dirty[prefix] = true
	f.wake()
}
