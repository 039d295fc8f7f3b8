// SPDX-License-Identifier: Apache-2.0

// Package v1beta2 holds the API type BGPPeer of group metallb.io.
//
// +kubebuilder:object:generate=true
// +groupName=metallb.io
package v1beta2
