// SPDX-License-Identifier: Apache-2.0

package v1beta1

// Types of conditions.
const (
	// ConditionValid is on every configuration object: True if the object is in use as written.
	ConditionValid = "Valid"
	// ConditionReady is on every BGPPeer: True if every node that should have a session with the
	// peer has it established.
	ConditionReady = "Ready"
	// ConditionAllocated is on every Service of type LoadBalancer that MetalLB serves: True if the Service has the addresses
	// that it requests.
	ConditionAllocated = AnnotationPrefix + "Allocated"
	// ConditionAnnounced is on every Service that has an address from MetalLB: True if at least one node announces an address of
	// the Service to a peer over an established session.
	ConditionAnnounced = AnnotationPrefix + "Announced"
	// ConditionDrained is on every BGPSessionState of a node that drains or is drained, and on no other: True if the node announces nothing
	// any more, so that it is safe to switch off.
	ConditionDrained = "Drained"
)

// Reasons of ConditionDrained.
const (
	// ReasonDraining: routers are asked to prefer other nodes, before the node withdraws its routes.
	ReasonDraining = "Draining"
	// ReasonProxyFailing: routers are asked to prefer other nodes as long as the node's service proxy is not healthy. Nothing is withdrawn for
	// it.
	ReasonProxyFailing = "ProxyFailing"
	// ReasonDrained: the node has withdrawn its routes.
	ReasonDrained = "Drained"
)

// Reasons of ConditionValid.
const (
	// ReasonAccepted: the object is in use as written.
	ReasonAccepted = "Accepted"
	// ReasonInvalidConfig: the object is invalid or contradicts another object. The version that was in use before stays in use. Or it is a BGPPeer
	// that is in use without the BFDProfile that it names.
	// It is also a reason of ConditionAllocated: the Service keeps its addresses, but the pools as they are now would not give
	// them to it.
	ReasonInvalidConfig = "InvalidConfig"
	// ReasonNotCompatibleWithAssignedIPs: the change of the object would take an address, or the last route to it, from a Service.
	ReasonNotCompatibleWithAssignedIPs = "NotCompatibleWithAssignedIPs"
)

// Reasons of ConditionAllocated and of its events. ReasonInvalidConfig is one too.
const (
	// ReasonIPAllocated: the Service has the addresses that it requests.
	ReasonIPAllocated = "IPAllocated"
	// ReasonAllocationFailed: the request cannot be met. The Service keeps the addresses that it had before.
	ReasonAllocationFailed = "AllocationFailed"
)

// Reasons of ConditionReady.
const (
	// ReasonSessionsEstablished: all sessions are established.
	ReasonSessionsEstablished = "SessionsEstablished"
	// ReasonSessionsNotEstablished: some sessions are not established. The message names the first nodes and says why.
	ReasonSessionsNotEstablished = "SessionsNotEstablished"
	// ReasonNoNodes: the peer selects no node.
	ReasonNoNodes = "NoNodes"
)

// Reasons of ConditionAnnounced. ReasonNoNodes (no node can announce) and ReasonSessionsNotEstablished (no session to announce
// over is established) are reasons too.
const (
	// ReasonAnnounced: every address of the Service is announced. The message says from how many nodes, to which peers, and what
	// is missing.
	ReasonAnnounced = "Announced"
	// ReasonPartlyAnnounced: some addresses of the Service are announced, and others are not.
	ReasonPartlyAnnounced = "PartlyAnnounced"
	// ReasonNoPool: the address is in no IPAddressPool.
	ReasonNoPool = "NoPool"
	// ReasonNoAdvertisement: no BGPAdvertisement selects both the pool and the Service.
	ReasonNoAdvertisement = "NoAdvertisement"
	// ReasonNoEndpoints: the Service has no ready endpoint; with externalTrafficPolicy Local, none on a node that can announce.
	ReasonNoEndpoints = "NoEndpoints"
	// ReasonNoPeers: no BGPPeer of the address's family selects a node that can announce.
	ReasonNoPeers = "NoPeers"
)

// ReasonInUse is a reason why an ActiveConfiguration is held: services hold addresses of the pool, which is deleted.
const ReasonInUse = "InUse"
