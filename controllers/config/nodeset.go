// SPDX-License-Identifier: Apache-2.0

package config

import (
	"iter"
	"math/bits"
)

// NodeSet is a set of nodes, by number: Routes number them, and so may others. It may be nil, and is as long as its highest number
// has made it.
type NodeSet []uint64

// NewNodeSet returns an empty set with room for so many nodes.
func NewNodeSet(nodes int) NodeSet { return make(NodeSet, (nodes+63)/64) }

// Add adds the node.
func (s *NodeSet) Add(node int) {
	for len(*s) <= node/64 {
		*s = append(*s, 0)
	}
	(*s)[node/64] |= 1 << (node % 64)
}

// Remove removes the node.
func (s NodeSet) Remove(node int) {
	if node/64 < len(s) {
		s[node/64] &^= 1 << (node % 64)
	}
}

// AddAll adds the nodes of the other set.
func (s *NodeSet) AddAll(o NodeSet) {
	for len(*s) < len(o) {
		*s = append(*s, 0)
	}
	for i := range o {
		(*s)[i] |= o[i]
	}
}

// And returns the nodes that are in both.
func (s NodeSet) And(o NodeSet) NodeSet {
	both := make(NodeSet, min(len(s), len(o)))
	for i := range both {
		both[i] = s[i] & o[i]
	}
	return both
}

// Without returns the nodes that are not in the other set.
func (s NodeSet) Without(o NodeSet) NodeSet {
	rest := make(NodeSet, len(s))
	copy(rest, s)
	for i := range min(len(s), len(o)) {
		rest[i] &^= o[i]
	}
	return rest
}

// Meets reports whether a node is in both.
func (s NodeSet) Meets(o NodeSet) bool {
	for i := range min(len(s), len(o)) {
		if s[i]&o[i] != 0 {
			return true
		}
	}
	return false
}

// Equal reports whether both have the same nodes.
func (s NodeSet) Equal(o NodeSet) bool {
	for i := range max(len(s), len(o)) {
		var a, b uint64
		if i < len(s) {
			a = s[i]
		}
		if i < len(o) {
			b = o[i]
		}
		if a != b {
			return false
		}
	}
	return true
}

// Count returns how many nodes there are.
func (s NodeSet) Count() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// Has reports whether the node is in the set.
func (s NodeSet) Has(node int) bool { return node/64 < len(s) && s[node/64]&(1<<(node%64)) != 0 }

// First returns the lowest number; -1 if the set is empty.
func (s NodeSet) First() int {
	for i, word := range s {
		if word != 0 {
			return i*64 + bits.TrailingZeros64(word)
		}
	}
	return -1
}

// Empty reports whether there are none.
func (s NodeSet) Empty() bool { return s.First() < 0 }

// All returns the nodes in the order of their numbers.
func (s NodeSet) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(i*64 + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}
