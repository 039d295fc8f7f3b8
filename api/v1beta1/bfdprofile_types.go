// SPDX-License-Identifier: Apache-2.0

package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BFDProfileSpec says how nodes watch a peer by BFD. An edit takes effect on sessions that are up, and resets none.
type BFDProfileSpec struct {
	// ReceiveInterval is the shortest time between BFD control packets that the node takes from the peer, in milliseconds, from 10 to 60000
	// (RFC 5880 section 4.1, Required Min RX Interval). The peer sends no faster, and slower if its own transmit interval is longer.
	// +optional
	// +kubebuilder:default=300
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=60000
	ReceiveInterval *int32 `json:"receiveInterval,omitempty"`

	// TransmitInterval is the shortest time between BFD control packets that the node sends to the peer, less jitter, in milliseconds, from 10
	// to 60000 (RFC 5880 section 4.1, Desired Min TX Interval). The node sends slower if the peer's receive interval is longer, and
	// once a second while the session is not up.
	// +optional
	// +kubebuilder:default=300
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=60000
	TransmitInterval *int32 `json:"transmitInterval,omitempty"`

	// DetectMultiplier is after how many of the node's packets, all lost, the peer takes the node for unreachable, from 2 to 255 (RFC 5880
	// section 4.1, Detect Mult). With the defaults that is 900 ms. How soon the node takes the peer for unreachable, the peer's multiplier says.
	// +optional
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=255
	DetectMultiplier *int32 `json:"detectMultiplier,omitempty"`

	// EchoInterval is the shortest time between echo packets, in milliseconds, from 10 to 60000 (RFC 5880 section 4.1, Required Min Echo RX
	// Interval). It has no effect, since nodes neither send echo packets nor ask for them.
	// +optional
	// +kubebuilder:default=50
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=60000
	EchoInterval *int32 `json:"echoInterval,omitempty"`

	// EchoMode asks for packets that the peer's data plane sends back (RFC 5880 section 3.2). Nodes send none: the peer is watched by control
	// packets alone, and whoever sets this is warned, also by the condition Valid.
	// +optional
	// +kubebuilder:default=false
	EchoMode bool `json:"echoMode,omitempty"`

	// PassiveMode makes the node send no control packet until the peer has sent one (RFC 5880 section 6.1). One side of a session has to be active.
	// +optional
	// +kubebuilder:default=false
	PassiveMode bool `json:"passiveMode,omitempty"`

	// MinimumTTL is the least time to live of the peer's control packets, from 1 to 254, if the peer may be more than one hop away: 254 if one
	// router is between. Packets with less are ignored. From a peer on a connected subnet it is always 255 (RFC 5881 section 5).
	// +optional
	// +kubebuilder:default=254
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=254
	MinimumTTL *int32 `json:"minimumTtl,omitempty"`
}

// BFDProfileStatus is the observed state of a BFDProfile.
type BFDProfileStatus struct {
	// ObservedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Peers is the number of BGPPeers that name this BFDProfile.
	// +optional
	Peers int32 `json:"peers"`
	// Conditions of the profile: Valid.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// BFDProfile says how nodes find out within a fraction of a second that a peer is unreachable (Bidirectional Forwarding Detection, RFC 5880). A
// BGPPeer names it in spec.bfdProfile.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=metallb
// +kubebuilder:printcolumn:name="Passive Mode",type=boolean,JSONPath=`.spec.passiveMode`
// +kubebuilder:printcolumn:name="Transmit Interval",type=integer,JSONPath=`.spec.transmitInterval`
// +kubebuilder:printcolumn:name="Receive Interval",type=integer,JSONPath=`.spec.receiveInterval`
// +kubebuilder:printcolumn:name="Multiplier",type=integer,JSONPath=`.spec.detectMultiplier`
// +kubebuilder:printcolumn:name="Used By",type=integer,JSONPath=`.status.peers`
// +kubebuilder:printcolumn:name="Echo Mode",type=boolean,JSONPath=`.spec.echoMode`,priority=1
// +kubebuilder:printcolumn:name="Echo Interval",type=integer,JSONPath=`.spec.echoInterval`,priority=1
// +kubebuilder:printcolumn:name="Minimum TTL",type=integer,JSONPath=`.spec.minimumTtl`,priority=1
// +kubebuilder:printcolumn:name="Valid",type=string,JSONPath=`.status.conditions[?(@.type=="Valid")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type BFDProfile struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec may be left out: then every value is the default one.
	// +optional
	// +kubebuilder:default={}
	Spec   BFDProfileSpec   `json:"spec,omitempty"`
	Status BFDProfileStatus `json:"status,omitempty"`
}

// BFDProfileList is a list of BFDProfiles.
//
// +kubebuilder:object:root=true
type BFDProfileList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []BFDProfile `json:"items"`
}
