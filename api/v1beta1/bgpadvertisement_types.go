// SPDX-License-Identifier: Apache-2.0

package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BGPAdvertisementSpec is the desired state of a BGPAdvertisement. An empty selector or list selects everything: an empty spec
// announces every address of every pool, from every node, to every peer.
//
// +kubebuilder:validation:XValidation:rule="!has(self.serviceSelectors) || size(self.serviceSelectors) == 0 || !has(self.aggregationLength) || self.aggregationLength == 32",message="serviceSelectors and aggregationLength are mutually exclusive, both cannot be set; remove one",fieldPath=".aggregationLength",reason="FieldValueForbidden"
// +kubebuilder:validation:XValidation:rule="!has(self.serviceSelectors) || size(self.serviceSelectors) == 0 || !has(self.aggregationLengthV6) || self.aggregationLengthV6 == 128",message="serviceSelectors and aggregationLengthV6 are mutually exclusive, both cannot be set; remove one",fieldPath=".aggregationLengthV6",reason="FieldValueForbidden"
type BGPAdvertisementSpec struct {
	// AggregationLength is the length of the IPv4 prefixes that are announced, from 1 to 32. With 32, each address is announced by
	// itself. With a smaller number, a prefix is announced while any service has an address in it. Every range of the pools must
	// be at least as large as such a prefix; otherwise addresses outside of the pools would be announced.
	// +optional
	// +kubebuilder:default=32
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=32
	AggregationLength *int32 `json:"aggregationLength,omitempty"`

	// AggregationLengthV6 is the length of the IPv6 prefixes that are announced, from 1 to 128. With 128, each address is announced
	// by itself. See aggregationLength.
	// +optional
	// +kubebuilder:default=128
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=128
	AggregationLengthV6 *int32 `json:"aggregationLengthV6,omitempty"`

	// LocalPref is the LOCAL_PREF of the routes (RFC 4271 section 5.1.5), from 0 to 4294967295. It is sent only to
	// peers of the same ASN, which prefer the route with the highest. If unset or 0, 100 is sent.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	// +kubebuilder:validation:Format=int64
	LocalPref uint32 `json:"localPref,omitempty"`

	// ASPathPrepend is how many additional times the local ASN is in the AS path of the routes (RFC 4271 section 5.1.2), from 0
	// to 10; with 2 it occurs three times. Routers prefer the route with the shorter AS path if all else is equal. Nothing is
	// prepended for peers of the same ASN, because they would take a path that has their own ASN for a loop.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10
	ASPathPrepend uint8 `json:"asPathPrepend,omitempty"`

	// MED is the MULTI_EXIT_DISC of the routes (RFC 4271 section 5.1.4), from 0 to 4294967295. Routers that have several routes from
	// one neighboring ASN, with one local preference and AS paths of one length, prefer the one with the lowest. It is sent to all
	// peers; routers of another ASN do not pass it on to a third. If unset, none is sent, which routers commonly take for 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	// +kubebuilder:validation:Format=int64
	MED *uint32 `json:"med,omitempty"`

	// WeightByEndpoints says whether routes of services with externalTrafficPolicy Local have a link bandwidth (RFC 10005) in
	// proportion to the endpoints on the node: 125,000 bytes per second, which is 1 Mbit/s, for each. Routers with weighted
	// multipath then send each endpoint as many connections, whichever node it is on. It replaces a link bandwidth among the communities. Routes of services
	// with externalTrafficPolicy Cluster, and aggregated routes, have none.
	// +optional
	WeightByEndpoints bool `json:"weightByEndpoints,omitempty"`

	// Communities of the routes: "a:b" with numbers from 0 to 65535 (RFC 1997); "large:a:b:c" with numbers from 0 to
	// 4294967295 (RFC 8092); "rt:a:b" and "soo:a:b", a route target and a route origin (RFC 4360), where a is an ASN or an IPv4
	// address, and b a number from 0 to 65535, or to 4294967295 if a is an ASN from 0 to 65535; "bandwidth:a:b", a link bandwidth
	// (RFC 10005), where a is an ASN from 0 to 65535, and b bytes per second; a well-known community: no-export, no-advertise,
	// no-export-subconfed, no-peer, graceful-shutdown, blackhole, accept-own or no-llgr; or the name of an alias that a
	// Community object defines, which takes precedence over a well-known name.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.startsWith('large:') || !self.matches('^[^:]*(:[^:]*){3}$')",message="invalid marker for large community: expected community to be of format large:a:b:c"
	// +kubebuilder:validation:items:XValidation:rule="!self.contains(':') || self.matches('^((large:[^:]*|rt|soo|bandwidth):)?[^:]*:[^:]*$') || self.matches('^[^:]*(:[^:]*){3}$')",message="invalid community format: write a:b, large:a:b:c, rt:a:b, soo:a:b, bandwidth:a:b or a well-known name, or the name of an alias"
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('^(large:[^:]*:)?[^:]*:[^:]*$') || (self.matches('^[0-9]{1,5}:[0-9]{1,5}$') && self.split(':').all(n, int(n) <= 65535)) || (self.matches('^large(:[0-9]{1,10}){3}$') && self.substring(6).split(':').all(n, int(n) <= 4294967295))",message="invalid community value: invalid section: must be a number from 0 to 65535, or to 4294967295 in a large community"
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('^(rt|soo):[^:]*:[^:]*$') || (self.matches('^[a-z]+:[0-9]{1,10}:[0-9]{1,10}$') && self.substring(self.indexOf(':') + 1).split(':').all(n, int(n) <= 4294967295) && (int(self.split(':')[1]) <= 65535 || self.matches(':[0-9]{1,5}$') && int(self.split(':')[2]) <= 65535)) || (self.matches('^[a-z]+:((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])[.]){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9]):[0-9]{1,5}$') && int(self.split(':')[2]) <= 65535)",message="invalid community value: invalid section: in rt:a:b and soo:a:b, a must be an ASN or an IPv4 address, and b a number from 0 to 65535, or to 4294967295 if a is from 0 to 65535"
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('^bandwidth:[^:]*:[^:]*$') || (self.matches('^bandwidth:[0-9]{1,5}:[0-9]{1,12}$') && int(self.split(':')[1]) <= 65535)",message="invalid community value: invalid section: in bandwidth:a:b, a must be an ASN from 0 to 65535, and b bytes per second from 0 to 999999999999"
	Communities []string `json:"communities,omitempty"`

	// IPAddressPools whose addresses are announced, by name, in addition to those that ipAddressPoolSelectors select.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1024
	// +kubebuilder:validation:items:MaxLength=253
	IPAddressPools []string `json:"ipAddressPools,omitempty"`

	// IPAddressPoolSelectors select, by label, pools whose addresses are announced: those that match any of them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	IPAddressPoolSelectors []metav1.LabelSelector `json:"ipAddressPoolSelectors,omitempty"`

	// NodeSelectors select, by label, the nodes that announce: those that match any of them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	NodeSelectors []metav1.LabelSelector `json:"nodeSelectors,omitempty"`

	// Peers to announce to, by the names of their BGPPeer objects.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1024
	// +kubebuilder:validation:items:MaxLength=253
	Peers []string `json:"peers,omitempty"`

	// ServiceSelectors select, by label, the services whose addresses are announced: those that match any of them. They
	// cannot be used with aggregation, because a prefix has addresses of several services.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	ServiceSelectors []metav1.LabelSelector `json:"serviceSelectors,omitempty"`
}

// BGPAdvertisementStatus is the observed state of a BGPAdvertisement.
type BGPAdvertisementStatus struct {
	// ObservedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// NodesIPv4 is the number of nodes that can announce IPv4 addresses by this advertisement: nodeSelectors select them, they are
	// not excluded from load balancing, and a selected BGPPeer with an IPv4 address selects them.
	// +optional
	NodesIPv4 int32 `json:"nodesIPv4"`
	// NodesIPv6 is the number of nodes that can announce IPv6 addresses by this advertisement.
	// +optional
	NodesIPv6 int32 `json:"nodesIPv6"`
	// PoolCount is the number of IPAddressPools that this advertisement announces.
	// +optional
	PoolCount int32 `json:"poolCount"`
	// Pools are the names of these IPAddressPools; the first ten if there are more.
	// +optional
	// +listType=set
	Pools []string `json:"pools,omitempty"`
	// PeerCount is the number of BGPPeers that this advertisement announces to, whether or not their sessions are established.
	// +optional
	PeerCount int32 `json:"peerCount"`
	// Peers are the names of these BGPPeers; the first ten if there are more.
	// +optional
	// +listType=set
	Peers []string `json:"peers,omitempty"`
	// Services is the number of Services that this advertisement selects and that have an address of these pools. It is updated
	// with a delay.
	// +optional
	Services int32 `json:"services"`
	// Conditions of the advertisement: Valid.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// BGPAdvertisement says which addresses are announced, by which nodes, to which peers and with which attributes.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=metallb
// +kubebuilder:printcolumn:name="IPAddressPools",type=string,JSONPath=`.spec.ipAddressPools`
// +kubebuilder:printcolumn:name="IPAddressPool Selectors",type=string,JSONPath=`.spec.ipAddressPoolSelectors`
// +kubebuilder:printcolumn:name="Peers",type=string,JSONPath=`.spec.peers`
// +kubebuilder:printcolumn:name="Node Selectors",type=string,JSONPath=`.spec.nodeSelectors`,priority=1
// +kubebuilder:printcolumn:name="Service Selectors",type=string,JSONPath=`.spec.serviceSelectors`,priority=1
// +kubebuilder:printcolumn:name="Covered Pools",type=string,JSONPath=`.status.pools`,priority=1
// +kubebuilder:printcolumn:name="Covered Peers",type=string,JSONPath=`.status.peers`,priority=1
// +kubebuilder:printcolumn:name="Nodes V4",type=integer,JSONPath=`.status.nodesIPv4`,priority=1
// +kubebuilder:printcolumn:name="Nodes V6",type=integer,JSONPath=`.status.nodesIPv6`,priority=1
// +kubebuilder:printcolumn:name="Services",type=integer,JSONPath=`.status.services`
// +kubebuilder:printcolumn:name="Valid",type=string,JSONPath=`.status.conditions[?(@.type=="Valid")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type BGPAdvertisement struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +optional
	Spec   BGPAdvertisementSpec   `json:"spec,omitempty"`
	Status BGPAdvertisementStatus `json:"status,omitempty"`
}

// BGPAdvertisementList is a list of BGPAdvertisements.
//
// +kubebuilder:object:root=true
type BGPAdvertisementList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []BGPAdvertisement `json:"items"`
}
