// SPDX-License-Identifier: Apache-2.0

package safety

import (
	"math/bits"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// nodeSet has a bit for each node.
type nodeSet []uint64

func (s nodeSet) and(o nodeSet) nodeSet {
	both := make(nodeSet, len(s))
	for i := range s {
		both[i] = s[i] & o[i]
	}
	return both
}

func (s nodeSet) add(o nodeSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

func (s nodeSet) count() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// nodes answers which nodes are selected, each question once: configurations before and after a change ask the same.
type nodes struct {
	labels []labels.Set
	// eligible nodes are not excluded from load balancing.
	eligible nodeSet
	selected map[string]nodeSet
}

func newNodes(list []Node) *nodes {
	n := &nodes{labels: nodeLabels(list), selected: map[string]nodeSet{}}
	n.eligible = n.where(func(l labels.Set) bool { return !l.Has(corev1.LabelNodeExcludeBalancers) })
	return n
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
func (n *nodes) where(isTrue func(labels.Set) bool) nodeSet {
	s := make(nodeSet, (len(n.labels)+63)/64)
	for i, l := range n.labels {
		if isTrue(l) {
			s[i/64] |= 1 << (i % 64)
		}
	}
	return s
}

// selectedBy returns the eligible nodes that the selectors select, which is what the function says of labels.
func (n *nodes) selectedBy(selectors []labels.Selector, selects func(labels.Set) bool) nodeSet {
	if len(selectors) == 0 {
		return n.eligible
	}
	return n.allSelectedBy(selectors, selects).and(n.eligible)
}

// allSelectedBy is selectedBy without regard to who is eligible.
func (n *nodes) allSelectedBy(selectors []labels.Selector, selects func(labels.Set) bool) nodeSet {
	key := text(selectors)
	s, known := n.selected[key]
	if !known {
		s = n.where(selects)
		n.selected[key] = s
	}
	return s
}

// common returns the labels of a node that both advertisements select, in a list; none if there is no such node, or if
// they have one local preference, so that it does not matter.
func (n *nodes) common(a, b *advertisement) []labels.Set {
	if a.LocalPref == b.LocalPref {
		return nil
	}
	both := n.allSelectedBy(a.NodeSelectors, a.SelectsNode).and(n.allSelectedBy(b.NodeSelectors, b.SelectsNode))
	for i, l := range n.labels {
		if both[i/64]&(1<<(i%64)) != 0 {
			return []labels.Set{l}
		}
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
