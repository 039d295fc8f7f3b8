// SPDX-License-Identifier: Apache-2.0

package config_test

// two has a peer on the nodes of one rack.
const two = `
	node n1: {labels: {rack: a}}
	node n2: {labels: {rack: b}}
	peer tor-a: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254, nodeSelectors: [{matchLabels: {rack: a}}]}
`

// peerCases are about peers by themselves, beside others, and beside the advertisements that name them.
var peerCases = map[string]verdictCase{
	"a peer is created": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
	},
	"everything that a peer can have is allowed": {
		given: two,
		apply: `peer full: {myASN: 4200000000, peerASN: 64513, peerAddress: "2001:db8::fe", sourceAddress: "2001:db8::1", peerPort: 65535,
			holdTime: 30s, keepaliveTime: 10s, connectTime: 5s, routerID: 10.0.0.1, nodeSelectors: [{matchLabels: {rack: a}}],
			passwordSecret: {name: md5}, ebgpMultiHop: true}`,
	},
	"a peer without anything": {
		given: two,
		apply: `peer router: {myASN: 0}`,
		wantErrors: []string{
			"spec.peerAddress: peer has no Address or Interface specified; set it to the peer's IPv4 or IPv6 address",
			"spec.myASN: missing local ASN; set it to a number from 1 to 4294967295",
			"spec.peerASN: missing peer ASN and dynamicASN; set peerASN to a number from 1 to 4294967295",
		},
	},
	"an iBGP peer with multihop": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64512, peerAddress: 172.30.0.254, ebgpMultiHop: true}`,
		wantErrors: []string{
			"spec.ebgpMultiHop: invalid ebgp-multihop parameter set for an ibgp peer; remove it, since peers of one ASN may be any number of hops away",
		},
	},
	"an iBGP peer": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64512, peerAddress: 172.30.0.254}`,
	},
	"an ASN of any kind": {
		given: two,
		apply: `peer router: {myASN: 64512, dynamicASN: external, peerAddress: 172.30.0.254}`,
		wantErrors: []string{
			"spec.dynamicASN: dynamicASN is not supported yet; remove it and set peerASN",
		},
	},
	"an ASN of any kind and one in particular": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, dynamicASN: external, peerAddress: 172.30.0.254}`,
		wantErrors: []string{
			"spec.dynamicASN: dynamicASN is not supported yet; remove it and set peerASN",
			"spec.dynamicASN: both peer ASN and dynamicASN specified; remove one",
		},
	},
	"everything that is not supported yet": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, localASN: 1, bfdProfile: fast,
			enableGracefulRestart: true, vrf: red, dualStackAddressFamily: true}`,
		wantErrors: []string{
			"spec.localASN: localASN is not supported yet; remove it and set myASN",
			"spec.bfdProfile: bfdProfile is not supported yet; remove it; holdTime bounds how long a dead peer goes unnoticed",
			"spec.enableGracefulRestart: enableGracefulRestart is not supported yet; remove it",
			"spec.vrf: vrf is not supported yet; remove it",
			"spec.dualStackAddressFamily: dualStackAddressFamily is not supported yet; remove it and add a BGPPeer for the other address family",
		},
	},
	"both an address and an interface": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, interface: eth0}`,
		wantErrors: []string{
			"spec.interface: interface is not supported yet; remove it and set peerAddress",
			"spec.interface: peer has both Address and Interface specified; remove one",
		},
	},
	"an address that is none": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: router.example.org}`,
		wantErrors: []string{`spec.peerAddress: invalid BGPPeer address: "router.example.org" is not an IP address`},
	},
	"an address of many": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 224.0.0.5}`,
		wantErrors: []string{`spec.peerAddress: invalid BGPPeer address: "224.0.0.5" is a multicast address`},
	},
	"a link-local address": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: "fe80::1"}`,
		wantErrors: []string{
			`spec.peerAddress: invalid BGPPeer address: "fe80::1" is a link-local address, which means nothing without an interface; use a global or unique local address`,
		},
	},
	"a source address of the other family": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, sourceAddress: "2001:db8::1"}`,
		wantErrors: []string{
			`spec.sourceAddress: invalid source IP: must be of the same address family as peerAddress "172.30.0.254"`,
		},
	},
	"a port that there is not": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, peerPort: 65536}`,
		wantErrors: []string{`spec.peerPort: must be from 1 to 65535`},
	},
	"a hold time that is too short": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, holdTime: 2s}`,
		wantErrors: []string{`spec.holdTime: invalid hold time "2s": must be 0 or >=3s, in whole seconds up to 65535s`},
	},
	"no hold time at all": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, holdTime: 0s}`,
	},
	"a keepalive time as long as the hold time": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, holdTime: 90s, keepaliveTime: 1m30s}`,
		wantErrors: []string{`spec.keepaliveTime: invalid keepaliveTime "1m30s", must be lower than holdTime "1m30s"`},
	},
	"a keepalive time longer than the hold time that nobody set": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, keepaliveTime: 100s}`,
		wantErrors: []string{`spec.keepaliveTime: invalid keepaliveTime "1m40s", must be lower than holdTime "1m30s"`},
	},
	"a keepalive time of a fraction": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, keepaliveTime: 1500ms}`,
		wantErrors: []string{`spec.keepaliveTime: invalid keepaliveTime "1.5s": must be in whole seconds, 0 or more`},
	},
	"a time between attempts that is too short": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, connectTime: 100ms}`,
		wantErrors: []string{`spec.connectTime: invalid connect time "100ms": must be from 1s to 65535s, in whole seconds`},
	},
	"a router ID that is none": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, routerID: 0.0.0.0}`,
		wantErrors: []string{
			`spec.routerID: invalid router ID "0.0.0.0": must be written as an IPv4 address other than 0.0.0.0`,
		},
	},
	"both a password and a secret": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, password: sesame, passwordSecret: {name: md5}}`,
		wantErrors: []string{
			"spec.password: can not have both password and secret ref set; remove password",
		},
	},
	"a secret in another namespace, which no speaker may read": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, passwordSecret: {name: md5, namespace: net}}`,
		wantWarnings: []string{
			`BGPPeer "router" names namespace "net" in spec.passwordSecret, but speakers read Secret "md5" from the BGPPeer's namespace, ` +
				`"metallb-system"; create it there and remove the namespace`,
		},
	},
	"a node selector that is listed twice": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254,
			nodeSelectors: [{matchLabels: {rack: a}}, {matchLabels: {rack: a}}]}`,
		wantErrors: []string{`spec.nodeSelectors[1]: duplicate definition of nodeSelectors "rack=a"; remove one`},
	},

	"the same router again, from every node": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254}`,
		wantErrors: []string{duplicatePeer("172.30.1.254", "tor-a")},
	},
	"the same router again, with other timers and ASNs": {
		given: two,
		apply: `peer router: {myASN: 64999, peerASN: 64998, peerAddress: 172.30.1.254, peerPort: 179, holdTime: 30s,
			nodeSelectors: [{matchExpressions: [{key: rack, operator: Exists}]}]}`,
		wantErrors: []string{duplicatePeer("172.30.1.254", "tor-a")},
	},
	"the same router again, from the nodes of another rack": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254, nodeSelectors: [{matchLabels: {rack: b}}]}`,
	},
	"the same router again, on another port": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254, peerPort: 1179}`,
	},
	"the same router again, from another address": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254, sourceAddress: 172.30.1.2}`,
	},
	"the same router a third time": {
		given: two + `
			peer again: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254, nodeSelectors: [{matchLabels: {rack: b}}]}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254}`,
		wantErrors: []string{
			duplicatePeer("172.30.1.254", "again"), duplicatePeer("172.30.1.254", "tor-a"),
		},
	},
	"the same router, on a node that the change brings in": {
		given: two + `
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254, nodeSelectors: [{matchLabels: {rack: b}}]}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254,
			nodeSelectors: [{matchLabels: {rack: a}}, {matchLabels: {rack: b}}]}`,
		wantErrors: []string{duplicatePeer("172.30.1.254", "tor-a")},
	},
	"the same router that slipped in": {
		given: two + `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254, holdTime: 30s}`,
		wantWarnings: []string{
			stale(duplicatePeer("172.30.1.254", "tor-a"), "Invalid value", `"172.30.1.254"`),
		},
	},
	"the same router as one that cannot be read": {
		given: `peer bad: {myASN: 0, peerASN: 64513, peerAddress: 172.30.1.254}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254}`,
	},
	"the same router again, without any node known": {
		given:      `peer first: {myASN: 64512, peerASN: 64513, peerAddress: "2001:db8::fe"}`,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: "2001:db8::fe"}`,
		wantErrors: []string{duplicatePeer("2001:db8::fe", "first")},
	},
	"the same router again, for nodes that are labelled, without any node known": {
		given: `peer first: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, nodeSelectors: [{matchLabels: {rack: a}}]}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
	},
	"the same router again, on a node that serves no load balancers": {
		given: `
			node n1: {labels: {node.kubernetes.io/exclude-from-external-load-balancers: ""}}
			peer first: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
		wantErrors: []string{duplicatePeer("172.30.0.254", "first")},
	},
	"the override does not excuse a duplicate": {
		given:      two,
		apply:      `peer router: {disruption: true, myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254}`,
		wantErrors: []string{duplicatePeer("172.30.1.254", "tor-a")},
	},

	"a peer is deleted that an advertisement names": {
		given:        two + `advertisement rack: {peers: [tor-a]}`,
		remove:       "peer tor-a",
		wantWarnings: []string{namedPeer("tor-a", "rack")},
	},
	"a peer is deleted that two advertisements name": {
		given: two + `
			advertisement rack: {peers: [tor-a]}
			advertisement both: {peers: [tor-b, tor-a]}
			advertisement all: {}`,
		remove:       "peer tor-a",
		wantWarnings: []string{namedPeer("tor-a", "both"), namedPeer("tor-a", "rack")},
	},
	"a peer is deleted that advertisements of every peer use": {
		given:  two + `advertisement all: {}`,
		remove: "peer tor-a",
	},
	"a peer is deleted that only a bad advertisement names": {
		given:  two + `advertisement bad: {peers: [tor-a], aggregationLength: 99}`,
		remove: "peer tor-a",
	},
	"a peer is changed that an advertisement names": {
		given: two + `advertisement rack: {peers: [tor-a]}`,
		apply: `peer tor-a: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254, holdTime: 30s, nodeSelectors: [{matchLabels: {rack: a}}]}`,
	},
	"a bad peer is deleted that an advertisement names": {
		given: `
			peer bad: {myASN: 0}
			advertisement rack: {peers: [bad]}`,
		remove:       "peer bad",
		wantWarnings: []string{namedPeer("bad", "rack")},
	},
	"the override excuses the deletion of a peer that is named and the last one": {
		given: `
			peer tor-a: {disruption: true, myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254}
			pool a: {addresses: [198.51.100.0/24]}
			service default/web: {holds: [198.51.100.1], from: [a]}
			advertisement rack: {peers: [tor-a]}`,
		remove:       "peer tor-a",
		wantLost:     []string{webUnannounced},
		wantWarnings: []string{namedPeer("tor-a", "rack"), disruptionWarning(webUnannounced)},
	},
	"a peer is deleted that is named and the last one": {
		given:        routed + `advertisement all: {peers: [router]}`,
		remove:       "peer router",
		wantWarnings: []string{namedPeer("router", "all")},
		at:           "metadata.name", wantLost: []string{webUnannounced},
	},

	"a password for everybody to read": {
		given:        two,
		apply:        `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, password: sesame}`,
		wantWarnings: []string{passwordWarning("router")},
	},
	"a password in a secret": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, passwordSecret: {name: md5}}`,
	},
	"a peer of no node": {
		given:        two,
		apply:        `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, nodeSelectors: [{matchLabels: {rack: c}}]}`,
		wantWarnings: []string{noPeerNodeWarning("router")},
	},
	"a peer of no node, as far as anybody knows without a cluster": {
		given: announced,
		apply: `peer third: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.253, nodeSelectors: [{matchLabels: {rack: c}}]}`,
	},
	"a peer of no node with a password": {
		given:        two,
		apply:        `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, password: sesame, nodeSelectors: [{matchLabels: {rack: c}}]}`,
		wantWarnings: []string{passwordWarning("router"), noPeerNodeWarning("router")},
	},
}
