// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ActiveConfigurationSpec is one configuration object in the version that is in use.
type ActiveConfigurationSpec struct {
	// Kind of the configuration object.
	// +kubebuilder:validation:Enum=IPAddressPool;BGPAdvertisement;BGPPeer;Community
	Kind string `json:"kind"`
	// Name of the configuration object, which is in the same namespace.
	// +kubebuilder:validation:MinLength=1
	Name string `json:"name"`
	// UID of the configuration object.
	// +optional
	UID string `json:"uid,omitempty"`
	// Generation of the configuration object that is in use.
	// +optional
	Generation int64 `json:"generation,omitempty"`
	// Labels of the configuration object.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// AllowDisruption is true if the object has the annotation metallb.io/allow-disruption.
	// +optional
	AllowDisruption bool `json:"allowDisruption,omitempty"`
	// Object is the spec of the configuration object.
	// +optional
	// +kubebuilder:pruning:PreserveUnknownFields
	Object runtime.RawExtension `json:"object,omitempty"`
}

// ActiveConfigurationStatus says whether the version in use is the one that is written.
type ActiveConfigurationStatus struct {
	// Held is true if the configuration object has changed or is deleted, and this version of it stays in use.
	// +optional
	Held bool `json:"held,omitempty"`
	// Reason why it is held: InvalidConfig, NotCompatibleWithAssignedIPs or InUse.
	// +optional
	Reason string `json:"reason,omitempty"`
	// Message says what keeps the change from taking effect, and what to do.
	// +optional
	Message string `json:"message,omitempty"`
}

// ActiveConfiguration is the version of one configuration object that the controller and the speakers use. The controller
// writes it, with the name KIND.NAME in lower case. It differs from the configuration object only while a change of that is
// held back: the object is invalid, or the change takes the last route from a service and that is not allowed.
//
// Deleting an ActiveConfiguration makes the held change take effect, also if the configuration object is deleted.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:categories=metallb-status
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.spec.kind`
// +kubebuilder:printcolumn:name="Object",type=string,JSONPath=`.spec.name`
// +kubebuilder:printcolumn:name="Generation",type=integer,JSONPath=`.spec.generation`
// +kubebuilder:printcolumn:name="Held",type=boolean,JSONPath=`.status.held`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.reason`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.message`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ActiveConfiguration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec ActiveConfigurationSpec `json:"spec"`
	// +optional
	Status ActiveConfigurationStatus `json:"status,omitempty"`
}

// ActiveConfigurationList is a list of ActiveConfigurations.
//
// +kubebuilder:object:root=true
type ActiveConfigurationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ActiveConfiguration `json:"items"`
}
