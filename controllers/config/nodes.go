// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/internal/drain"
)

// nodes answers which nodes are selected, each question once: configurations before and after a change ask the same.
type nodes struct {
	// names in alphabetical order; none if one without labels stands for the nodes.
	names  []string
	labels []labels.Set
	// eligible nodes are those of all that no label takes out of service.
	every, eligible NumberSet

	mu       sync.Mutex
	selected map[string]NumberSet
}

func newNodes(list []Node) *nodes {
	list = byName(list)
	n := &nodes{labels: nodeLabels(list), selected: map[string]NumberSet{}}
	for i := range list {
		n.names = append(n.names, list[i].Name)
	}
	n.every = n.where(func(labels.Set) bool { return true })
	n.eligible = n.where(func(l labels.Set) bool { return !drain.IsLabeled(l) })
	return n
}

// byName returns the nodes in the order of their names: a cache lists them in any order.
func byName(list []Node) []Node {
	return slices.SortedFunc(slices.Values(list), func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
}

// nodeLabels returns the labels of the nodes; of one without labels if there are none.
func nodeLabels(list []Node) []labels.Set {
	if len(list) == 0 {
		return []labels.Set{nil}
	}
	all := make([]labels.Set, 0, len(list))
	for i := range list {
		all = append(all, list[i].Labels)
	}
	return all
}

// where returns the nodes of whose labels this is true.
func (n *nodes) where(isTrue func(labels.Set) bool) NumberSet {
	s := NewNumberSet(len(n.labels))
	for i, l := range n.labels {
		if isTrue(l) {
			s.Add(i)
		}
	}
	return s
}

// selectedBy returns the eligible nodes that the selectors select, which is what the function says of labels.
func (n *nodes) selectedBy(selectors []labels.Selector, selects func(labels.Set) bool) NumberSet {
	if len(selectors) == 0 {
		return n.eligible
	}
	return n.allSelectedBy(selectors, selects).And(n.eligible)
}

// all is selectedBy without regard to who is eligible. It is not to be modified.
func (n *nodes) all(selectors []labels.Selector, selects func(labels.Set) bool) NumberSet {
	if len(selectors) == 0 {
		return n.every
	}
	return n.allSelectedBy(selectors, selects)
}

// allSelectedBy is selectedBy without regard to who is eligible.
func (n *nodes) allSelectedBy(selectors []labels.Selector, selects func(labels.Set) bool) NumberSet {
	key := text(selectors)
	n.mu.Lock()
	defer n.mu.Unlock()
	s, known := n.selected[key]
	if !known {
		s = n.where(selects)
		n.selected[key] = s
	}
	return s
}

// common returns the labels of a node that both advertisements select, in a list; none if there is no such node, or if
// they agree in all attributes, so that it does not matter.
func (n *nodes) common(a, b *advertisement) []labels.Set {
	if a.Attributes == b.Attributes {
		return nil
	}
	both := n.allSelectedBy(a.NodeSelectors, a.SelectsNode).And(n.allSelectedBy(b.NodeSelectors, b.SelectsNode))
	if i := both.First(); i >= 0 {
		return []labels.Set{n.labels[i]}
	}
	return nil
}

// text returns selectors in a form that is equal for equal ones.
func text(selectors []labels.Selector) string {
	var b strings.Builder
	for _, s := range selectors {
		b.WriteString(s.String())
		b.WriteByte(';')
	}
	return b.String()
}
