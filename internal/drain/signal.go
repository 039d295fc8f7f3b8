// SPDX-License-Identifier: Apache-2.0

package drain

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/v1beta1"
)

// Kind is that of a signal.
type Kind int

// The kinds, in the order in which they are looked for. Of several signals that a node has the first counts.
const (
	// None: the node stays in service.
	None Kind = iota
	// Label: the node has one of the labels that Labels returns.
	Label
	// Taint: the node has one of the taints that operators drain by.
	Taint
	// Deletion: the Node object is being deleted.
	Deletion
	// Unschedulable: the node is cordoned, where an operator wants that to drain it.
	Unschedulable
	// ProxyLeaving: the node's service proxy says that the node is going.
	ProxyLeaving
	// ProxyFailing: the node's service proxy has not been healthy for a while. Routes drain for it and are not withdrawn, since the
	// kernel forwards without its proxy.
	ProxyFailing
)

// String returns the kind in CamelCase.
func (k Kind) String() string {
	return [...]string{"None", "Label", "Taint", "Deletion", "Unschedulable", "ProxyLeaving", "ProxyFailing"}[k]
}

// Signal is why a node drains. It is comparable; the zero Signal is none.
type Signal struct {
	Kind Kind
	// Key of the label or taint; empty for other kinds.
	Key string
}

// Any reports whether there is a signal.
func (s Signal) Any() bool { return s.Kind != None }

// Withdraws reports whether the node is to announce nothing in the end.
func (s Signal) Withdraws() bool { return s.Any() && s.Kind != ProxyFailing }

// String returns the signal as a sentence, without a full stop; empty if there is none.
func (s Signal) String() string {
	switch s.Kind {
	case Label:
		return "the node is labeled " + s.Key
	case Taint:
		return "the node has the taint " + s.Key
	case Deletion:
		return "the Node object is being deleted"
	case Unschedulable:
		return "the node is cordoned"
	case ProxyLeaving:
		return "the node's service proxy reports that the node is going"
	case ProxyFailing:
		return "the node's service proxy is not healthy"
	case None:
	}
	return ""
}

// Labels returns the keys of the labels that drain a node. The label counts, its value does not.
func Labels() []string {
	return []string{v1beta1.LabelDrain, corev1.LabelNodeExcludeBalancers}
}

// IsLabeled reports whether a node with these labels drains or is drained.
func IsLabeled(node labels.Set) bool { return ofLabels(node).Any() }

func ofLabels(node labels.Set) Signal {
	for _, key := range Labels() {
		if node.Has(key) {
			return Signal{Label, key}
		}
	}
	return Signal{}
}

// Rules are which signals count besides the labels and the deletion of the Node object.
type Rules struct {
	// Taints are the keys of taints that drain a node, whatever their value and effect.
	Taints []string
	// Unschedulable is whether cordoning a node drains it.
	Unschedulable bool
}

// DefaultTaints returns the keys of the taints that drain a node unless an operator chooses others: that of a node that is shut down
// (KEP-2268), and that of a node that the cluster autoscaler is about to delete.
func DefaultTaints() []string {
	return []string{corev1.TaintNodeOutOfService, "ToBeDeletedByClusterAutoscaler"}
}

// Of returns the signal that the node has.
func (r Rules) Of(n *corev1.Node) Signal {
	if s := ofLabels(n.Labels); s.Any() {
		return s
	}
	for _, key := range r.Taints {
		if slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == key }) {
			return Signal{Taint, key}
		}
	}
	switch {
	case n.DeletionTimestamp != nil:
		return Signal{Kind: Deletion}
	case r.Unschedulable && n.Spec.Unschedulable:
		return Signal{Kind: Unschedulable}
	}
	return Signal{}
}

// Reduce returns what of a node's spec the rules look at, so that nothing else of it counts as a change.
func (r Rules) Reduce(spec *corev1.NodeSpec) corev1.NodeSpec {
	reduced := corev1.NodeSpec{Unschedulable: r.Unschedulable && spec.Unschedulable}
	for _, key := range r.Taints {
		if slices.ContainsFunc(spec.Taints, func(t corev1.Taint) bool { return t.Key == key }) {
			reduced.Taints = append(reduced.Taints, corev1.Taint{Key: key})
		}
	}
	return reduced
}
