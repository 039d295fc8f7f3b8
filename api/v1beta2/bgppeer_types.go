// SPDX-License-Identifier: Apache-2.0

package v1beta2

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DynamicASNMode says which ASNs a peer may have when none is named.
// +kubebuilder:validation:Enum=internal;external
type DynamicASNMode string

const (
	// InternalASN accepts a peer of the session's own ASN only (iBGP).
	InternalASN DynamicASNMode = "internal"
	// ExternalASN accepts a peer of any ASN but the session's own (eBGP).
	ExternalASN DynamicASNMode = "external"
)

// BGPPeerSpec is the desired state of a BGPPeer.
type BGPPeerSpec struct {
	// MyASN is the autonomous system number that the nodes use towards this peer.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4294967295
	MyASN uint32 `json:"myASN"`

	// ASN is the autonomous system number of the peer. Exactly one of peerASN and dynamicASN is set.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	ASN uint32 `json:"peerASN,omitempty"`

	// DynamicASN accepts the peer's ASN as it comes: internal for one equal to the session's own, external for any other.
	// +optional
	DynamicASN DynamicASNMode `json:"dynamicASN,omitempty"`

	// LocalASN is shown to this peer in place of myASN.
	// +optional
	LocalASN uint32 `json:"localASN,omitempty"`

	// Address of the peer, IPv4 or IPv6. Exactly one of peerAddress and interface is set.
	// +optional
	Address string `json:"peerAddress,omitempty"`

	// Interface on which an unnumbered session (link-local IPv6) is set up.
	// +optional
	Interface string `json:"interface,omitempty"`

	// SrcAddress is the node's address to connect from; unset, the kernel chooses.
	// +optional
	SrcAddress string `json:"sourceAddress,omitempty"`

	// Port of the peer to connect to.
	// +optional
	// +kubebuilder:default=179
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"peerPort,omitempty"`

	// HoldTime after which a silent peer is given up (RFC 4271 section 4.2): 0 or at least 3 s; unset, 90 s is proposed.
	// +optional
	HoldTime *metav1.Duration `json:"holdTime,omitempty"`

	// KeepaliveTime between keepalive messages, below holdTime; unset, a third of holdTime.
	// +optional
	KeepaliveTime *metav1.Duration `json:"keepaliveTime,omitempty"`

	// ConnectTime between attempts to connect, in whole seconds from 1 to 65535; unset, a few seconds.
	// +optional
	ConnectTime *metav1.Duration `json:"connectTime,omitempty"`

	// RouterID is the BGP identifier to use, written as an IPv4 address; unset, the node's IPv4 address.
	// +optional
	RouterID string `json:"routerID,omitempty"`

	// NodeSelectors select, by label, the nodes that connect to the peer; none selects every node.
	// +optional
	NodeSelectors []metav1.LabelSelector `json:"nodeSelectors,omitempty"`

	// Password for TCP MD5 signatures (RFC 2385), readable by whoever can read this object. See passwordSecret.
	// +optional
	Password string `json:"password,omitempty"`

	// PasswordSecret refers to a Secret of type kubernetes.io/basic-auth whose key "password" is used for TCP MD5 signatures.
	// +optional
	PasswordSecret corev1.SecretReference `json:"passwordSecret,omitempty"`

	// BFDProfile is the name of the BFDProfile to watch the peer with.
	// +optional
	BFDProfile string `json:"bfdProfile,omitempty"`

	// EnableGracefulRestart lets the peer keep routes while the speaker restarts (RFC 4724).
	// +optional
	EnableGracefulRestart bool `json:"enableGracefulRestart,omitempty"`

	// EBGPMultiHop allows a peer of another ASN to be more than one hop away.
	// +optional
	EBGPMultiHop bool `json:"ebgpMultiHop,omitempty"`

	// VRFName is the VRF that the session is set up from.
	// +optional
	VRFName string `json:"vrf,omitempty"`

	// DisableMP keeps the session to the address family that it runs over, which is what is done unless
	// dualStackAddressFamily is set. Deprecated and without effect.
	// +optional
	// +kubebuilder:default=false
	DisableMP bool `json:"disableMP,omitempty"`

	// DualStackAddressFamily carries IPv4 and IPv6 routes over one session.
	// +optional
	// +kubebuilder:default=false
	DualStackAddressFamily bool `json:"dualStackAddressFamily,omitempty"`
}

// BGPPeerStatus is the observed state of a BGPPeer.
type BGPPeerStatus struct {
	// ObservedGeneration is the generation of the spec that this status tells of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions of the peer: Valid.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// BGPPeer is a router that the nodes connect to.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:subresource:status
type BGPPeer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   BGPPeerSpec   `json:"spec,omitempty"`
	Status BGPPeerStatus `json:"status,omitempty"`
}

// BGPPeerList is a list of BGPPeers.
//
// +kubebuilder:object:root=true
type BGPPeerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []BGPPeer `json:"items"`
}
