// SPDX-License-Identifier: Apache-2.0

package announcement

import "metallb.io/metallb/controllers/config"

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
func (n *nodes) first(s config.NumberSet) (name string) {
	for node := range s.All() {
		if other := n.names[node]; name == "" || other < name {
			name = other
		}
	}
	return name
}
