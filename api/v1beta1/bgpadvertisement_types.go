// SPDX-License-Identifier: Apache-2.0

package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BGPAdvertisementSpec is the desired state of a BGPAdvertisement. What selects nothing selects everything.
type BGPAdvertisementSpec struct {
	// AggregationLength is the IPv4 prefix length that addresses are announced with; 32 announces each address by itself.
	// +optional
	// +kubebuilder:default=32
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=32
	AggregationLength *int32 `json:"aggregationLength,omitempty"`

	// AggregationLengthV6 is the IPv6 prefix length that addresses are announced with; 128 announces each address by itself.
	// +optional
	// +kubebuilder:default=128
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=128
	AggregationLengthV6 *int32 `json:"aggregationLengthV6,omitempty"`

	// LocalPref is the BGP LOCAL_PREF of the routes (RFC 4271 section 5.1.5), which only peers of the same ASN receive.
	// +optional
	LocalPref uint32 `json:"localPref,omitempty"`

	// Communities to announce the routes with: "a:b" (RFC 1997), "large:a:b:c" (RFC 8092) or the name of an alias that a
	// Community object defines.
	// +optional
	Communities []string `json:"communities,omitempty"`

	// IPAddressPools whose addresses are announced, by name.
	// +optional
	IPAddressPools []string `json:"ipAddressPools,omitempty"`

	// IPAddressPoolSelectors select, by label, further pools whose addresses are announced.
	// +optional
	IPAddressPoolSelectors []metav1.LabelSelector `json:"ipAddressPoolSelectors,omitempty"`

	// NodeSelectors select, by label, the nodes that announce.
	// +optional
	NodeSelectors []metav1.LabelSelector `json:"nodeSelectors,omitempty"`

	// Peers to announce to, by the names of their BGPPeer objects.
	// +optional
	Peers []string `json:"peers,omitempty"`

	// ServiceSelectors select, by label, the services whose addresses are announced.
	// +optional
	ServiceSelectors []metav1.LabelSelector `json:"serviceSelectors,omitempty"`
}

// BGPAdvertisementStatus is the observed state of a BGPAdvertisement.
type BGPAdvertisementStatus struct {
	// ObservedGeneration is the generation of the spec that this status tells of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
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
type BGPAdvertisement struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

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
