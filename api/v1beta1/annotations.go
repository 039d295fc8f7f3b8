// SPDX-License-Identifier: Apache-2.0

package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Annotations on a Service. Each is also read with DeprecatedAnnotationPrefix.
const (
	// AnnotationPrefix is the prefix of every annotation of this API.
	AnnotationPrefix = "metallb.io/"
	// DeprecatedAnnotationPrefix is the prefix that MetalLB used before 0.13. It is read, with a warning event, and never written.
	DeprecatedAnnotationPrefix = "metallb.universe.tf/"

	// AnnotationLoadBalancerIPs requests addresses: comma-separated, at most one per family.
	AnnotationLoadBalancerIPs = AnnotationPrefix + "loadBalancerIPs"
	// AnnotationAddressPool requests the pool that the addresses come from.
	AnnotationAddressPool = AnnotationPrefix + "address-pool"
	// AnnotationAllowSharedIP is the sharing key: services with equal keys may hold the same address.
	AnnotationAllowSharedIP = AnnotationPrefix + "allow-shared-ip"
	// AnnotationIPAllocatedFromPool is written by the controller: the pool that the addresses come from. If they come from
	// different pools, it lists the pool of each address, in the order of the addresses, separated by commas.
	AnnotationIPAllocatedFromPool = AnnotationPrefix + "ip-allocated-from-pool"
	// AnnotationTakenOverBy is written to a service that waits for an address when another controller becomes the active one without
	// the lease having been given to it: it changes the version of the service, so that a late write of the former one is refused. The
	// value is the identity of the new holder of the lease. The next write of the service removes it.
	AnnotationTakenOverBy = AnnotationPrefix + "taken-over-by"
)

// AnnotationAllowDisruption on a configuration object, with the value "true", allows changes that take addresses or routes from
// services: such a change is made with a warning instead of being refused, and services move to other addresses if there are any.
const AnnotationAllowDisruption = AnnotationPrefix + "allow-disruption"

// LabelDrain on a Node, with any value, takes the node out of service: its routes drain, and are withdrawn when the routers have had time to
// use others.
const LabelDrain = AnnotationPrefix + "drain"

// AllowsDisruption reports whether the object has AnnotationAllowDisruption with the value "true".
func AllowsDisruption(o metav1.Object) bool {
	return o.GetAnnotations()[AnnotationAllowDisruption] == "true"
}
