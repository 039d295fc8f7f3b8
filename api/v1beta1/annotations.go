// SPDX-License-Identifier: Apache-2.0

package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
	// AnnotationTakenOverBy is written to a service that waits for an address when another controller becomes the active one without
	// the lease having been given to it: it changes the version of the service, so that a late write of the former one is refused. The
	// value is the identity of the new holder of the lease. The next write of the service removes it.
	AnnotationTakenOverBy = AnnotationPrefix + "taken-over-by"
)

// AnnotationAllowDisruption on a configuration object, with the value "true", says that its operator means it: what the
// object takes from services is a warning, not a reason to refuse it, and services move to other addresses where they can.
const AnnotationAllowDisruption = AnnotationPrefix + "allow-disruption"

// AllowsDisruption reports whether the object has AnnotationAllowDisruption with the value "true".
func AllowsDisruption(o metav1.Object) bool {
	return o.GetAnnotations()[AnnotationAllowDisruption] == "true"
}
