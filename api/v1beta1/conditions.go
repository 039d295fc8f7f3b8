// SPDX-License-Identifier: Apache-2.0

package v1beta1

// ConditionValid is the type of the condition on every configuration object: True if the object is in force as written.
const ConditionValid = "Valid"

// Reasons of ConditionValid.
const (
	// ReasonAccepted: the object is in force as written.
	ReasonAccepted = "Accepted"
	// ReasonInvalidConfig: the object contradicts itself or another object; what was in force before stays so.
	ReasonInvalidConfig = "InvalidConfig"
	// ReasonNotCompatibleWithAssignedIPs: services hold addresses that the object, as it is now, would not give them.
	ReasonNotCompatibleWithAssignedIPs = "NotCompatibleWithAssignedIPs"
)
