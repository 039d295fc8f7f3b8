// SPDX-License-Identifier: Apache-2.0

package config

import "math/bits"

// NodeSet is a set of nodes, by number; Routes number them. Sets that are put together are of the same nodes.
type NodeSet []uint64

// NewNodeSet returns an empty set with room for so many nodes.
func NewNodeSet(nodes int) NodeSet { return make(NodeSet, (nodes+63)/64) }

// Add adds the node.
func (s NodeSet) Add(node int) { s[node/64] |= 1 << (node % 64) }

// Remove removes the node.
func (s NodeSet) Remove(node int) { s[node/64] &^= 1 << (node % 64) }

// AddAll adds the nodes of the other set.
func (s NodeSet) AddAll(o NodeSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

// And returns the nodes that are in both.
func (s NodeSet) And(o NodeSet) NodeSet {
	both := make(NodeSet, len(s))
	for i := range s {
		both[i] = s[i] & o[i]
	}
	return both
}

// Without returns the nodes that are not in the other set.
func (s NodeSet) Without(o NodeSet) NodeSet {
	rest := make(NodeSet, len(s))
	for i := range s {
		rest[i] = s[i] &^ o[i]
	}
	return rest
}

// Meets reports whether a node is in both.
func (s NodeSet) Meets(o NodeSet) bool {
	for i := range s {
		if s[i]&o[i] != 0 {
			return true
		}
	}
	return false
}

// Count returns how many nodes there are.
func (s NodeSet) Count() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// First returns the lowest number; -1 if the set is empty.
func (s NodeSet) First() int {
	for i, word := range s {
		if word != 0 {
			return i*64 + bits.TrailingZeros64(word)
		}
	}
	return -1
}
