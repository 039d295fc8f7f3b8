// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Labels of a BGPSessionState and, the first, of a ServiceBGPStatus. A name that is too long for a label is cut, and ends in a hash of the full name.
const (
	// LabelNode is the name of the node.
	LabelNode = "metallb.io/node"
	// LabelPeer is the name of the BGPPeer.
	LabelPeer = "metallb.io/peer"
)

// SessionState is a state of the finite state machine of RFC 4271 section 8.2.2, or Unknown.
// +kubebuilder:validation:Enum=Idle;Connect;Active;OpenSent;OpenConfirm;Established;Unknown
type SessionState string

// The states.
const (
	// SessionIdle: the speaker does not try to connect at the moment.
	SessionIdle SessionState = "Idle"
	// SessionConnect: the speaker waits for a TCP connection.
	SessionConnect SessionState = "Connect"
	// SessionActive: a TCP connection failed, and the speaker will try again.
	SessionActive SessionState = "Active"
	// SessionOpenSent: the connection is up, and the speaker waits for the peer's OPEN message.
	SessionOpenSent SessionState = "OpenSent"
	// SessionOpenConfirm: the peer's OPEN message is accepted, and the speaker waits for its KEEPALIVE message.
	SessionOpenConfirm SessionState = "OpenConfirm"
	// SessionEstablished: the session is up.
	SessionEstablished SessionState = "Established"
	// SessionUnknown: the state is not known. If a node or its speaker is down, its last report is ignored.
	SessionUnknown SessionState = "Unknown"
)

// BFDState is a state of the state machine of RFC 5880 section 6.2.
// +kubebuilder:validation:Enum=AdminDown;Down;Init;Up
type BFDState string

// The states.
const (
	// BFDAdminDown: one of both sides holds the session down on purpose, which says nothing about whether the peer is reachable.
	BFDAdminDown BFDState = "AdminDown"
	// BFDDown: the peer is not heard.
	BFDDown BFDState = "Down"
	// BFDInit: the peer is heard, and the speaker waits until it is heard by the peer.
	BFDInit BFDState = "Init"
	// BFDUp: each side hears the other.
	BFDUp BFDState = "Up"
)

// BGPSessionStateStatus is the observed state of a session.
type BGPSessionStateStatus struct {
	// Node is the name of the node.
	// +optional
	Node string `json:"node,omitempty"`
	// Peer is the name of the BGPPeer.
	// +optional
	Peer string `json:"peer,omitempty"`
	// Pod is the name of the speaker's Pod, in this namespace. The status counts only while that Pod runs. It is empty if the
	// speaker runs outside of a Pod or was stopped properly.
	// +optional
	Pod string `json:"pod,omitempty"`
	// Address of the peer.
	// +optional
	Address string `json:"address,omitempty"`
	// State is Established if the session is up, and another state of RFC 4271 section 8.2.2 if not. It is Unknown if the node or
	// its speaker is down: its last report is ignored then.
	// +optional
	State SessionState `json:"state,omitempty"`
	// Since is the time since which the session is in this state.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`
	// BFDStatus is the state of the BFD session by which the peer is watched: Up if each side hears the other. It is empty if there is none,
	// since the BGPPeer names no BFDProfile.
	// +optional
	BFDStatus BFDState `json:"bfdStatus,omitempty"`
	// AdvertisedIPv4 is the number of IPv4 prefixes that are advertised to the peer; 0 unless the session is established.
	// +optional
	AdvertisedIPv4 int64 `json:"advertisedIPv4"`
	// AdvertisedIPv6 is the number of IPv6 prefixes that are advertised to the peer; 0 unless the session is established.
	// +optional
	AdvertisedIPv6 int64 `json:"advertisedIPv6"`
	// LastError says why the session was lost, why the last attempt to establish it failed, or why it carries no routes although it
	// is established. It is removed when the session carries routes.
	// +optional
	LastError string `json:"lastError,omitempty"`
	// LastErrorTime is when that happened. It is not updated each time that an attempt fails again in the same way.
	// +optional
	LastErrorTime *metav1.Time `json:"lastErrorTime,omitempty"`
	// HoldTime is the negotiated hold time: how long the peer may be silent before the session is closed; 0s means forever. Set
	// only if the session is established.
	// +optional
	// +kubebuilder:validation:Type=string
	HoldTime *metav1.Duration `json:"holdTime,omitempty"`
	// Families are the negotiated address families of the routes. Set only if the session is established.
	// +optional
	// +listType=set
	Families []corev1.IPFamily `json:"families,omitempty"`
	// WithheldFamilies are the address families that the node announces no routes of for now, because its service proxy does not
	// forward their connections yet, or because the node is drained. A node that boots has some for a moment.
	// +optional
	// +listType=set
	WithheldFamilies []corev1.IPFamily `json:"withheldFamilies,omitempty"`
	// Capabilities are those that the peer has advertised (RFC 5492), such as four-octet-asn or extended-next-hop. Set only if the session is
	// established.
	// +optional
	// +listType=set
	Capabilities []string `json:"capabilities,omitempty"`
	// PeerASN is the autonomous system number of the peer. Set only if the session is established.
	// +optional
	// +kubebuilder:validation:Format=int64
	PeerASN uint32 `json:"peerASN,omitempty"`
	// ReceivedPrefixes is how many prefixes the peer has announced since the session was configured. They are not used. It is updated when
	// the number has doubled, and whenever something else of this status changes.
	// +optional
	ReceivedPrefixes int64 `json:"receivedPrefixes,omitempty"`
	// LocalRouterID is the BGP identifier of the node.
	// +optional
	LocalRouterID string `json:"localRouterID,omitempty"`
	// PeerRouterID is the BGP identifier of the peer. Set only if the session is established.
	// +optional
	PeerRouterID string `json:"peerRouterID,omitempty"`
	// Conditions of the session: Drained, if the node drains or is drained. It is False while routers are asked to prefer other nodes, and True when the node
	// announces nothing any more, so that it is safe to switch off.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// BGPSessionState is the state of the session between one node and one BGPPeer. Speakers write it; there is nothing to
// configure. It is deleted together with its Node.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=metallb
// +kubebuilder:printcolumn:name="Node",type=string,JSONPath=`.status.node`
// +kubebuilder:printcolumn:name="Peer",type=string,JSONPath=`.status.peer`
// +kubebuilder:printcolumn:name="Address",type=string,JSONPath=`.status.address`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="BFD",type=string,JSONPath=`.status.bfdStatus`
// +kubebuilder:printcolumn:name="Uptime",type=date,JSONPath=`.status.since`
// +kubebuilder:printcolumn:name="V4",type=integer,JSONPath=`.status.advertisedIPv4`
// +kubebuilder:printcolumn:name="V6",type=integer,JSONPath=`.status.advertisedIPv6`
// +kubebuilder:printcolumn:name="Last Error",type=string,JSONPath=`.status.lastError`
// +kubebuilder:printcolumn:name="Error Age",type=date,JSONPath=`.status.lastErrorTime`
// +kubebuilder:printcolumn:name="Drain",type=string,JSONPath=`.status.conditions[?(@.type=="Drained")].reason`,priority=1
// +kubebuilder:printcolumn:name="Hold Time",type=string,JSONPath=`.status.holdTime`,priority=1
// +kubebuilder:printcolumn:name="Families",type=string,JSONPath=`.status.families`,priority=1
// +kubebuilder:printcolumn:name="Received",type=integer,JSONPath=`.status.receivedPrefixes`,priority=1
// +kubebuilder:printcolumn:name="Capabilities",type=string,JSONPath=`.status.capabilities`,priority=1
// +kubebuilder:printcolumn:name="Peer ASN",type=integer,JSONPath=`.status.peerASN`,priority=1
// +kubebuilder:printcolumn:name="Local Router ID",type=string,JSONPath=`.status.localRouterID`,priority=1
// +kubebuilder:printcolumn:name="Peer Router ID",type=string,JSONPath=`.status.peerRouterID`,priority=1
type BGPSessionState struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +optional
	Status BGPSessionStateStatus `json:"status,omitempty"`
}

// BGPSessionStateList is a list of BGPSessionStates.
//
// +kubebuilder:object:root=true
type BGPSessionStateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []BGPSessionState `json:"items"`
}

// NoSessionReport is why a session is taken for not established of which no BGPSessionState tells.
const NoSessionReport = "no report from its speaker"

// Fault returns why the session is not established; empty if it is.
func (s *BGPSessionStateStatus) Fault() string {
	switch {
	case s.State == SessionEstablished:
		return ""
	case s.LastError != "":
		return s.LastError
	default:
		return "session is " + string(s.State)
	}
}

// Carries reports whether routes of the family go over the session at present.
func (s *BGPSessionStateStatus) Carries(family corev1.IPFamily) bool { return s.FaultOf(family) == "" }

// FaultOf returns why routes of the family do not go over the session at present; empty if they do. The session is nil if none is reported.
func (s *BGPSessionStateStatus) FaultOf(family corev1.IPFamily) string {
	switch {
	case s == nil:
		return NoSessionReport
	case s.Fault() != "":
		return s.Fault()
	case slices.Contains(s.WithheldFamilies, family) && meta.IsStatusConditionTrue(s.Conditions, ConditionDrained):
		return "the node is drained"
	case slices.Contains(s.WithheldFamilies, family):
		return "the node's service proxy does not forward " + string(family) + " connections yet"
	case !s.Negotiated(family):
		return "the session does not carry " + string(family)
	}
	return ""
}

// Negotiated reports whether an established session has the family. A speaker that does not report what was negotiated says nothing against it.
func (s *BGPSessionStateStatus) Negotiated(family corev1.IPFamily) bool {
	return len(s.Families) == 0 || slices.Contains(s.Families, family)
}
