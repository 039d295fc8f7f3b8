// SPDX-License-Identifier: Apache-2.0

package v1beta2

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DynamicASNMode says which ASNs a peer may have if peerASN is not set.
// +kubebuilder:validation:Enum=internal;external
type DynamicASNMode string

const (
	// InternalASN accepts only myASN (iBGP).
	InternalASN DynamicASNMode = "internal"
	// ExternalASN accepts any ASN but myASN (eBGP).
	ExternalASN DynamicASNMode = "external"
)

// GatewayFamily is the address family of a default gateway.
// +kubebuilder:validation:Enum=IPv4;IPv6
type GatewayFamily string

const (
	// IPv4Gateway is the next hop of the IPv4 default route.
	IPv4Gateway GatewayFamily = "IPv4"
	// IPv6Gateway is the next hop of the IPv6 default route.
	IPv6Gateway GatewayFamily = "IPv6"
)

// PerNode are values of a BGPPeer that differ between nodes. Each is text in which "{label:KEY}" stands for the node's label with
// that key, and "{annotation:KEY}" for its annotation; what results takes the place of the field of the same name in the spec. A node
// that lacks a label or annotation which is named, or where the result is no valid value, has no session; its BGPSessionState says why.
type PerNode struct {
	// MyASN takes the place of myASN, as in "{annotation:example.com/asn}" or "42000000{label:rack}".
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self == '' || self.matches('^([^{}]*[{](label|annotation):[^{}]+[}])+[^{}]*$')",message="must name labels or annotations of the node, as in {label:KEY} or {annotation:KEY}"
	MyASN string `json:"myASN,omitempty"`
	// ASN takes the place of peerASN.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self == '' || self.matches('^([^{}]*[{](label|annotation):[^{}]+[}])+[^{}]*$')",message="must name labels or annotations of the node, as in {label:KEY} or {annotation:KEY}"
	ASN string `json:"peerASN,omitempty"`
	// SrcAddress takes the place of sourceAddress, as in "10.0.{label:rack}.7".
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self == '' || self.matches('^([^{}]*[{](label|annotation):[^{}]+[}])+[^{}]*$')",message="must name labels or annotations of the node, as in {label:KEY} or {annotation:KEY}"
	SrcAddress string `json:"sourceAddress,omitempty"`
	// RouterID takes the place of routerID.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self == '' || self.matches('^([^{}]*[{](label|annotation):[^{}]+[}])+[^{}]*$')",message="must name labels or annotations of the node, as in {label:KEY} or {annotation:KEY}"
	RouterID string `json:"routerID,omitempty"`
	// PasswordSecret takes the place of passwordSecret.name.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self == '' || self.matches('^([^{}]*[{](label|annotation):[^{}]+[}])+[^{}]*$')",message="must name labels or annotations of the node, as in {label:KEY} or {annotation:KEY}"
	PasswordSecret string `json:"passwordSecret,omitempty"`
}

// BGPPeerSpec is the desired state of a BGPPeer.
//
// +kubebuilder:validation:XValidation:rule="(has(self.peerASN) && self.peerASN != 0) || has(self.dynamicASN) || (has(self.perNode) && has(self.perNode.peerASN) && size(self.perNode.peerASN) > 0)",message="missing peer ASN and dynamicASN; set peerASN to a number from 1 to 4294967295, or dynamicASN to internal or external",fieldPath=".peerASN",reason="FieldValueRequired"
// +kubebuilder:validation:XValidation:rule="!(has(self.peerASN) && self.peerASN != 0 && has(self.dynamicASN))",message="both peer ASN and dynamicASN specified; remove one",fieldPath=".dynamicASN"
// +kubebuilder:validation:XValidation:rule="(has(self.peerAddress) && size(self.peerAddress) > 0) || (has(self.interface) && size(self.interface) > 0) || has(self.defaultGateway)",message="peer has no Address or Interface specified; set it to the peer's IPv4 or IPv6 address, or set interface or defaultGateway",fieldPath=".peerAddress",reason="FieldValueRequired"
// +kubebuilder:validation:XValidation:rule="!(has(self.peerAddress) && size(self.peerAddress) > 0 && has(self.interface) && size(self.interface) > 0)",message="peer has both Address and Interface specified; remove one",fieldPath=".interface"
// +kubebuilder:validation:XValidation:rule="!has(self.defaultGateway) || !((has(self.peerAddress) && size(self.peerAddress) > 0) || (has(self.interface) && size(self.interface) > 0))",message="the peer is the default gateway, so it has no peerAddress or interface; remove them or defaultGateway",fieldPath=".defaultGateway"
// +kubebuilder:validation:XValidation:rule="!has(self.sourceAddress) || size(self.sourceAddress) == 0 || !has(self.interface) || size(self.interface) == 0",message="a session on an interface is between link-local addresses; remove sourceAddress",fieldPath=".sourceAddress"
// +kubebuilder:validation:XValidation:rule="!has(self.sourceAddress) || !has(self.peerAddress) || !isIP(self.sourceAddress) || !isIP(self.peerAddress) || ip(self.sourceAddress).family() == ip(self.peerAddress).family()",message="invalid source IP: must be of the same address family as peerAddress",fieldPath=".sourceAddress"
// +kubebuilder:validation:XValidation:rule="!has(self.sourceAddress) || !has(self.defaultGateway) || !isIP(self.sourceAddress) || ip(self.sourceAddress).family() == (self.defaultGateway == 'IPv4' ? 4 : 6)",message="invalid source IP: must be of the same address family as the default gateway",fieldPath=".sourceAddress"
// +kubebuilder:validation:XValidation:rule="!has(self.ebgpMultiHop) || !self.ebgpMultiHop || !has(self.peerASN) || self.peerASN == 0 || self.peerASN != (has(self.localASN) && self.localASN != 0 ? self.localASN : self.myASN) || (has(self.perNode) && ((has(self.perNode.myASN) && size(self.perNode.myASN) > 0) || (has(self.perNode.peerASN) && size(self.perNode.peerASN) > 0)))",message="invalid ebgp-multihop parameter set for an ibgp peer; remove it, since peers of one ASN may be any number of hops away",fieldPath=".ebgpMultiHop"
// +kubebuilder:validation:XValidation:rule="!has(self.ebgpMultiHop) || !self.ebgpMultiHop || !has(self.dynamicASN) || self.dynamicASN != 'internal'",message="invalid ebgp-multihop parameter set for an ibgp peer; remove it, since peers of one ASN may be any number of hops away",fieldPath=".ebgpMultiHop"
// +kubebuilder:validation:XValidation:rule="!has(self.ebgpMultiHopTTL) || (has(self.ebgpMultiHop) && self.ebgpMultiHop)",message="is the time to live with ebgpMultiHop; set that to true or remove this",fieldPath=".ebgpMultiHopTTL"
// +kubebuilder:validation:XValidation:rule="!has(self.ttlSecurityHops) || !has(self.ebgpMultiHop) || !self.ebgpMultiHop",message="both say how many hops away the peer may be; remove ebgpMultiHop",fieldPath=".ttlSecurityHops"
// +kubebuilder:validation:XValidation:rule="!has(self.gracefulRestartTime) || (has(self.enableGracefulRestart) && self.enableGracefulRestart)",message="is the time with enableGracefulRestart; set that to true or remove this",fieldPath=".gracefulRestartTime"
// +kubebuilder:validation:XValidation:rule="!has(self.gracefulRestartOnNotification) || !self.gracefulRestartOnNotification || (has(self.enableGracefulRestart) && self.enableGracefulRestart)",message="extends enableGracefulRestart; set that to true or remove this",fieldPath=".gracefulRestartOnNotification"
// +kubebuilder:validation:XValidation:rule="!has(self.keepaliveTime) || !self.keepaliveTime.matches('^(0|([0-9]{1,5}(ms|([.][0-9]{1,3})?[smh]))+)$') || duration(self.keepaliveTime) == duration('0s') || (has(self.holdTime) ? !self.holdTime.matches('^(0|([0-9]{1,5}(ms|([.][0-9]{1,3})?[smh]))+)$') || duration(self.keepaliveTime) < duration(self.holdTime) : duration(self.keepaliveTime) < duration('90s'))",message="invalid keepaliveTime, must be lower than holdTime, which is 90s unless set",fieldPath=".keepaliveTime"
// +kubebuilder:validation:XValidation:rule="!has(self.password) || size(self.password) == 0 || !has(self.passwordSecret) || !has(self.passwordSecret.name) || size(self.passwordSecret.name) == 0",message="can not have both password and secret ref set; remove password",fieldPath=".password",reason="FieldValueForbidden"
// +kubebuilder:validation:XValidation:rule="!has(self.perNode) || !has(self.perNode.myASN) || size(self.perNode.myASN) == 0 || !(has(self.localASN) && self.localASN != 0)",message="has no effect with localASN; remove one",fieldPath=".perNode.myASN"
// +kubebuilder:validation:XValidation:rule="!has(self.perNode) || !has(self.perNode.peerASN) || size(self.perNode.peerASN) == 0 || !(has(self.dynamicASN))",message="has no effect with dynamicASN; remove one",fieldPath=".perNode.peerASN"
// +kubebuilder:validation:XValidation:rule="!has(self.perNode) || !has(self.perNode.sourceAddress) || size(self.perNode.sourceAddress) == 0 || !(has(self.interface) && size(self.interface) > 0)",message="has no effect with interface; remove one",fieldPath=".perNode.sourceAddress"
// +kubebuilder:validation:XValidation:rule="!has(self.perNode) || !has(self.perNode.passwordSecret) || size(self.perNode.passwordSecret) == 0 || !(has(self.password) && size(self.password) > 0)",message="has no effect with password; remove one",fieldPath=".perNode.passwordSecret"
type BGPPeerSpec struct {
	// MyASN is the autonomous system number that the nodes use towards this peer, from 1 to 4294967295 (RFC 6793). If it equals
	// peerASN, the session is internal (iBGP), otherwise external (eBGP).
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4294967295
	// +kubebuilder:validation:Format=int64
	MyASN uint32 `json:"myASN"`

	// ASN is the autonomous system number of the peer, from 1 to 4294967295. If the peer has another one, the session
	// is refused with the notification Bad Peer AS (RFC 4271 section 6.2). Exactly one of peerASN and dynamicASN is set.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	// +kubebuilder:validation:Format=int64
	ASN uint32 `json:"peerASN,omitempty"`

	// DynamicASN says which ASNs the peer may have if peerASN is not set: internal accepts only the ASN that the nodes use
	// themselves, external any other. A peer with another ASN is refused with the notification Bad Peer AS.
	// +optional
	DynamicASN DynamicASNMode `json:"dynamicASN,omitempty"`

	// LocalASN is the ASN that the nodes use towards this peer instead of myASN, from 1 to 4294967295. The peer sees nothing of
	// myASN, in no AS path either. If it equals peerASN, the session is internal.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	// +kubebuilder:validation:Format=int64
	LocalASN uint32 `json:"localASN,omitempty"`

	// Address of the peer, IPv4 or IPv6, without zone. The session carries routes of this address family only, unless
	// dualStackAddressFamily is set. Exactly one of peerAddress, interface and defaultGateway is set.
	// +optional
	// +kubebuilder:validation:MaxLength=45
	// +kubebuilder:validation:XValidation:rule="self == '' || isIP(self)",message="invalid BGPPeer address: must be an IPv4 or IPv6 address without zone"
	// +kubebuilder:validation:XValidation:rule="!isIP(self) || ip(self).isGlobalUnicast() || ip(self).isLoopback() || (ip(self).family() == 4 && ip(self).isLinkLocalUnicast())",message="invalid BGPPeer address: must be a unicast address; a link-local IPv6 address means nothing without an interface; set interface instead"
	Address string `json:"peerAddress,omitempty"`

	// Interface is the node's network interface for an unnumbered session: the peer is the router on that link, found by its
	// IPv6 router advertisements or in the neighbor table, and the session is between link-local IPv6 addresses. It carries routes
	// of both families; those of IPv4 have an IPv6 next hop (RFC 8950).
	// +optional
	// +kubebuilder:validation:MaxLength=15
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^[:space:]/:%]*$') && size(bytes(self)) <= 15 && self != '.' && self != '..'",message="must be the name of a network device, of up to 15 characters without space, /, : and %"
	Interface string `json:"interface,omitempty"`

	// DefaultGateway makes the node's default gateway of an address family the peer, so that one BGPPeer serves nodes in
	// different racks. The session follows the default route. MetalLB does not have this field.
	// +optional
	DefaultGateway GatewayFamily `json:"defaultGateway,omitempty"`

	// SrcAddress is the node's address to connect from, of the same family as peerAddress. If unset, the kernel chooses it by its
	// routes. Every node needs an address of its own, so nodeSelectors should select only one node.
	// +optional
	// +kubebuilder:validation:MaxLength=45
	// +kubebuilder:validation:XValidation:rule="self == '' || isIP(self)",message="invalid source IP: must be an IPv4 or IPv6 address without zone"
	// +kubebuilder:validation:XValidation:rule="!isIP(self) || ip(self).isGlobalUnicast() || ip(self).isLoopback() || (ip(self).family() == 4 && ip(self).isLinkLocalUnicast())",message="invalid source IP: must be a unicast address; a link-local IPv6 address means nothing without an interface"
	SrcAddress string `json:"sourceAddress,omitempty"`

	// Port is the TCP port of the peer, from 1 to 65535.
	// +optional
	// +kubebuilder:default=179
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"peerPort,omitempty"`

	// HoldTime is how long a peer may be silent before the session is closed (RFC 4271 section 4.2), in whole seconds: from 3s
	// to 65535s, or 0 if only the peer's hold time is to be used. The lower of both hold times is used. If unset, 90s.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^(0|([0-9]{1,5}(ms|([.][0-9]{1,3})?[smh]))+)$')",message="invalid hold time: must be a duration such as 90s or 1m30s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^(0|([0-9]{1,5}(ms|([.][0-9]{1,3})?[smh]))+)$') || duration(self) == duration('0s') || (duration(self) >= duration('3s') && duration(self) <= duration('65535s') && duration(self).getMilliseconds() % 1000 == 0)",message="invalid hold time: must be 0 or >=3s, in whole seconds up to 65535s"
	HoldTime *metav1.Duration `json:"holdTime,omitempty"`

	// KeepaliveTime is the time between keepalive messages (RFC 4271 section 4.4), in whole seconds and lower than holdTime.
	// If unset or 0, a third of holdTime. If the peer's hold time is lower, always a third of that.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^(0|([0-9]{1,5}(ms|([.][0-9]{1,3})?[smh]))+)$')",message="invalid keepaliveTime: must be a duration such as 90s or 1m30s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^(0|([0-9]{1,5}(ms|([.][0-9]{1,3})?[smh]))+)$') || duration(self).getMilliseconds() % 1000 == 0",message="invalid keepaliveTime: must be in whole seconds, 0 or more"
	KeepaliveTime *metav1.Duration `json:"keepaliveTime,omitempty"`

	// ConnectTime is the longest time between attempts to connect (RFC 4271 section 8, ConnectRetryTime), in whole seconds from
	// 1s to 65535s. The first attempts follow each other faster. If unset, 2s.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^(0|([0-9]{1,5}(ms|([.][0-9]{1,3})?[smh]))+)$')",message="invalid connect time: must be a duration such as 90s or 1m30s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^(0|([0-9]{1,5}(ms|([.][0-9]{1,3})?[smh]))+)$') || (duration(self) >= duration('1s') && duration(self) <= duration('65535s') && duration(self).getMilliseconds() % 1000 == 0)",message="invalid connect time: must be from 1s to 65535s, in whole seconds"
	ConnectTime *metav1.Duration `json:"connectTime,omitempty"`

	// RouterID is the BGP identifier of the nodes towards this peer, written as an IPv4 address other than 0.0.0.0 (RFC 6286).
	// If unset, it is the node's own IPv4 address. Routers refuse two neighbors with the same identifier, so nodeSelectors should
	// select only one node if this is set.
	// +optional
	// +kubebuilder:validation:MaxLength=15
	// +kubebuilder:validation:XValidation:rule="self == '' || (isIP(self) && ip(self).family() == 4 && !ip(self).isUnspecified())",message="invalid router ID: must be written as an IPv4 address other than 0.0.0.0"
	RouterID string `json:"routerID,omitempty"`

	// NodeSelectors select, by label, the nodes that connect to the peer: those that match any of them. If empty, every
	// node connects.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	NodeSelectors []metav1.LabelSelector `json:"nodeSelectors,omitempty"`

	// Password for TCP MD5 signatures (RFC 2385), at most 80 bytes. Everyone who can read this object can read it;
	// use passwordSecret instead.
	// +optional
	// +kubebuilder:validation:MaxLength=80
	// +kubebuilder:validation:XValidation:rule="size(bytes(self)) <= 80",message="may not be more than 80 bytes",reason="FieldValueForbidden"
	Password string `json:"password,omitempty"`

	// PasswordSecret refers to a Secret of type kubernetes.io/basic-auth whose key "password" is the password for TCP MD5
	// signatures (RFC 2385). It is read from the namespace of the BGPPeer; the namespace of the reference is ignored. No
	// session is set up until the Secret exists and has the key: the speaker does not connect without the password. An empty
	// password means none.
	// +optional
	PasswordSecret corev1.SecretReference `json:"passwordSecret,omitempty"`

	// BFDProfile is the name of the BFDProfile by which nodes watch the peer (RFC 5880), in the namespace of the BGPPeer: the session ends as soon
	// as BFD finds the peer unreachable. To set, change or remove it resets no session. While there is no such BFDProfile, the condition Valid
	// says so, and a session keeps the profile that it has, or has no BFD.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	BFDProfile string `json:"bfdProfile,omitempty"`

	// EnableGracefulRestart lets the peer keep the routes of a node while the speaker on it restarts (RFC 4724): when the speaker is updated or
	// crashes, and when the connection breaks. The peer must support it too, as a helper. Routes are withdrawn as ever when the node or the
	// speaker is to go for good.
	// +optional
	EnableGracefulRestart bool `json:"enableGracefulRestart,omitempty"`

	// GracefulRestartTime is for how long the peer keeps the routes when the session is lost (Restart Time, RFC 4724 section 3), in whole
	// seconds from 1s to 4095s. It needs enableGracefulRestart. If unset, 120s. MetalLB does not have this field.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^(0|([0-9]{1,5}(ms|([.][0-9]{1,3})?[smh]))+)$')",message="invalid graceful restart time: must be a duration such as 90s or 1m30s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^(0|([0-9]{1,5}(ms|([.][0-9]{1,3})?[smh]))+)$') || (duration(self) >= duration('1s') && duration(self) <= duration('4095s') && duration(self).getMilliseconds() % 1000 == 0)",message="invalid graceful restart time: must be from 1s to 4095s, in whole seconds"
	GracefulRestartTime *metav1.Duration `json:"gracefulRestartTime,omitempty"`

	// GracefulRestartOnNotification has the peer keep the routes also when its hold timer expires, and when either side ends the session by a
	// NOTIFICATION message such as that of a reset on the router (RFC 8538), if it supports that. So nothing is lost by a reset or a link that is down for a
	// moment, but the routes of a node that has died stay for the restart time after the hold time. It needs enableGracefulRestart. MetalLB does not have this field.
	// +optional
	GracefulRestartOnNotification bool `json:"gracefulRestartOnNotification,omitempty"`

	// EBGPMultiHop allows a peer of another ASN to be more than one hop away: packets are sent with a time to live of 255, or
	// of ebgpMultiHopTTL. It must not be set if the session is internal, because such peers may always be any number of hops away.
	// +optional
	EBGPMultiHop bool `json:"ebgpMultiHop,omitempty"`

	// EBGPMultiHopTTL is the time to live of packets to the peer with ebgpMultiHop, from 2 to 255: the peer may be that many hops
	// away. If unset, 255. MetalLB does not have this field.
	// +optional
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=255
	EBGPMultiHopTTL *int32 `json:"ebgpMultiHopTTL,omitempty"`

	// TTLSecurityHops is how many hops away the peer is at most, from 1 to 254, and turns on the generalized TTL security mechanism
	// (RFC 5082): packets are sent with a time to live of 255, and those that come from farther away are dropped by the kernel.
	// The peer must do the same. MetalLB does not have this field.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=254
	TTLSecurityHops *int32 `json:"ttlSecurityHops,omitempty"`

	// VRFName is the name of the VRF device on the nodes that connections to the peer are made from. A node without it reports
	// that in the BGPSessionState and has no session.
	// +optional
	// +kubebuilder:validation:MaxLength=15
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^[:space:]/:%]*$') && size(bytes(self)) <= 15 && self != '.' && self != '..'",message="must be the name of a network device, of up to 15 characters without space, /, : and %"
	VRFName string `json:"vrf,omitempty"`

	// DisableMP is deprecated and has no effect: the session carries routes of one address family unless dualStackAddressFamily is set.
	// +optional
	// +kubebuilder:default=false
	DisableMP bool `json:"disableMP,omitempty"`

	// DualStackAddressFamily carries IPv4 and IPv6 routes over one session (RFC 4760), as far as the peer agrees. Routes of the
	// family that is not that of peerAddress have an address of the node as next hop; IPv4 routes over an IPv6 session have the
	// IPv6 next hop instead if the peer takes those (RFC 8950).
	// +optional
	// +kubebuilder:default=false
	DualStackAddressFamily bool `json:"dualStackAddressFamily,omitempty"`

	// PerNode has values that nodes take from their own labels and annotations, so that one BGPPeer serves nodes with different ASNs,
	// routers, addresses or passwords. MetalLB does not have this field.
	// +optional
	PerNode *PerNode `json:"perNode,omitempty"`
}

// BGPPeerStatus is the observed state of a BGPPeer.
type BGPPeerStatus struct {
	// ObservedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions of the peer: Valid, and Ready, which is True if every desired session is established.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// DesiredSessions is the number of nodes that should have a session with the peer.
	// +optional
	DesiredSessions int32 `json:"desiredSessions"`
	// EstablishedSessions is the number of these sessions that are established.
	// +optional
	EstablishedSessions int32 `json:"establishedSessions"`
	// Sessions are both numbers, as "established/desired".
	// +optional
	Sessions string `json:"sessions,omitempty"`
	// LastError says why the session of the first node without one, by name, is not established, or that no node should have a
	// session. It is removed when all sessions are established.
	// +optional
	LastError string `json:"lastError,omitempty"`
}

// BGPPeer is a router that nodes announce services to.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=metallb
// +kubebuilder:printcolumn:name="Address",type=string,JSONPath=`.spec.peerAddress`
// +kubebuilder:printcolumn:name="ASN",type=string,JSONPath=`.spec.peerASN`
// +kubebuilder:printcolumn:name="Sessions",type=string,JSONPath=`.status.sessions`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Interface",type=string,JSONPath=`.spec.interface`,priority=1
// +kubebuilder:printcolumn:name="Default Gateway",type=string,JSONPath=`.spec.defaultGateway`,priority=1
// +kubebuilder:printcolumn:name="Local ASN",type=string,JSONPath=`.spec.myASN`,priority=1
// +kubebuilder:printcolumn:name="Port",type=integer,JSONPath=`.spec.peerPort`,priority=1
// +kubebuilder:printcolumn:name="Hold Time",type=string,JSONPath=`.spec.holdTime`,priority=1
// +kubebuilder:printcolumn:name="BFD Profile",type=string,JSONPath=`.spec.bfdProfile`,priority=1
// +kubebuilder:printcolumn:name="Multihop",type=boolean,JSONPath=`.spec.ebgpMultiHop`,priority=1
// +kubebuilder:printcolumn:name="Valid",type=string,JSONPath=`.status.conditions[?(@.type=="Valid")].status`,priority=1
// +kubebuilder:printcolumn:name="Last Error",type=string,JSONPath=`.status.lastError`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type BGPPeer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   BGPPeerSpec   `json:"spec"`
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
