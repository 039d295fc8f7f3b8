// SPDX-License-Identifier: Apache-2.0

package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// CommunitySpec is the desired state of a Community.
type CommunitySpec struct {
	// Communities are the aliases that BGPAdvertisements may use in place of values. Each name may be defined once, in one
	// Community object.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:XValidation:rule="self.size() > 128 || self.all(a, self.exists_one(b, b.name == a.name))",message="duplicate definition of community: a name is defined twice; remove one"
	Communities []CommunityAlias `json:"communities,omitempty"`
}

// CommunityAlias is a name for a BGP community.
type CommunityAlias struct {
	// Name of the alias, without colon.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!self.contains(':')",message="must not have a colon, which would make it a value"
	Name string `json:"name"`
	// Value of the community: "a:b", "large:a:b:c", "rt:a:b", "soo:a:b", "bandwidth:a:b" or a well-known name; see communities of
	// BGPAdvertisements.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.startsWith('large:') || !self.matches('^[^:]*(:[^:]*){3}$')",message="invalid marker for large community: expected community to be of format large:a:b:c"
	// +kubebuilder:validation:XValidation:rule="self in ['no-export', 'no-advertise', 'no-export-subconfed', 'no-peer', 'graceful-shutdown', 'blackhole', 'accept-own', 'no-llgr'] || self.matches('^((large:[^:]*|rt|soo|bandwidth):)?[^:]*:[^:]*$') || self.matches('^[^:]*(:[^:]*){3}$')",message="invalid community format: write a:b, large:a:b:c, rt:a:b, soo:a:b, bandwidth:a:b or a well-known name"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^(large:[^:]*:)?[^:]*:[^:]*$') || (self.matches('^[0-9]{1,5}:[0-9]{1,5}$') && self.split(':').all(n, int(n) <= 65535)) || (self.matches('^large(:[0-9]{1,10}){3}$') && self.substring(6).split(':').all(n, int(n) <= 4294967295))",message="invalid community value: invalid section: must be a number from 0 to 65535, or to 4294967295 in a large community"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^(rt|soo):[^:]*:[^:]*$') || (self.matches('^[a-z]+:[0-9]{1,10}:[0-9]{1,10}$') && self.substring(self.indexOf(':') + 1).split(':').all(n, int(n) <= 4294967295) && (int(self.split(':')[1]) <= 65535 || self.matches(':[0-9]{1,5}$') && int(self.split(':')[2]) <= 65535)) || (self.matches('^[a-z]+:((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])[.]){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9]):[0-9]{1,5}$') && int(self.split(':')[2]) <= 65535)",message="invalid community value: invalid section: in rt:a:b and soo:a:b, a must be an ASN or an IPv4 address, and b a number from 0 to 65535, or to 4294967295 if a is from 0 to 65535"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^bandwidth:[^:]*:[^:]*$') || (self.matches('^bandwidth:[0-9]{1,5}:[0-9]{1,12}$') && int(self.split(':')[1]) <= 65535)",message="invalid community value: invalid section: in bandwidth:a:b, a must be an ASN from 0 to 65535, and b bytes per second from 0 to 999999999999"
	Value string `json:"value"`
}

// CommunityStatus is the observed state of a Community.
type CommunityStatus struct {
	// ObservedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Advertisements is the number of BGPAdvertisements that use an alias of this Community.
	// +optional
	Advertisements int32 `json:"advertisements"`
	// Conditions of the community: Valid.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Community defines aliases for BGP communities.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=metallb
// +kubebuilder:printcolumn:name="Communities",type=string,JSONPath=`.spec.communities`
// +kubebuilder:printcolumn:name="Used By",type=integer,JSONPath=`.status.advertisements`
// +kubebuilder:printcolumn:name="Valid",type=string,JSONPath=`.status.conditions[?(@.type=="Valid")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Community struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   CommunitySpec   `json:"spec,omitempty"`
	Status CommunityStatus `json:"status,omitempty"`
}

// CommunityList is a list of Communities.
//
// +kubebuilder:object:root=true
type CommunityList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Community `json:"items"`
}
