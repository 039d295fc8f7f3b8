// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
)

func bfdProfile(change func(*v1beta1.BFDProfileSpec)) *v1beta1.BFDProfile {
	o := &v1beta1.BFDProfile{ObjectMeta: metav1.ObjectMeta{Namespace: "metallb-system", Name: "fast"}}
	if change != nil {
		change(&o.Spec)
	}
	return o
}

func TestParseBFDProfile(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	tests := map[string]struct {
		change func(*v1beta1.BFDProfileSpec)
		want   BFDProfile
	}{
		"the defaults are MetalLB's": {
			want: BFDProfile{Name: "fast", ReceiveInterval: 300 * ms, TransmitInterval: 300 * ms, EchoInterval: 50 * ms, DetectMultiplier: 3, MinimumTTL: 254},
		},
		"everything set": {
			change: func(s *v1beta1.BFDProfileSpec) {
				s.ReceiveInterval, s.TransmitInterval, s.EchoInterval = new(int32(35)), new(int32(36)), new(int32(37))
				s.DetectMultiplier, s.MinimumTTL, s.EchoMode, s.PassiveMode = new(int32(4)), new(int32(250)), true, true
			},
			want: BFDProfile{
				Name: "fast", ReceiveInterval: 35 * ms, TransmitInterval: 36 * ms, EchoInterval: 37 * ms, DetectMultiplier: 4, MinimumTTL: 250, Echo: true, Passive: true,
			},
		},
		"the least values": {
			change: func(s *v1beta1.BFDProfileSpec) {
				s.ReceiveInterval, s.TransmitInterval, s.EchoInterval = new(int32(10)), new(int32(10)), new(int32(10))
				s.DetectMultiplier, s.MinimumTTL = new(int32(2)), new(int32(1))
			},
			want: BFDProfile{Name: "fast", ReceiveInterval: 10 * ms, TransmitInterval: 10 * ms, EchoInterval: 10 * ms, DetectMultiplier: 2, MinimumTTL: 1},
		},
		"the highest values": {
			change: func(s *v1beta1.BFDProfileSpec) {
				s.ReceiveInterval, s.TransmitInterval, s.EchoInterval = new(int32(60000)), new(int32(60000)), new(int32(60000))
				s.DetectMultiplier, s.MinimumTTL = new(int32(255)), new(int32(254))
			},
			want: BFDProfile{Name: "fast", ReceiveInterval: time.Minute, TransmitInterval: time.Minute, EchoInterval: time.Minute, DetectMultiplier: 255, MinimumTTL: 254},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, errs := ParseBFDProfile(bfdProfile(tc.change))
			if len(errs) > 0 {
				t.Fatal(errs.ToAggregate())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("profile (-want +got):\n%s", diff)
			}
			if !got.IsSet() {
				t.Error("taken for no profile")
			}
		})
	}
}

func TestParseBFDProfileRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*v1beta1.BFDProfileSpec)
		want   []string
	}{
		"a receive interval too short":  {func(s *v1beta1.BFDProfileSpec) { s.ReceiveInterval = new(int32(9)) }, []string{`spec.receiveInterval: Invalid value: 9: must be from 10 to 60000, in milliseconds`}},
		"a transmit interval too long":  {func(s *v1beta1.BFDProfileSpec) { s.TransmitInterval = new(int32(60001)) }, []string{`spec.transmitInterval: Invalid value: 60001: must be from 10 to 60000, in milliseconds`}},
		"an echo interval of 0":         {func(s *v1beta1.BFDProfileSpec) { s.EchoInterval = new(int32(0)) }, []string{`spec.echoInterval: Invalid value: 0: must be from 10 to 60000, in milliseconds`}},
		"a multiplier of 1":             {func(s *v1beta1.BFDProfileSpec) { s.DetectMultiplier = new(int32(1)) }, []string{`spec.detectMultiplier: Invalid value: 1: must be from 2 to 255`}},
		"a multiplier of more than 255": {func(s *v1beta1.BFDProfileSpec) { s.DetectMultiplier = new(int32(258)) }, []string{`spec.detectMultiplier: Invalid value: 258: must be from 2 to 255`}},
		"the TTL of a connected peer":   {func(s *v1beta1.BFDProfileSpec) { s.MinimumTTL = new(int32(255)) }, []string{`spec.minimumTtl: Invalid value: 255: must be from 1 to 254`}},
		"several errors at once": {
			func(s *v1beta1.BFDProfileSpec) { s.ReceiveInterval, s.MinimumTTL = new(int32(-1)), new(int32(0)) },
			[]string{`spec.receiveInterval: Invalid value: -1: must be from 10 to 60000, in milliseconds`, `spec.minimumTtl: Invalid value: 0: must be from 1 to 254`},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, errs := ParseBFDProfile(bfdProfile(tc.change))
			if diff := cmp.Diff(tc.want, errorTexts(errs)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if got.IsSet() {
				t.Errorf("got profile %+v beside errors, want none", got)
			}
		})
	}
}
