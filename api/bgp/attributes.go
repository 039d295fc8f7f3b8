// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Attributes are those of a route of which it has one: advertisements of one route have to agree in them. They are comparable.
type Attributes struct {
	// LocalPref is the LOCAL_PREF to announce to internal peers, at least 1.
	LocalPref uint32
	// ASPathPrepend is how many times the local ASN is prepended to the AS path besides the once that is due, from 0 to 10.
	ASPathPrepend uint8
	// MED is the MULTI_EXIT_DISC to announce.
	MED MED
	// WeightByEndpoints is whether paths of services with externalTrafficPolicy Local are to say how many endpoints the node has.
	WeightByEndpoints bool
}

// MED is a MULTI_EXIT_DISC (RFC 4271 section 5.1.4), or none.
type MED struct {
	Value uint32
	// IsSet is false for none; then Value is 0.
	IsSet bool
}

// NewMED returns the MED of the value; none for nil.
func NewMED(value *uint32) MED {
	if value == nil {
		return MED{}
	}
	return MED{Value: *value, IsSet: true}
}

// Pointer returns the value; nil if there is none.
func (m MED) Pointer() *uint32 {
	if !m.IsSet {
		return nil
	}
	return &m.Value
}

// Min returns the one that routers prefer: the lower one. They take none for the lowest (RFC 4271 section 9.1.2.2 c).
func (m MED) Min(o MED) MED {
	if !m.IsSet || o.IsSet && m.Value <= o.Value {
		return m
	}
	return o
}

// written is the value as an error about the field shows it.
func (m MED) written() any {
	if !m.IsSet {
		return field.OmitValueType{}
	}
	return int64(m.Value)
}

// String returns the value, or none.
func (m MED) String() string {
	if !m.IsSet {
		return "none"
	}
	return fmt.Sprint(m.Value)
}
