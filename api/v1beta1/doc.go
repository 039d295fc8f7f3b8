// SPDX-License-Identifier: Apache-2.0

// Package v1beta1 holds the API types IPAddressPool, BGPAdvertisement, BFDProfile, Community, BGPSessionState, ServiceBGPStatus
// and ActiveConfiguration of group metallb.io, and the annotations, condition types and event reasons that go with them.
//
// +kubebuilder:object:generate=true
// +groupName=metallb.io
package v1beta1
