// SPDX-License-Identifier: Apache-2.0

package v1beta1

// Annotations on a Service. Each is also read under DeprecatedAnnotationPrefix, which earlier releases used.
const (
	// AnnotationPrefix starts every annotation of this API.
	AnnotationPrefix = "metallb.io/"
	// DeprecatedAnnotationPrefix is the prefix of the first releases; it is read, with a warning event, never written.
	DeprecatedAnnotationPrefix = "metallb.universe.tf/"

	// AnnotationLoadBalancerIPs requests addresses: comma-separated, at most one per family.
	AnnotationLoadBalancerIPs = AnnotationPrefix + "loadBalancerIPs"
	// AnnotationAddressPool requests the pool that the addresses come from.
	AnnotationAddressPool = AnnotationPrefix + "address-pool"
	// AnnotationAllowSharedIP is the sharing key: services with equal keys may hold the same address.
	AnnotationAllowSharedIP = AnnotationPrefix + "allow-shared-ip"
	// AnnotationIPAllocatedFromPool is written with the addresses: the pool they come from, or, where they come from
	// different pools, one for each address, in their order, separated by commas.
	AnnotationIPAllocatedFromPool = AnnotationPrefix + "ip-allocated-from-pool"
)
