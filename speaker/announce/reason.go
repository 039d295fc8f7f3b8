// SPDX-License-Identifier: Apache-2.0

package announce

// Reason says why a node does not announce an address of a service. None is an error: each stands until something that
// is watched changes.
type Reason string

// Reasons, in the order in which they are looked for. The first that applies is given.
const (
	// NotLoadBalancer: the service is not, or not any more, of type LoadBalancer.
	NotLoadBalancer Reason = "notLoadBalancer"
	// OtherLoadBalancerClass: the service's spec.loadBalancerClass leaves it to another load balancer.
	OtherLoadBalancerClass Reason = "otherLoadBalancerClass"
	// NoIPAllocated: the service has no address.
	NoIPAllocated Reason = "noIPAllocated"
	// InvalidIP: what the service's status has for an address is none.
	InvalidIP Reason = "invalidIP"
	// IPNotAllowed: the address is in no pool and was not allocated from one.
	IPNotAllowed Reason = "ipNotAllowed"
	// NotOwner: no advertisement of the address's pool selects this node.
	NotOwner Reason = "notOwner"
	// NoMatchingAdvertisement: advertisements of the pool select this node, but none the service.
	NoMatchingAdvertisement Reason = "noMatchingAdvertisement"
	// NodeNetworkUnavailable: the node's condition NetworkUnavailable is true.
	NodeNetworkUnavailable Reason = "nodeNetworkUnavailable"
	// NodeExcluded: the node is drained, since it has the label node.kubernetes.io/exclude-from-external-load-balancers.
	NodeExcluded Reason = "nodeLabeledExcludeBalancers"
	// NodeDrained: the node is drained, for another signal.
	NodeDrained Reason = "nodeDrained"
	// NodeProxyNotReady: the node's service proxy does not forward connections to addresses of the family yet.
	NodeProxyNotReady Reason = "nodeProxyNotReady"
	// NoLocalEndpoints: externalTrafficPolicy is Local and no endpoint on this node can serve.
	NoLocalEndpoints Reason = "noLocalEndpoints"
	// NoEndpoints: externalTrafficPolicy is Cluster and no endpoint on any node can serve.
	NoEndpoints Reason = "noEndpoints"
	// NoPeer: this node has no session of the address's family with a peer that an advertisement selects.
	NoPeer Reason = "noPeer"
)

// Describe returns the reason as part of a sentence.
func (r Reason) Describe() string {
	switch r {
	case NotLoadBalancer:
		return "the service is not of type LoadBalancer"
	case OtherLoadBalancerClass:
		return "spec.loadBalancerClass leaves the service to another load balancer"
	case NoIPAllocated:
		return "the service has no address"
	case InvalidIP:
		return "status.loadBalancer.ingress has something that is no IP address"
	case IPNotAllowed:
		return "the address is in no IPAddressPool"
	case NotOwner:
		return "no BGPAdvertisement for the address selects the node"
	case NoMatchingAdvertisement:
		return "no BGPAdvertisement selects the service"
	case NodeNetworkUnavailable:
		return "the node's network is unavailable"
	case NodeExcluded:
		return "the node is labeled node.kubernetes.io/exclude-from-external-load-balancers"
	case NodeDrained:
		return "the node is drained"
	case NodeProxyNotReady:
		return "the node's service proxy does not forward connections yet"
	case NoLocalEndpoints:
		return "externalTrafficPolicy is Local and no endpoint on the node is ready"
	case NoEndpoints:
		return "no endpoint is ready"
	case NoPeer:
		return "no BGPPeer of the address's family selects the node"
	default:
		return string(r)
	}
}
