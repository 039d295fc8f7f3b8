// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta1"
)

// Values that a BFDProfile has if it sets none.
const (
	// DefaultBFDInterval is between control packets, in both directions.
	DefaultBFDInterval = 300 * time.Millisecond
	// DefaultBFDEchoInterval is between echo packets.
	DefaultBFDEchoInterval = 50 * time.Millisecond
	// DefaultDetectMultiplier is how many packets have to be lost.
	DefaultDetectMultiplier uint8 = 3
	// DefaultMinimumTTL is that of packets that one router has forwarded.
	DefaultMinimumTTL uint8 = 254
)

// BFDProfile is what a BFDProfile means, defaults applied. ParseBFDProfile makes it, so that every field is valid. It is comparable; the
// zero value stands for no BFD.
type BFDProfile struct {
	// Name is the object's.
	Name string
	// ReceiveInterval, TransmitInterval and EchoInterval are the Required Min RX, the Desired Min TX and the Required Min Echo RX Interval of RFC
	// 5880 section 4.1, in whole milliseconds from 10 ms to a minute. The Echo Interval is that of echo packets that are sent as well.
	ReceiveInterval, TransmitInterval, EchoInterval time.Duration
	// DetectMultiplier is the Detect Mult of RFC 5880 section 4.1, at least 2.
	DetectMultiplier uint8
	// Echo is whether echo packets are to be sent (RFC 5880 section 3.2).
	Echo bool
	// Passive is whether nothing is sent before the peer has sent a packet (RFC 5880 section 6.1).
	Passive bool
	// MinimumTTL is the least time to live of packets from a peer that may be more than one hop away, from 1 to 254. What comes from one that may
	// not has 255 (RFC 5881 section 5).
	MinimumTTL uint8
}

// IsSet reports whether there is a profile.
func (p BFDProfile) IsSet() bool { return p.DetectMultiplier > 0 }

// ParseBFDProfile returns what the object means, or every error in it, each with field, value and remedy.
func ParseBFDProfile(o *v1beta1.BFDProfile) (BFDProfile, field.ErrorList) {
	r := bfdReader{spec: field.NewPath("spec")}
	s := &o.Spec
	profile := BFDProfile{
		Name:             o.Name,
		ReceiveInterval:  r.interval("receiveInterval", s.ReceiveInterval, DefaultBFDInterval),
		TransmitInterval: r.interval("transmitInterval", s.TransmitInterval, DefaultBFDInterval),
		EchoInterval:     r.interval("echoInterval", s.EchoInterval, DefaultBFDEchoInterval),
		DetectMultiplier: r.number("detectMultiplier", s.DetectMultiplier, DefaultDetectMultiplier, 2, 255),
		Echo:             s.EchoMode,
		Passive:          s.PassiveMode,
		MinimumTTL:       r.number("minimumTtl", s.MinimumTTL, DefaultMinimumTTL, 1, 254),
	}
	if len(r.errs) > 0 {
		return BFDProfile{}, r.errs
	}
	return profile, nil
}

// bfdReader reads a BFDProfile's fields and gathers what is wrong with them.
type bfdReader struct {
	spec *field.Path
	errs field.ErrorList
}

func (r *bfdReader) interval(name string, milliseconds *int32, unset time.Duration) time.Duration {
	const least, most = 10, 60000
	if milliseconds == nil {
		return unset
	}
	if *milliseconds < least || *milliseconds > most {
		r.errs = append(r.errs, field.Invalid(r.spec.Child(name), *milliseconds, fmt.Sprintf("must be from %d to %d, in milliseconds", least, most)))
	}
	return time.Duration(*milliseconds) * time.Millisecond
}

func (r *bfdReader) number(name string, written *int32, unset, least, most uint8) uint8 {
	if written == nil {
		return unset
	}
	if *written < int32(least) || *written > int32(most) {
		r.errs = append(r.errs, field.Invalid(r.spec.Child(name), *written, fmt.Sprintf("must be from %d to %d", least, most)))
		return 0
	}
	return uint8(*written) //nolint:gosec // It is in range.
}
