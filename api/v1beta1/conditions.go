// SPDX-License-Identifier: Apache-2.0

package v1beta1

// Types of conditions.
const (
	// ConditionValid is on every configuration object: True if the object is in force as written.
	ConditionValid = "Valid"
	// ConditionReady is on every BGPPeer: True if each node that should has its session with the peer established.
	ConditionReady = "Ready"
	// ConditionAllocated is on every Service that is served: True if it holds the addresses that it requests.
	ConditionAllocated = AnnotationPrefix + "Allocated"
	// ConditionAnnounced is on every Service that is served and has an address: True if a node announces an address of it to a
	// peer, on a session that is established.
	ConditionAnnounced = AnnotationPrefix + "Announced"
)

// Reasons of ConditionValid.
const (
	// ReasonAccepted: the object is in force as written.
	ReasonAccepted = "Accepted"
	// ReasonInvalidConfig: the object contradicts itself or another object; what was in force before stays so. It is a
	// reason of ConditionAllocated too: the Service holds what it requests, but the present pools would not give it that
	// any more.
	ReasonInvalidConfig = "InvalidConfig"
	// ReasonNotCompatibleWithAssignedIPs: services hold addresses that the object, as it is now, would not give them, or that
	// the advertisements, as they are now, would not announce.
	ReasonNotCompatibleWithAssignedIPs = "NotCompatibleWithAssignedIPs"
)

// Reasons of ConditionAllocated, and of the events that go with them; ReasonInvalidConfig is the third.
const (
	// ReasonIPAllocated: the Service holds what it requests.
	ReasonIPAllocated = "IPAllocated"
	// ReasonAllocationFailed: the request cannot be met; what the Service held before, it holds on.
	ReasonAllocationFailed = "AllocationFailed"
)

// Reasons of ConditionReady.
const (
	// ReasonSessionsEstablished: every session that should be is established.
	ReasonSessionsEstablished = "SessionsEstablished"
	// ReasonSessionsNotEstablished: some are not; the message names the first nodes and says why.
	ReasonSessionsNotEstablished = "SessionsNotEstablished"
	// ReasonNoNodes: no node is to have a session with the peer.
	ReasonNoNodes = "NoNodes"
)

// Reasons of ConditionAnnounced. ReasonNoNodes, no node may announce, and ReasonSessionsNotEstablished, no session that there
// should be is, are the others.
const (
	// ReasonAnnounced: every address of the Service is announced. The message says from how many nodes to which peers, and what
	// is lacking there.
	ReasonAnnounced = "Announced"
	// ReasonPartlyAnnounced: some addresses of the Service are announced and some are not.
	ReasonPartlyAnnounced = "PartlyAnnounced"
	// ReasonNoPool: the address is in no IPAddressPool.
	ReasonNoPool = "NoPool"
	// ReasonNoAdvertisement: no BGPAdvertisement selects the pool, or none that does selects the Service.
	ReasonNoAdvertisement = "NoAdvertisement"
	// ReasonNoEndpoints: no endpoint serves or, with externalTrafficPolicy Local, none on a node that may announce.
	ReasonNoEndpoints = "NoEndpoints"
	// ReasonNoPeers: no BGPPeer of the address's family is there for the nodes that may announce.
	ReasonNoPeers = "NoPeers"
)

// ReasonInUse is a reason why an ActiveConfiguration is held: services hold addresses of the pool, which is deleted.
const ReasonInUse = "InUse"
