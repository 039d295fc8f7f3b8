// SPDX-License-Identifier: Apache-2.0

package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Labels of a ServiceBGPStatus, besides LabelNode. A name that is too long for a label is cut, and ends in a hash of the full
// name.
const (
	// LabelServiceName is the name of the Service.
	LabelServiceName = "metallb.io/service-name"
	// LabelServiceNamespace is the namespace of the Service.
	LabelServiceNamespace = "metallb.io/service-namespace"
)

// ServiceBGPStatusSpec is empty: there is nothing to configure.
type ServiceBGPStatusSpec struct{}

// ServiceBGPStatusStatus lists the peers that a node announces a service to.
type ServiceBGPStatusStatus struct {
	// Node is the name of the node.
	// +optional
	Node string `json:"node,omitempty"`
	// ServiceName is the name of the Service.
	// +optional
	ServiceName string `json:"serviceName,omitempty"`
	// ServiceNamespace is the namespace of the Service.
	// +optional
	ServiceNamespace string `json:"serviceNamespace,omitempty"`
	// Peers are the names of the BGPPeers that the service is announced to over established sessions.
	// +optional
	// +listType=set
	Peers []string `json:"peers,omitempty"`
}

// ServiceBGPStatus lists the peers that a node announces a service to. Speakers write it if they run with
// --service-bgp-status; there is nothing to configure. It is deleted together with its Node, and when the node no longer
// announces the service.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=metallb
// +kubebuilder:printcolumn:name="Node",type=string,JSONPath=`.status.node`
// +kubebuilder:printcolumn:name="Service Name",type=string,JSONPath=`.status.serviceName`
// +kubebuilder:printcolumn:name="Service Namespace",type=string,JSONPath=`.status.serviceNamespace`
// +kubebuilder:printcolumn:name="Peers",type=string,JSONPath=`.status.peers`,priority=1
type ServiceBGPStatus struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ServiceBGPStatusSpec   `json:"spec,omitempty"`
	Status ServiceBGPStatusStatus `json:"status,omitempty"`
}

// ServiceBGPStatusList is a list of ServiceBGPStatuses.
//
// +kubebuilder:object:root=true
type ServiceBGPStatusList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ServiceBGPStatus `json:"items"`
}
