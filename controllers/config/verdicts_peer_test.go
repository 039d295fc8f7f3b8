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
			passwordSecret: {name: md5}, ebgpMultiHop: true, ebgpMultiHopTTL: 3, localASN: 4200000001, vrf: red, dualStackAddressFamily: true}`,
	},
	"a peer on an interface, with everything that it can have": {
		given: two,
		apply: `peer full: {myASN: 64512, dynamicASN: external, interface: eth1.100, ttlSecurityHops: 1, dualStackAddressFamily: true,
			perNode: {myASN: "42000000{label:rack}", routerID: "{annotation:example.com/id}", passwordSecret: "{label:rack}-md5"}}`,
	},
	"the default gateway, with everything that it can have": {
		given: two,
		apply: `peer full: {myASN: 64512, defaultGateway: IPv6, dualStackAddressFamily: true, ebgpMultiHop: true,
			perNode: {peerASN: "6451{label:rack}", sourceAddress: "2001:db8::{label:rack}"}}`,
	},
	"a peer without anything": {
		given: two,
		apply: `peer router: {myASN: 0}`,
		wantErrors: []string{
			"spec.myASN: missing local ASN; set it to a number from 1 to 4294967295",
			"spec.peerASN: missing peer ASN and dynamicASN; set peerASN to a number from 1 to 4294967295, or dynamicASN to internal or external",
			"spec.peerAddress: peer has no Address or Interface specified; set it to the peer's IPv4 or IPv6 address, or set interface or defaultGateway",
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
	"an iBGP peer by its local ASN, with multihop": {
		given: two,
		apply: `peer router: {myASN: 64512, localASN: 64513, peerASN: 64513, peerAddress: 172.30.0.254, ebgpMultiHop: true}`,
		wantErrors: []string{
			"spec.ebgpMultiHop: invalid ebgp-multihop parameter set for an ibgp peer; remove it, since peers of one ASN may be any number of hops away",
		},
	},
	"an eBGP peer by its local ASN, with multihop": {
		given: two,
		apply: `peer router: {myASN: 64512, localASN: 64999, peerASN: 64512, peerAddress: 172.30.0.254, ebgpMultiHop: true}`,
	},
	"a peer whose nodes know whether it is an eBGP peer, with multihop": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64512, peerAddress: 172.30.0.254, ebgpMultiHop: true, perNode: {myASN: "6451{label:rack}"}}`,
	},
	"any ASN but that of the nodes": {
		given: two,
		apply: `peer router: {myASN: 64512, dynamicASN: external, peerAddress: 172.30.0.254}`,
	},
	"the ASN of the nodes, whatever it is": {
		given: two,
		apply: `peer router: {myASN: 64512, dynamicASN: internal, peerAddress: 172.30.0.254}`,
	},
	"an ASN of a kind that there is not": {
		given:      two,
		apply:      `peer router: {myASN: 64512, dynamicASN: any, peerAddress: 172.30.0.254}`,
		wantErrors: []string{"spec.dynamicASN: invalid dynamicASN; set it to internal or external"},
	},
	"an ASN of any kind and one in particular": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, dynamicASN: external, peerAddress: 172.30.0.254}`,
		wantErrors: []string{
			"spec.dynamicASN: both peer ASN and dynamicASN specified; remove one",
		},
	},
	"a restart time without graceful restart": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, gracefulRestartTime: 60s}`,
		wantErrors: []string{
			"spec.gracefulRestartTime: is the time with enableGracefulRestart; set that to true or remove this",
		},
	},
	"both an address and an interface": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, interface: eth0}`,
		wantErrors: []string{
			"spec.interface: peer has both Address and Interface specified; remove one",
		},
	},
	"an interface that has no such name": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, interface: "eth0/1"}`,
		wantErrors: []string{"spec.interface: must be the name of a network device, of up to 15 characters without space, /, : and %"},
	},
	"a VRF that has no such name": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, vrf: "red\tblue"}`,
		wantErrors: []string{"spec.vrf: must be the name of a network device, of up to 15 characters without space, /, : and %"},
	},
	"a source address on an interface": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, interface: eth0, sourceAddress: 172.30.0.7}`,
		wantErrors: []string{"spec.sourceAddress: a session on an interface is between link-local addresses; remove sourceAddress"},
	},
	"both an address and the default gateway": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, defaultGateway: IPv4}`,
		wantErrors: []string{
			"spec.defaultGateway: the peer is the default gateway, so it has no peerAddress or interface; remove them or defaultGateway",
		},
	},
	"a default gateway of no family": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, defaultGateway: any}`,
		wantErrors: []string{"spec.defaultGateway: must be IPv4 or IPv6"},
	},
	"a source address of another family than the default gateway": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, defaultGateway: IPv6, sourceAddress: 172.30.0.7}`,
		wantErrors: []string{"spec.sourceAddress: invalid source IP: must be of the same address family as the default gateway, IPv6"},
	},
	"a time to live without multihop": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, ebgpMultiHopTTL: 3}`,
		wantErrors: []string{"spec.ebgpMultiHopTTL: is the time to live with ebgpMultiHop; set that to true or remove this"},
	},
	"a time to live of one hop": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, ebgpMultiHop: true, ebgpMultiHopTTL: 1}`,
		wantErrors: []string{"spec.ebgpMultiHopTTL: must be from 2 to 255"},
	},
	"TTL security with multihop": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, ebgpMultiHop: true, ttlSecurityHops: 3}`,
		wantErrors: []string{"spec.ttlSecurityHops: both say how many hops away the peer may be; remove ebgpMultiHop"},
	},
	"TTL security with no hops": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, ttlSecurityHops: 255}`,
		wantErrors: []string{"spec.ttlSecurityHops: must be from 1 to 254"},
	},
	"values per node that name nothing, or nothing that there can be": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254,
			perNode: {myASN: "64513", peerASN: "{label}", sourceAddress: "{label:a", routerID: "{field:spec}", passwordSecret: "{label:a b}"}}`,
		wantErrors: []string{
			`spec.perNode.myASN: "64513" names no label or annotation, as in {label:KEY} or {annotation:KEY}`,
			`spec.perNode.peerASN: {label}: the key "" name part must be non-empty; name part must consist of alphanumeric characters, '-', '_' or '.', ` +
				`and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', ` +
				`regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
			`spec.perNode.sourceAddress: "{label:a" has a { without a }`,
			`spec.perNode.routerID: {field:spec} must be {label:KEY} or {annotation:KEY}`,
			`spec.perNode.passwordSecret: {label:a b}: the key "a b" name part must consist of alphanumeric characters, '-', '_' or '.', ` +
				`and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', ` +
				`regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
		},
	},
	"values per node that no node uses": {
		given: two,
		apply: `peer router: {myASN: 64512, localASN: 64514, dynamicASN: external, interface: eth0, password: sesame,
			perNode: {myASN: "{label:a}", peerASN: "{label:a}", sourceAddress: "{label:a}", routerID: "{label:a}", passwordSecret: "{label:a}"}}`,
		wantErrors: []string{
			"spec.perNode.myASN: has no effect with localASN; remove one",
			"spec.perNode.peerASN: has no effect with dynamicASN; remove one",
			"spec.perNode.sourceAddress: has no effect with interface; remove one",
			"spec.perNode.passwordSecret: has no effect with password; remove one",
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
			`spec.peerAddress: invalid BGPPeer address: "fe80::1" is a link-local address, which means nothing without an interface; set interface instead, or use a global or unique local address`,
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
	"the same router again, in a VRF": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254, vrf: red}`,
	},
	"the same router again, in the same VRF": {
		given:      two + `peer first: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, vrf: red}`,
		apply:      `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, vrf: red}`,
		wantErrors: []string{duplicatePeer("172.30.0.254", "first")},
	},
	"the same router again, with an address that only nodes know": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254, perNode: {sourceAddress: "{label:address}"}}`,
	},
	"the same router again, with another ASN per node": {
		given:      two,
		apply:      `peer router: {myASN: 64512, peerAddress: 172.30.1.254, perNode: {peerASN: "{label:asn}"}}`,
		wantErrors: []string{duplicatePeer("172.30.1.254", "tor-a")},
	},
	"the same interface again": {
		given: two + `peer first: {myASN: 64512, peerASN: 64513, interface: eth1}`,
		apply: `peer router: {myASN: 64512, dynamicASN: external, interface: eth1, nodeSelectors: [{matchLabels: {rack: b}}]}`,
		wantErrors: []string{
			`spec.interface: peer on interface eth1 already exists: BGPPeer "first" connects to it from the same nodes; remove one or make their nodeSelectors disjoint`,
		},
	},
	"another interface": {
		given: two + `peer first: {myASN: 64512, peerASN: 64513, interface: eth1}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, interface: eth2}`,
	},
	"the same interface again, from the nodes of another rack": {
		given: two + `peer first: {myASN: 64512, peerASN: 64513, interface: eth1, nodeSelectors: [{matchLabels: {rack: a}}]}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, interface: eth1, nodeSelectors: [{matchLabels: {rack: b}}]}`,
	},
	"the default gateway again": {
		given: two + `peer first: {myASN: 64512, peerASN: 64513, defaultGateway: IPv4}`,
		apply: `peer router: {myASN: 64512, peerASN: 64514, defaultGateway: IPv4, dualStackAddressFamily: true}`,
		wantErrors: []string{
			`spec.defaultGateway: peer at the IPv4 default gateway already exists: BGPPeer "first" connects to it from the same nodes; remove one or make their nodeSelectors disjoint`,
		},
	},
	"the default gateway of the other family": {
		given: two + `peer first: {myASN: 64512, peerASN: 64513, defaultGateway: IPv4}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, defaultGateway: IPv6}`,
	},
	"an address that may be the default gateway's": {
		given: two + `peer first: {myASN: 64512, peerASN: 64513, defaultGateway: IPv4}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
	},
	"the default gateway, that slipped in twice": {
		given: two + `
			peer first: {myASN: 64512, peerASN: 64513, defaultGateway: IPv4}
			peer router: {myASN: 64512, peerASN: 64513, defaultGateway: IPv4}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, defaultGateway: IPv4, holdTime: 30s}`,
		wantWarnings: []string{
			stale(`spec.defaultGateway: peer at the IPv4 default gateway already exists: BGPPeer "first" connects to it from the same nodes; `+
				`remove one or make their nodeSelectors disjoint`, "Invalid value", `"IPv4"`),
		},
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
	"a local ASN that is that of the nodes anyway": {
		given:        two,
		apply:        `peer router: {myASN: 64512, localASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
		wantWarnings: []string{`BGPPeer "router" has spec.localASN equal to spec.myASN, which changes nothing; remove it`},
	},
	"both families and none but one": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, disableMP: true, dualStackAddressFamily: true}`,
		wantWarnings: []string{
			`BGPPeer "router" sets spec.disableMP, which has no effect, beside spec.dualStackAddressFamily: the session carries both families; remove one`,
		},
	},
	"values for all nodes beside those of each": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, sourceAddress: 172.30.0.7, routerID: 10.0.0.1, passwordSecret: {name: md5},
			perNode: {myASN: "{label:a}", peerASN: "{label:a}", sourceAddress: "{label:a}", routerID: "{label:a}", passwordSecret: "{label:a}"}}`,
		wantWarnings: []string{
			unusedWarning("peerASN"), unusedWarning("sourceAddress"), unusedWarning("routerID"), unusedWarning("passwordSecret"),
		},
	},
	"values for all nodes beside others of each": {
		given: two,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, sourceAddress: 172.30.0.7, perNode: {routerID: "{label:a}"}}`,
	},
}
