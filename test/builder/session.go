// SPDX-License-Identifier: Apache-2.0

package builder

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
)

// Session builds a BGPSessionState.
type Session struct{ v1beta1.BGPSessionState }

// MakeSession returns the state of a node's session with a peer, which is not established, in namespace metallb-system.
func MakeSession(node, peer string) *Session {
	s := &Session{}
	s.Namespace, s.Name = "metallb-system", node+"-"+peer
	s.Status = v1beta1.BGPSessionStateStatus{Node: node, Peer: peer, Pod: "speaker-" + node, State: v1beta1.SessionActive, LocalRouterID: "10.0.0.1"}
	return s
}

// Obj returns the BGPSessionState.
func (s *Session) Obj() *v1beta1.BGPSessionState { return s.DeepCopy() }

// Established has the session carry routes of the families.
func (s *Session) Established(families ...corev1.IPFamily) *Session {
	s.Status.State, s.Status.Families = v1beta1.SessionEstablished, families
	return s
}

// Error sets the last error.
func (s *Session) Error(text string) *Session {
	s.Status.LastError = text
	return s
}

// Address sets the address of the peer.
func (s *Session) Address(address string) *Session {
	s.Status.Address = address
	return s
}

// Withheld sets the families that the node announces no routes of.
func (s *Session) Withheld(families ...corev1.IPFamily) *Session {
	s.Status.WithheldFamilies = families
	return s
}

// Drain sets the condition Drained.
func (s *Session) Drain(status metav1.ConditionStatus, reason, message string) *Session {
	s.Status.Conditions = []metav1.Condition{{Type: v1beta1.ConditionDrained, Status: status, Reason: reason, Message: message}}
	return s
}
