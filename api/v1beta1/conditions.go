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
