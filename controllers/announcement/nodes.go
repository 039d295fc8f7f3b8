// SPDX-License-Identifier: Apache-2.0

package announcement

import "math/bits"

// nodes number the nodes that anything speaks of, each as long as something does. So a node that comes or goes changes no other's
// number.
type nodes struct {
	numbers map[string]int
	// names and uses are by number. Numbers that are not used are free.
	names []string
	uses  []int
	free  []int
}

func newNodes() *nodes { return &nodes{numbers: map[string]int{}} }

// use returns the number of the node, which is kept until it is dropped as often as it was used.
func (n *nodes) use(name string) int {
	i, known := n.numbers[name]
	if !known {
		if last := len(n.free) - 1; last >= 0 {
			i, n.free = n.free[last], n.free[:last]
			n.names[i] = name
		} else {
			i = len(n.names)
			n.names, n.uses = append(n.names, name), append(n.uses, 0)
		}
		n.numbers[name] = i
	}
	n.uses[i]++
	return i
}

// drop ends a use. There must be no set left that has the node because of it.
func (n *nodes) drop(name string) {
	i := n.numbers[name]
	if n.uses[i]--; n.uses[i] == 0 {
		delete(n.numbers, name)
		n.names[i] = ""
		n.free = append(n.free, i)
	}
}

// first returns the first node of the set by name.
func (n *nodes) first(s nodeSet) (name string) {
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			if other := n.names[w*64+bits.TrailingZeros64(word)]; name == "" || other < name {
				name = other
			}
		}
	}
	return name
}

// nodeSet is a set of nodes by number, with room for some.
type nodeSet []uint64

func (s *nodeSet) add(node int) {
	for len(*s) <= node/64 {
		*s = append(*s, 0)
	}
	(*s)[node/64] |= 1 << (node % 64)
}

func (s nodeSet) remove(node int) {
	if node/64 < len(s) {
		s[node/64] &^= 1 << (node % 64)
	}
}

// addAll adds the nodes of the other set.
func (s *nodeSet) addAll(o nodeSet) {
	for len(*s) < len(o) {
		*s = append(*s, 0)
	}
	for i := range o {
		(*s)[i] |= o[i]
	}
}

// and returns the nodes that are in both.
func (s nodeSet) and(o nodeSet) nodeSet {
	both := make(nodeSet, min(len(s), len(o)))
	for i := range both {
		both[i] = s[i] & o[i]
	}
	return both
}

// without returns the nodes that are not in the other set.
func (s nodeSet) without(o nodeSet) nodeSet {
	rest := make(nodeSet, len(s))
	copy(rest, s)
	for i := range min(len(s), len(o)) {
		rest[i] &^= o[i]
	}
	return rest
}

// meets reports whether a node is in both.
func (s nodeSet) meets(o nodeSet) bool {
	for i := range min(len(s), len(o)) {
		if s[i]&o[i] != 0 {
			return true
		}
	}
	return false
}

// equal reports whether both have the same nodes.
func (s nodeSet) equal(o nodeSet) bool {
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

func (s nodeSet) count() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

func (s nodeSet) empty() bool {
	for _, word := range s {
		if word != 0 {
			return false
		}
	}
	return true
}
