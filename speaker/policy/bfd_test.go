// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/policy"
)

func profile(name string, transmitInterval int32) v1beta1.BFDProfile {
	return v1beta1.BFDProfile{ObjectMeta: meta(name), Spec: v1beta1.BFDProfileSpec{TransmitInterval: &transmitInterval}}
}

// watched makes the first peer name a profile.
func watched(by string, profiles ...v1beta1.BFDProfile) func(*policy.Input) {
	return func(in *policy.Input) {
		in.Peers[0].Spec.BFDProfile = by
		in.BFDProfiles = profiles
	}
}

// What is wrong with a profile takes no session away, and no BFD from a session that has it.
func TestASessionHasTheBFDProfileThatItsPeerNames(t *testing.T) {
	t.Parallel()
	const none = 0
	tests := map[string]struct {
		// before is what was there before the change; nil for a speaker that starts.
		before, is func(*policy.Input)
		// wantInterval is the profile's transmit interval, in milliseconds.
		wantInterval   int
		wantRejections []policy.Rejection
	}{
		"none":                         {is: watched("", profile("fast", 50)), wantInterval: none},
		"the one of that name":         {is: watched("fast", profile("slow", 500), profile("fast", 50)), wantInterval: 50},
		"another one":                  {before: watched("fast", profile("slow", 500), profile("fast", 50)), is: watched("slow", profile("slow", 500), profile("fast", 50)), wantInterval: 500},
		"a profile that has changed":   {before: watched("fast", profile("fast", 50)), is: watched("fast", profile("fast", 51)), wantInterval: 51},
		"none any more":                {before: watched("fast", profile("fast", 50)), is: watched("", profile("fast", 50)), wantInterval: none},
		"one that is created later":    {before: watched("fast"), is: watched("fast", profile("fast", 50)), wantInterval: 50},
		"the profile is created first": {before: watched("", profile("fast", 50)), is: watched("fast", profile("fast", 50)), wantInterval: 50},
		"one that does not exist": {
			is: watched("fast", profile("slow", 500)), wantInterval: none,
			wantRejections: []policy.Rejection{{
				Kind: "BGPPeer", Namespace: namespace, Name: "v4", Effect: policy.NoBFD,
				Reason: `spec.bfdProfile: there is no BFDProfile "fast"; create it or remove spec.bfdProfile`,
			}},
		},
		"one that does not parse": {
			is: watched("fast", profile("fast", 5)), wantInterval: none,
			wantRejections: []policy.Rejection{
				{
					Kind: "BFDProfile", Namespace: namespace, Name: "fast", Effect: policy.NotInUse,
					Reason: `spec.transmitInterval: Invalid value: 5: must be from 10 to 60000, in milliseconds`,
				},
				{
					Kind: "BGPPeer", Namespace: namespace, Name: "v4", Effect: policy.NoBFD,
					Reason: `spec.bfdProfile: BFDProfile "fast" is invalid; correct it or remove spec.bfdProfile`,
				},
			},
		},
		"one that is deleted": {
			before: watched("fast", profile("fast", 50)), is: watched("fast"), wantInterval: 50,
			wantRejections: []policy.Rejection{{
				Kind: "BGPPeer", Namespace: namespace, Name: "v4", Effect: policy.KeepsBFDProfile,
				Reason: `spec.bfdProfile: there is no BFDProfile "fast"; create it or remove spec.bfdProfile`,
			}},
		},
		"one that does not exist, in place of another one": {
			before: watched("fast", profile("fast", 50)), is: watched("slow", profile("fast", 51)), wantInterval: 50,
			wantRejections: []policy.Rejection{{
				Kind: "BGPPeer", Namespace: namespace, Name: "v4", Effect: policy.KeepsBFDProfile,
				Reason: `spec.bfdProfile: there is no BFDProfile "slow"; create it or remove spec.bfdProfile`,
			}},
		},
		"one that is deleted, and the peer is another router": {
			before: watched("fast", profile("fast", 50)),
			is: func(in *policy.Input) {
				watched("fast")(in)
				in.Peers[0].Spec.Address = "192.0.2.99"
			},
			wantInterval: none,
			wantRejections: []policy.Rejection{{
				Kind: "BGPPeer", Namespace: namespace, Name: "v4", Effect: policy.NoBFD,
				Reason: `spec.bfdProfile: there is no BFDProfile "fast"; create it or remove spec.bfdProfile`,
			}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p *policy.Policy
			if tc.before != nil {
				p, _ = policy.Compile(input(tc.before), nil)
			}
			for range 2 { // What is kept once is kept.
				var rejections []policy.Rejection
				p, rejections = policy.Compile(input(tc.is), p)
				if diff := gocmp.Diff(tc.wantRejections, rejections, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("rejections (-want +got):\n%s", diff)
				}
				if diff := gocmp.Diff([]string{"v4", "v6"}, sessionNames(p)); diff != "" {
					t.Fatalf("sessions (-want +got):\n%s", diff)
				}
				if got := p.Sessions[0].BFD; got.TransmitInterval != time.Duration(tc.wantInterval)*time.Millisecond || got.IsSet() != (tc.wantInterval != none) {
					t.Errorf("profile %+v, want one of %d ms", got, tc.wantInterval)
				}
				if other := p.Sessions[1].BFD; other != (bgp.BFDProfile{}) {
					t.Errorf("a peer that names none has profile %+v", other)
				}
			}
		})
	}
}
