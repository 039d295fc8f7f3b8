// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"metallb.io/metallb/controllers/config"
)

// The tests here are named after the holes of upstream's webhooks, by the numbers of the list that this project keeps.

// refused checks what the errors of changes are, each by itself, in one scene.
func refused(t *testing.T, given string, cases map[string]verdictCase) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := parseScene(t, given)
			got := verdictOf(config.Check(namespace, s.objects, s.change(t, tc), s.state())).Errors
			if diff := cmp.Diff(tc.want().Errors, got); diff != "" || len(got) == 0 {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

// Upstream answers a new peer with disableMP before it looks at anything else, its namespace included.
func TestHole1DisableMPSkipsNoValidation(t *testing.T) {
	t.Parallel()
	refused(t, two, map[string]verdictCase{
		"elsewhere": {
			apply:      `peer router: {namespace: default, disableMP: true, myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
			wantErrors: []string{elsewhere},
		},
		"with something that is wrong by itself": {
			apply: `peer router: {disableMP: true, peerASN: 64513, peerAddress: 172.30.0.254, holdTime: 1s}`,
			wantErrors: []string{
				"spec.myASN: missing local ASN; set it to a number from 1 to 4294967295",
				`spec.holdTime: invalid hold time "1s": must be 0 or >=3s, in whole seconds up to 65535s`,
			},
		},
		"beside another that is the same": {
			apply:      `peer router: {disableMP: true, myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254}`,
			wantErrors: []string{duplicatePeer("172.30.1.254", "tor-a")},
		},
	})
}

// Upstream looks at other pools only, so that a pool and an advertisement that do not go together are found out at runtime,
// where all configuration is then frozen.
func TestHole2PoolsAreCheckedAgainstAdvertisements(t *testing.T) {
	t.Parallel()
	refused(t, `
		advertisement net: {aggregationLength: 24, localPref: 100, ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}
		advertisement first: {localPref: 100, ipAddressPoolSelectors: [{matchLabels: {rack: a}}]}
		advertisement second: {localPref: 200, ipAddressPoolSelectors: [{matchLabels: {rack: a}}]}
		pool old: {addresses: [203.0.113.0/24], labels: {tier: gold}}`,
		map[string]verdictCase{
			"a new pool has no room for a prefix": {
				apply:      `pool new: {addresses: [198.51.100.0/25], labels: {tier: gold}}`,
				wantErrors: []string{poolTooSmall(0, "net", 24, 25, "198.51.100.0/25")},
			},
			"a changed pool has no room for a prefix": {
				apply:      `pool old: {addresses: [203.0.113.0/24, 198.51.100.0/25], labels: {tier: gold}}`,
				wantErrors: []string{poolTooSmall(1, "net", 24, 25, "198.51.100.0/25")},
			},
			"a pool is announced with two local preferences": {
				apply:      `pool new: {addresses: [198.51.100.0/24], labels: {rack: a}}`,
				wantErrors: []string{`metadata.labels: BGPAdvertisement "second": ` + localPrefConflict(200, "first", 100, "new")},
			},
		})
}

// Upstream lets everything be deleted.
func TestHole3DeletionsAreChecked(t *testing.T) {
	t.Parallel()
	given := `
		community colours: {communities: [{name: blue, value: "64512:1"}]}
		peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
		peer second: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.253}
		advertisement all: {communities: [blue]}
		advertisement idle: {communities: [blue], peers: [second], ipAddressPools: [b], nodeSelectors: [{matchLabels: {rack: a}}]}
		pool a: {addresses: [198.51.100.0/24]}
		pool b: {addresses: [203.0.113.0/24]}
		service default/web: {holds: [198.51.100.1], from: [a]}`
	refused(t, given, map[string]verdictCase{
		"a pool in use": {remove: "pool a", at: "metadata.name", wantLost: []string{"default/web cannot own 198.51.100.1"}},
		"an advertisement that services are announced by": {remove: "advertisement all", at: "metadata.name", wantLost: []string{webUnannounced}},
		"aliases that are used": {
			remove:       "community colours",
			wantWarnings: []string{usedAlias("blue", "all"), usedAlias("blue", "idle")},
			at:           "metadata.name", wantLost: []string{webUnannounced},
		},
	})
	s := parseScene(t, given)
	for _, free := range []string{"pool b", "peer router", "peer second", "advertisement idle"} {
		if errs := config.Check(namespace, s.objects, config.Change{Old: s.byKey[free]}, s.state()).Errors; len(errs) > 0 {
			t.Errorf("%s, which nobody needs, cannot be deleted: %v", free, errs)
		}
	}
}

// Upstream finds out at runtime only that a BFD profile is missing or contradicts a pool, and what is wrong with secrets.
// Here two passwords are refused, and what is named and missing is told at once; a BFD profile contradicts no pool.
func TestHole4NothingIsLeftToBeFoundOutAtRuntime(t *testing.T) {
	t.Parallel()
	refused(t, two, map[string]verdictCase{
		"a password and a secret": {
			apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, password: sesame, passwordSecret: {name: md5}}`,
			wantErrors: []string{"spec.password: can not have both password and secret ref set; remove password"},
		},
	})
	s := parseScene(t, two)
	new := parseScene(t, `
		advertisement all: {communities: [blue], peers: [gone], ipAddressPools: [gone]}
		peer router: {myASN: 64512, peerASN: 64513, peerAddress: "2001:db8::fe", bfdProfile: echo}`)
	for key, want := range map[string][]string{
		"advertisement all": {
			missingWarning("all", "IPAddressPool", "ipAddressPools", `"gone"`), missingWarning("all", "BGPPeer", "peers", `"gone"`),
			undefinedWarning("all", `"blue"`),
		},
		"peer router": {`BGPPeer "router" names BFDProfile "echo" in spec.bfdProfile, which does not exist; create it: until then, ` + keptProfile},
	} {
		got := config.Check(namespace, s.objects, config.Change{New: new.byKey[key]}, s.state())
		if diff := cmp.Diff(verdict{Warnings: want}, verdictOf(got), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: verdict (-want +got):\n%s", key, diff)
		}
	}
}

// Upstream checks the namespace of new objects only, and does not give the nodes to every check.
func TestHole5UpdatesAreCheckedAsCreationsAre(t *testing.T) {
	t.Parallel()
	refused(t, two+`
		peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254, nodeSelectors: [{matchLabels: {rack: b}}]}
		advertisement here: {localPref: 100, nodeSelectors: [{matchLabels: {rack: a}}]}
		advertisement there: {localPref: 200, nodeSelectors: [{matchLabels: {rack: b}}]}
		pool a: {addresses: [198.51.100.0/24]}`,
		map[string]verdictCase{
			"a peer elsewhere": {
				apply:      `peer router: {namespace: default, myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254}`,
				wantErrors: []string{elsewhere},
			},
			"a pool elsewhere":           {apply: `pool a: {namespace: default, addresses: [198.51.100.0/25]}`, wantErrors: []string{elsewhere}},
			"an advertisement elsewhere": {apply: `advertisement here: {namespace: default, localPref: 1}`, wantErrors: []string{elsewhere}},
			"peers that come to meet on a node": {
				apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254}`,
				wantErrors: []string{duplicatePeer("172.30.1.254", "tor-a")},
			},
			"advertisements that come to meet on a node": {
				apply:      `advertisement there: {localPref: 200}`,
				wantErrors: []string{"spec.localPref: " + localPrefConflict(200, "here", 100, "a")},
			},
		})
}

// Upstream looks at no service, and takes addresses away afterwards.
func TestHole6AddressesInUseAreKept(t *testing.T) {
	t.Parallel()
	refused(t, announced+`
		namespace shop: {labels: {team: red}}
		pool a: {addresses: [198.51.100.0/24]}
		service default/nginx: {holds: [198.51.100.0], from: [a], labels: {app: web}}
		service shop/dns-udp: {holds: [198.51.100.53], from: [a], requests: a}
		service shop/dns-tcp: {holds: [198.51.100.53], from: [a]}`,
		map[string]verdictCase{
			"a range shrinks, of an address that is shared and requested": {
				apply: `pool a: {addresses: [198.51.100.0/27]}`,
				at:    "spec.addresses", wantLost: []string{"shop/dns-tcp cannot own 198.51.100.53", "shop/dns-udp cannot own 198.51.100.53"},
			},
			"avoidBuggyIPs with a .0 in use": {
				apply: `pool a: {addresses: [198.51.100.0/24], avoidBuggyIPs: true}`,
				at:    "spec.avoidBuggyIPs", wantLost: []string{"default/nginx cannot own 198.51.100.0"},
			},
			"serviceAllocation for other namespaces": {
				apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaceSelectors: [{matchLabels: {team: red}}]}}`,
				at:    "spec.serviceAllocation", wantLost: []string{"default/nginx cannot own 198.51.100.0"},
			},
			"serviceAllocation for other services": {
				apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {serviceSelectors: [{matchLabels: {app: web}}]}}`,
				at:    "spec.serviceAllocation", wantLost: []string{"shop/dns-tcp cannot own 198.51.100.53", "shop/dns-udp cannot own 198.51.100.53"},
			},
			"the pool is deleted, be it to come back by another name": {
				remove: "pool a",
				at:     "metadata.name",
				wantLost: []string{"default/nginx cannot own 198.51.100.0",
					"shop/dns-tcp cannot own 198.51.100.53", "shop/dns-udp cannot own 198.51.100.53"},
			},
		})
}

// Two changes at once are each judged by what there was before: no webhook can help it. What comes of it is found
// afterwards, with the younger of the two objects.
func TestHole7WhatTwoAdmissionsAtOnceLeadToIsReported(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ given, elder, younger, want string }{
		"pools": {
			announced, `pool b: {addresses: [198.51.100.0/24]}`, `pool a: {addresses: [198.51.100.128/25]}`,
			overlap(0, "198.51.100.128/25", "a", "198.51.100.0/24", "b"),
		},
		"peers": {
			two, `peer b: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`, `peer a: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
			duplicatePeer("172.30.0.254", "b"),
		},
		"advertisements": {
			rack, `advertisement b: {localPref: 1, ipAddressPools: [a]}`, `advertisement a: {localPref: 2}`,
			"spec.localPref: " + localPrefConflict(2, "b", 1, "a"),
		},
		"communities": {
			announced, `community b: {communities: [{name: blue, value: "1:1"}]}`, `community a: {communities: [{name: blue, value: "1:1"}]}`,
			duplicateAlias(0, "blue", "b"),
		},
		"a pool and an advertisement": {
			rack, `pool c: {addresses: [192.0.2.0/30], labels: {tier: iron}}`, `advertisement net: {aggregationLength: 24, ipAddressPoolSelectors: [{matchLabels: {tier: iron}}]}`,
			aggregatesTooMuch("aggregationLength", "c", 24, 30, "192.0.2.0/30"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := parseScene(t, tc.given)
			elder, younger := s.change(t, verdictCase{apply: tc.elder}), s.change(t, verdictCase{apply: tc.younger})
			for _, c := range []config.Change{elder, younger} {
				if errs := config.Check(namespace, s.objects, c, s.state()).Errors; len(errs) > 0 {
					t.Fatalf("one alone is refused: %v", errs)
				}
			}
			others := s.objects.Apply(elder)
			want := verdict{Errors: []string{tc.want}}
			for _, all := range []config.Objects{others, others.Apply(younger)} {
				got := verdictOf(config.Verdict{Errors: config.Contradictions(younger.New, all, s.nodes)})
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("contradictions (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// An address that is given to a service while its pool is changed was in nobody's way when the pool was judged.
func TestHole7AnAddressGivenDuringAnEditIsReported(t *testing.T) {
	t.Parallel()
	s := parseScene(t, announced+`pool a: {addresses: [198.51.100.0/24]}`)
	shrink := s.change(t, verdictCase{apply: `pool a: {addresses: [198.51.100.128/25]}`})
	if errs := config.Check(namespace, s.objects, shrink, s.state()).Errors; len(errs) > 0 {
		t.Fatalf("nobody has an address yet: %v", errs)
	}
	after := s.objects.Apply(shrink)
	s.holdings = parseScene(t, `service default/web: {holds: [198.51.100.0], from: [a]}`).holdings
	if diff := cmp.Diff([]string{"default/web cannot own 198.51.100.0"}, lost(config.Lost(s.objects, after, s.state()))); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
	s.objects = after
	again := s.change(t, verdictCase{apply: `pool a: {addresses: [198.51.100.128/25], autoAssign: false}`})
	again.Old = shrink.New
	if errs := config.Check(namespace, after, again, s.state()).Errors; len(errs) > 0 {
		t.Errorf("what has happened keeps the next edit out: %v", errs)
	}
}
