// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/api/v1beta2"
)

func TestParsePeerForFillsInWhatANodeHas(t *testing.T) {
	t.Parallel()
	node := Node{
		Labels:      map[string]string{"rack": "3", "example.com/name": "Not_A_Name"},
		Annotations: map[string]string{"example.com/asn": "4200000007", "example.com/address": "10.0.3.7", "zero": "0"},
	}
	tests := map[string]struct {
		change func(*v1beta2.BGPPeerSpec)
		want   func(Peer) any
		is     any
		errors []string
	}{
		"nothing": {want: func(p Peer) any { return p.LocalASN }, is: uint32(64500)},
		"the local ASN": {
			change: func(s *v1beta2.BGPPeerSpec) { s.PerNode = &v1beta2.PerNode{MyASN: "{annotation:example.com/asn}"} },
			want:   func(p Peer) any { return p.LocalASN }, is: uint32(4200000007),
		},
		"the peer's ASN, between other text": {
			change: func(s *v1beta2.BGPPeerSpec) { s.PerNode = &v1beta2.PerNode{ASN: "6{label:rack}51{label:rack}"} },
			want:   func(p Peer) any { return p.PeerASN }, is: uint32(63513),
		},
		"ASNs that make an internal session": {
			change: func(s *v1beta2.BGPPeerSpec) {
				s.PerNode = &v1beta2.PerNode{MyASN: "6450{label:rack}", ASN: "6450{label:rack}"}
			},
			want: func(p Peer) any { return p.IBGP() && p.TTL() == 0 }, is: true,
		},
		"the node's address": {
			change: func(s *v1beta2.BGPPeerSpec) {
				s.PerNode = &v1beta2.PerNode{SrcAddress: "{annotation:example.com/address}"}
			},
			want: func(p Peer) any { return p.Source.String() }, is: "10.0.3.7",
		},
		"the router ID": {
			change: func(s *v1beta2.BGPPeerSpec) { s.PerNode = &v1beta2.PerNode{RouterID: "10.255.{label:rack}.1"} },
			want:   func(p Peer) any { return p.RouterID.String() }, is: "10.255.3.1",
		},
		"the Secret, in place of another": {
			change: func(s *v1beta2.BGPPeerSpec) {
				s.PasswordSecret.Name, s.PerNode = "bgp", &v1beta2.PerNode{PasswordSecret: "bgp-{label:rack}"}
			},
			want: func(p Peer) any { return p.PasswordSecret.String() }, is: "metallb-system/bgp-3",
		},
		"a label that the node has not": {
			change: func(s *v1beta2.BGPPeerSpec) { s.PerNode = &v1beta2.PerNode{MyASN: "{label:example.com/asn}"} },
			errors: []string{`spec.perNode.myASN: Invalid value: "{label:example.com/asn}": the node has no label example.com/asn`},
		},
		"an annotation that the node has not": {
			change: func(s *v1beta2.BGPPeerSpec) { s.PerNode = &v1beta2.PerNode{RouterID: "{annotation:rack}"} },
			errors: []string{`spec.perNode.routerID: Invalid value: "{annotation:rack}": the node has no annotation rack`},
		},
		"values that are none": {
			change: func(s *v1beta2.BGPPeerSpec) {
				s.PerNode = &v1beta2.PerNode{MyASN: "{annotation:zero}", ASN: "{label:example.com/name}", PasswordSecret: "{label:example.com/name}"}
			},
			errors: []string{
				`spec.perNode.myASN: Invalid value: "{annotation:zero}": on this node it is "0", which is no number from 1 to 4294967295`,
				`spec.perNode.peerASN: Invalid value: "{label:example.com/name}": on this node it is "Not_A_Name", which is no number from 1 to 4294967295`,
				`spec.perNode.passwordSecret: Invalid value: "{label:example.com/name}": on this node it is "Not_A_Name", which is no name of a Secret`,
			},
		},
		"a value that is not valid in the field": {
			change: func(s *v1beta2.BGPPeerSpec) {
				s.PerNode = &v1beta2.PerNode{SrcAddress: "10.0.0.{label:example.com/name}"}
			},
			errors: []string{`spec.sourceAddress: Invalid value: "10.0.0.Not_A_Name": invalid source IP: "10.0.0.Not_A_Name" is not an IP address`},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, errs := ParsePeerFor(bgpPeer(tc.change), node)
			if diff := cmp.Diff(tc.errors, errorTexts(errs)); diff != "" {
				t.Fatalf("errors (-want +got):\n%s", diff)
			}
			if len(errs) > 0 {
				return
			}
			if got := tc.want(p); got != tc.is {
				t.Errorf("got %v, want %v", got, tc.is)
			}
			if p.PerNode.Any() {
				t.Error("values per node are left")
			}
		})
	}
}

func TestParseTemplateErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"plain text":       {"64512", `"64512" names no label or annotation, as in {label:KEY} or {annotation:KEY}`},
		"not closed":       {"x{label:rack", `"x{label:rack" has a { without a }`},
		"not opened":       {"x}{label:rack}", `"x}{label:rack}" has a } without a {`},
		"closed twice":     {"{label:rack}}", `"{label:rack}}" has a } without a {`},
		"of nothing":       {"{rack}", `{rack} must be {label:KEY} or {annotation:KEY}`},
		"of something new": {"{env:rack}", `{env:rack} must be {label:KEY} or {annotation:KEY}`},
		"no key":           {"{label:}", `{label:}: the key "" name part must be non-empty; name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseTemplate(tc.text)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
