// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"encoding/binary"
	"net/netip"
)

// runs is a set of addresses, stored as maximal runs of consecutive ones in a treap ordered by address. Every operation
// takes time logarithmic in the number of runs.
type runs struct{ root *run }

type run struct {
	from, to    netip.Addr
	priority    uint64
	left, right *run
}

// end returns the last address of the run that the address is in.
func (s *runs) end(a netip.Addr) (netip.Addr, bool) {
	r := s.floor(a)
	if r == nil || r.to.Less(a) {
		return netip.Addr{}, false
	}
	return r.to, true
}

// add puts the addresses from one to the other, of one family, into the set.
func (s *runs) add(from, to netip.Addr) {
	last := to
	if next := to.Next(); next.IsValid() {
		last = next
	}
	for {
		r := s.floor(last)
		if r == nil || r.to.Less(from) && r.to.Next() != from {
			break
		}
		s.root = remove(s.root, r.from)
		if r.from.Less(from) {
			from = r.from
		}
		if to.Less(r.to) {
			to = r.to
		}
	}
	s.insert(from, to)
}

// remove takes one address out of the set.
func (s *runs) remove(a netip.Addr) {
	r := s.floor(a)
	if r == nil || r.to.Less(a) {
		return
	}
	s.root = remove(s.root, r.from)
	if r.from.Less(a) {
		s.insert(r.from, a.Prev())
	}
	if a.Less(r.to) {
		s.insert(a.Next(), r.to)
	}
}

// floor returns the last run that begins at or before the address.
func (s *runs) floor(a netip.Addr) *run {
	var found *run
	for r := s.root; r != nil; {
		if a.Less(r.from) {
			r = r.left
		} else {
			found, r = r, r.right
		}
	}
	return found
}

func (s *runs) insert(from, to netip.Addr) {
	left, right := split(s.root, from)
	s.root = merge(merge(left, &run{from: from, to: to, priority: priority(from)}), right)
}

// split parts the tree into the runs that begin before the address and the others.
func split(r *run, a netip.Addr) (left, right *run) {
	if r == nil {
		return nil, nil
	}
	if r.from.Less(a) {
		r.right, right = split(r.right, a)
		return r, right
	}
	left, r.left = split(r.left, a)
	return left, r
}

// merge joins two trees, all runs of the left one being before those of the right one.
func merge(left, right *run) *run {
	switch {
	case left == nil:
		return right
	case right == nil:
		return left
	case left.priority > right.priority:
		left.right = merge(left.right, right)
		return left
	default:
		right.left = merge(left, right.left)
		return right
	}
}

// remove returns the tree without the run that begins at the address.
func remove(r *run, from netip.Addr) *run {
	switch {
	case r == nil:
		return nil
	case from.Less(r.from):
		r.left = remove(r.left, from)
	case r.from.Less(from):
		r.right = remove(r.right, from)
	default:
		return merge(r.left, r.right)
	}
	return r
}

// priority spreads the addresses evenly, so that the tree is balanced whatever the order of insertion, and in the same
// way every time (the finalizer of SplitMix64).
func priority(a netip.Addr) uint64 {
	b := a.As16()
	x := binary.BigEndian.Uint64(b[:8]) ^ binary.BigEndian.Uint64(b[8:]) + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
