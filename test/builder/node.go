// SPDX-License-Identifier: Apache-2.0

package builder

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Node builds a Node.
type Node struct{ corev1.Node }

// MakeNode returns a Node that is ready, with these addresses within the cluster.
func MakeNode(name string, addresses ...string) *Node {
	n := &Node{}
	n.Name = name
	for _, a := range addresses {
		n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: a})
	}
	return n.Condition(corev1.NodeReady, corev1.ConditionTrue)
}

// Obj returns the Node.
func (n *Node) Obj() *corev1.Node { return n.DeepCopy() }

// Label adds a label.
func (n *Node) Label(key, value string) *Node {
	metav1.SetMetaDataLabel(&n.ObjectMeta, key, value)
	return n
}

// Taint adds a taint.
func (n *Node) Taint(key string, effect corev1.TaintEffect) *Node {
	n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key, Effect: effect})
	return n
}

// Condition sets a condition.
func (n *Node) Condition(kind corev1.NodeConditionType, status corev1.ConditionStatus) *Node {
	for i := range n.Status.Conditions {
		if n.Status.Conditions[i].Type == kind {
			n.Status.Conditions[i].Status = status
			return n
		}
	}
	n.Status.Conditions = append(n.Status.Conditions, corev1.NodeCondition{Type: kind, Status: status})
	return n
}
