// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Labels of a BGPSessionState and, the first, of a ServiceBGPStatus. A name that is too long for a label is shortened there and ends in a hash of the whole.
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
	// SessionIdle says that the session is not attempted at the moment.
	SessionIdle SessionState = "Idle"
	// SessionConnect says that a TCP connection is being set up.
	SessionConnect SessionState = "Connect"
	// SessionActive says that a TCP connection is to be set up, again and again.
	SessionActive SessionState = "Active"
	// SessionOpenSent says that the connection is there and the peer's OPEN is waited for.
	SessionOpenSent SessionState = "OpenSent"
	// SessionOpenConfirm says that the peer's OPEN is accepted and its KEEPALIVE is waited for.
	SessionOpenConfirm SessionState = "OpenConfirm"
	// SessionEstablished says that the session is up.
	SessionEstablished SessionState = "Established"
	// SessionUnknown says that the node is not ready, or that its speaker does not run, so that what it said last means
	// nothing any more.
	SessionUnknown SessionState = "Unknown"
)

// BGPSessionStateStatus is what is known of a session.
type BGPSessionStateStatus struct {
	// Node is the name of the node.
	// +optional
	Node string `json:"node,omitempty"`
	// Peer is the name of the BGPPeer.
	// +optional
	Peer string `json:"peer,omitempty"`
	// Pod is the name of the speaker's Pod, in this namespace. What is said here is believed only while that Pod runs; it is
	// empty if the speaker runs outside of a Pod, or has stopped in good order.
	// +optional
	Pod string `json:"pod,omitempty"`
	// Address of the peer.
	// +optional
	Address string `json:"address,omitempty"`
	// State is Established if the session is up, another state of RFC 4271 section 8.2.2 if not, or Unknown if the node does
	// not tell.
	// +optional
	State SessionState `json:"state,omitempty"`
	// Since when the session is in this state.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`
	// AdvertisedIPv4 is the number of IPv4 prefixes that the peer has been told of, 0 unless the session is established.
	// +optional
	AdvertisedIPv4 int64 `json:"advertisedIPv4"`
	// AdvertisedIPv6 is the number of IPv6 prefixes that the peer has been told of, 0 unless the session is established.
	// +optional
	AdvertisedIPv6 int64 `json:"advertisedIPv6"`
	// LastError says why the session was last lost, or why the last attempt to set it up failed. It stays when the session
	// comes up again.
	// +optional
	LastError string `json:"lastError,omitempty"`
	// HoldTime that was negotiated: how long the peer may be silent before the session is closed; 0s if forever. Only if the
	// session is established.
	// +optional
	// +kubebuilder:validation:Type=string
	HoldTime *metav1.Duration `json:"holdTime,omitempty"`
	// Families of the routes that the session carries, as negotiated. Only if the session is established.
	// +optional
	// +listType=set
	Families []corev1.IPFamily `json:"families,omitempty"`
	// LocalRouterID is the BGP identifier of the node.
	// +optional
	LocalRouterID string `json:"localRouterID,omitempty"`
	// PeerRouterID is the BGP identifier of the peer. Only if the session is established.
	// +optional
	PeerRouterID string `json:"peerRouterID,omitempty"`
}

// BGPSessionState tells how the session of one node with one BGPPeer fares. Speakers write them; there is nothing to
// configure. It goes with its Node.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=metallb
// +kubebuilder:printcolumn:name="Node",type=string,JSONPath=`.status.node`
// +kubebuilder:printcolumn:name="Peer",type=string,JSONPath=`.status.peer`
// +kubebuilder:printcolumn:name="Address",type=string,JSONPath=`.status.address`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Uptime",type=date,JSONPath=`.status.since`
// +kubebuilder:printcolumn:name="V4",type=integer,JSONPath=`.status.advertisedIPv4`
// +kubebuilder:printcolumn:name="V6",type=integer,JSONPath=`.status.advertisedIPv6`
// +kubebuilder:printcolumn:name="Last Error",type=string,JSONPath=`.status.lastError`
// +kubebuilder:printcolumn:name="Hold Time",type=string,JSONPath=`.status.holdTime`,priority=1
// +kubebuilder:printcolumn:name="Families",type=string,JSONPath=`.status.families`,priority=1
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
