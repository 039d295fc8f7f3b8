// SPDX-License-Identifier: Apache-2.0

package config

import (
	"iter"
	"math/bits"
)

// NumberSet is a set of numbers from 0 on, by which nodes, or changes, are counted through. It may be nil, and is as long as its highest
// number has made it.
type NumberSet []uint64

// NewNumberSet returns an empty set with room for the numbers below size.
func NewNumberSet(size int) NumberSet { return make(NumberSet, (size+63)/64) }

// Add adds the number.
func (s *NumberSet) Add(n int) {
	for len(*s) <= n/64 {
		*s = append(*s, 0)
	}
	(*s)[n/64] |= 1 << (n % 64)
}

// Remove removes the number.
func (s NumberSet) Remove(n int) {
	if n/64 < len(s) {
		s[n/64] &^= 1 << (n % 64)
	}
}

// AddAll adds the numbers of the other set.
func (s *NumberSet) AddAll(o NumberSet) {
	for len(*s) < len(o) {
		*s = append(*s, 0)
	}
	for i := range o {
		(*s)[i] |= o[i]
	}
}

// And returns the numbers that are in both.
func (s NumberSet) And(o NumberSet) NumberSet {
	both := make(NumberSet, min(len(s), len(o)))
	for i := range both {
		both[i] = s[i] & o[i]
	}
	return both
}

// Without returns the numbers that are not in the other set.
func (s NumberSet) Without(o NumberSet) NumberSet {
	rest := make(NumberSet, len(s))
	copy(rest, s)
	for i := range min(len(s), len(o)) {
		rest[i] &^= o[i]
	}
	return rest
}

// Meets reports whether a number is in both.
func (s NumberSet) Meets(o NumberSet) bool {
	for i := range min(len(s), len(o)) {
		if s[i]&o[i] != 0 {
			return true
		}
	}
	return false
}

// Equal reports whether both have the same numbers.
func (s NumberSet) Equal(o NumberSet) bool {
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

// Count returns how many numbers there are.
func (s NumberSet) Count() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// Has reports whether the number is in the set.
func (s NumberSet) Has(n int) bool { return n/64 < len(s) && s[n/64]&(1<<(n%64)) != 0 }

// First returns the lowest number; -1 if the set is empty.
func (s NumberSet) First() int {
	for i, word := range s {
		if word != 0 {
			return i*64 + bits.TrailingZeros64(word)
		}
	}
	return -1
}

// Empty reports whether there are none.
func (s NumberSet) Empty() bool { return s.First() < 0 }

// All returns the numbers in ascending order.
func (s NumberSet) All() iter.Seq[int] {
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
