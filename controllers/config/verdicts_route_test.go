// SPDX-License-Identifier: Apache-2.0

package config_test

// routed has a service whose address is announced if an advertisement says so, from two nodes to one peer.
const routed = `
	node n1: {labels: {rack: a}}
	node n2: {labels: {rack: b}}
	peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
	pool a: {addresses: [198.51.100.0/24], labels: {tier: gold}}
	service default/web: {holds: [198.51.100.1], from: [a], labels: {app: web}}
`

// excluded is a third node, which serves no load balancers.
const excluded = `node n3: {labels: {rack: c, node.kubernetes.io/exclude-from-external-load-balancers: ""}}
`

// webUnannounced is what is lost in most of the cases.
const webUnannounced = "default/web not announced at 198.51.100.1"

// webUnannouncedIPv6 is the same of a service with an IPv6 address.
const webUnannouncedIPv6 = "default/web not announced at 2001:db8::1"

// onlyIPv6 has a service with an IPv6 address, which is announced over an IPv4 session.
const onlyIPv6 = `
	node n1: {labels: {rack: a}}
	advertisement all: {}
	peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, dualStackAddressFamily: true}
	pool a: {addresses: ["2001:db8::/112"]}
	service default/web: {holds: ["2001:db8::1"], from: [a]}
`

// gateway and link have the service of routed, and a peer that each node has to find.
const (
	gateway = `
	node n1: {labels: {rack: a}}
	advertisement all: {}
	peer router: {myASN: 64512, peerASN: 64513, defaultGateway: IPv4}
	pool a: {addresses: [198.51.100.0/24]}
	service default/web: {holds: [198.51.100.1], from: [a]}
`
	link = `
	node n1: {labels: {rack: a}}
	advertisement all: {}
	peer router: {myASN: 64512, peerASN: 64513, interface: eth1}
	pool a: {addresses: [198.51.100.0/24]}
	service default/web: {holds: [198.51.100.1], from: [a]}
`
)

// routeCases are about the last routes of services.
var routeCases = map[string]verdictCase{
	"the only advertisement is deleted": {
		given:  routed + `advertisement all: {}`,
		remove: "advertisement all",
		wantErrors: []string{
			`metadata.name: new config not compatible with assigned IPs: service "default/web" would not be announced at "198.51.100.1" under new config`,
		},
		wantLost: []string{webUnannounced},
	},
	"one advertisement of two is deleted": {
		given: routed + `
			advertisement all: {}
			advertisement named: {ipAddressPools: [a], communities: ["64512:1"]}`,
		remove: "advertisement all",
	},
	"the other advertisement selects another pool": {
		given: routed + `
			advertisement all: {}
			advertisement other: {ipAddressPools: [b], ipAddressPoolSelectors: [{matchLabels: {tier: silver}}]}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"the other advertisement selects other services": {
		given: routed + `
			advertisement all: {}
			advertisement other: {serviceSelectors: [{matchLabels: {app: db}}]}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"the other advertisement names a peer that is missing": {
		given: routed + `
			advertisement all: {}
			advertisement other: {peers: [gone]}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"the other advertisement names a peer that is bad": {
		given: routed + `
			advertisement all: {}
			advertisement other: {peers: [bad]}
			peer bad: {myASN: 64512, peerASN: 64513, peerAddress: nonsense}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"the other advertisement is bad": {
		given: routed + `
			advertisement all: {}
			advertisement other: {aggregationLength: 99}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"the other advertisement has an alias that nobody defines": {
		given: routed + `
			advertisement all: {}
			advertisement other: {communities: [blue]}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"the other advertisement has an alias that a community defines": {
		given: routed + `
			advertisement all: {}
			advertisement other: {communities: [blue]}
			community colours: {communities: [{name: blue, value: "64512:1"}]}`,
		remove: "advertisement all",
	},
	"the other advertisement aggregates to more than the pool": {
		given: routed + `
			advertisement all: {}
			advertisement other: {aggregationLength: 23}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"the other advertisement aggregates to the pool": {
		given: routed + `
			advertisement all: {}
			advertisement other: {aggregationLength: 24}`,
		remove: "advertisement all",
	},
	"the other advertisement selects a node that is excluded": {
		given: routed + excluded + `
			advertisement all: {}
			advertisement other: {nodeSelectors: [{matchLabels: {rack: c}}]}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"the other advertisement selects a node that serves": {
		given: routed + excluded + `
			advertisement all: {}
			advertisement other: {nodeSelectors: [{matchLabels: {rack: c}}, {matchLabels: {rack: b}}]}`,
		remove: "advertisement all",
	},
	"the other advertisement and its peer meet on no node": {
		given: routed + `
			advertisement all: {}
			advertisement other: {nodeSelectors: [{matchLabels: {rack: a}}], peers: [tor-b]}
			peer tor-b: {myASN: 64512, peerASN: 64514, peerAddress: 172.30.2.254, nodeSelectors: [{matchLabels: {rack: b}}]}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"the other advertisement has a peer of the other family only": {
		given: routed + `
			advertisement all: {}
			advertisement other: {peers: [router6]}
			peer router6: {myASN: 64512, peerASN: 64513, peerAddress: "2001:db8:ffff::1"}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"nothing was announced at all, for want of nodes that serve": {
		given: excluded + `
			advertisement all: {}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			pool a: {addresses: [198.51.100.0/24]}
			service default/web: {holds: [198.51.100.1], from: [a]}`,
		remove: "advertisement all",
	},
	"nothing was announced at all, for want of a peer of the family": {
		given: `
			advertisement all: {}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			pool a: {addresses: ["2001:db8::/112"]}
			service default/web: {holds: ["2001:db8::1"], from: [a]}`,
		remove: "advertisement all",
	},
	"without any node known, one without labels stands for all": {
		given: `
			advertisement all: {}
			advertisement racks: {nodeSelectors: [{matchExpressions: [{key: rack, operator: Exists}]}]}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			pool a: {addresses: [198.51.100.0/24]}
			service default/web: {holds: [198.51.100.1], from: [a]}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"the advertisement is narrowed to another pool": {
		given: routed + `
			advertisement all: {}
			pool b: {addresses: [203.0.113.0/24]}`,
		apply: `advertisement all: {ipAddressPools: [b]}`,
		at:    "spec.ipAddressPools", wantLost: []string{webUnannounced},
	},
	"the advertisement is narrowed to the pool": {
		given: routed + `advertisement all: {}`,
		apply: `advertisement all: {ipAddressPools: [a]}`,
	},
	"the advertisement is narrowed to pools of another label": {
		given: routed + `advertisement all: {}`,
		apply: `advertisement all: {ipAddressPoolSelectors: [{matchLabels: {tier: silver}}]}`,
		at:    "spec.ipAddressPoolSelectors", wantLost: []string{webUnannounced},
	},
	"the advertisement is narrowed to another peer": {
		given: routed + `
			advertisement all: {}
			peer router6: {myASN: 64512, peerASN: 64513, peerAddress: "2001:db8:ffff::1"}`,
		apply: `advertisement all: {peers: [router6]}`,
		at:    "spec.peers", wantLost: []string{webUnannounced},
	},
	"the advertisement is narrowed to a node that is excluded": {
		given: routed + excluded + `advertisement all: {}`,
		apply: `advertisement all: {nodeSelectors: [{matchLabels: {rack: c}}]}`,
		at:    "spec.nodeSelectors", wantLost: []string{webUnannounced},
	},
	"the advertisement is narrowed to one of two nodes": {
		given: routed + `advertisement all: {}`,
		apply: `advertisement all: {nodeSelectors: [{matchLabels: {rack: b}}]}`,
	},
	"the advertisement is narrowed to other services": {
		given: routed + `
			advertisement all: {}
			service default/db: {holds: [198.51.100.2], from: [a], labels: {app: db}}`,
		apply: `advertisement all: {serviceSelectors: [{matchLabels: {app: db}}]}`,
		at:    "spec.serviceSelectors", wantLost: []string{webUnannounced},
	},
	"the advertisement gets an alias that nobody defines": {
		given: routed + `advertisement all: {}`,
		apply: `advertisement all: {communities: [blue]}`,
		at:    "spec.communities", wantLost: []string{webUnannounced},
		wantWarnings: []string{undefinedWarning("all", `"blue"`)},
	},
	"the advertisement is widened": {
		given: routed + `advertisement some: {ipAddressPools: [a], serviceSelectors: [{matchLabels: {app: web}}]}`,
		apply: `advertisement some: {}`,
	},
	"the advertisement says something else of the same routes": {
		given: routed + `advertisement all: {}`,
		apply: `advertisement all: {localPref: 200, communities: ["64512:1"], aggregationLength: 24}`,
	},
	"services of the pool are told apart": {
		given: routed + `
			advertisement all: {}
			advertisement db: {serviceSelectors: [{matchLabels: {app: db}}]}
			service default/db: {holds: [198.51.100.2], from: [a], labels: {app: db}}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},

	"the only peer is deleted": {
		given:  routed + `advertisement all: {}`,
		remove: "peer router",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"one peer of two is deleted": {
		given: routed + `
			advertisement all: {}
			peer second: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.253}`,
		remove: "peer router",
	},
	"the peer of one family is deleted": {
		given: routed + `
			advertisement all: {}
			peer router6: {myASN: 64512, peerASN: 64513, peerAddress: "2001:db8:ffff::1"}
			pool b: {addresses: ["2001:db8::/112"]}
			service default/dual: {holds: [198.51.100.9, "2001:db8::9"], from: [a, b]}`,
		remove: "peer router6",
		at:     "metadata.name", wantLost: []string{"default/dual not announced at 2001:db8::9"},
	},
	"the peer moves to an address of the other family": {
		given: routed + `advertisement all: {}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: "2001:db8:ffff::1"}`,
		at:    "spec.peerAddress", wantLost: []string{webUnannounced},
	},
	"the peer stops to carry the other family": {
		given: onlyIPv6,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
		at:    "spec.dualStackAddressFamily", wantLost: []string{webUnannouncedIPv6},
	},
	"the peer stops to carry the other family, which another peer carries": {
		given: onlyIPv6 + `peer router6: {myASN: 64512, peerASN: 64513, peerAddress: "2001:db8:ffff::1"}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
	},
	"the peer starts to carry the other family": {
		given: routed + `advertisement all: {}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, dualStackAddressFamily: true}`,
	},
	"the peer that carries both families moves to an address of the other": {
		given: onlyIPv6,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: "2001:db8:ffff::1", dualStackAddressFamily: true}`,
	},
	"the default gateway becomes that of the other family": {
		given: gateway,
		apply: `peer router: {myASN: 64512, peerASN: 64513, defaultGateway: IPv6}`,
		at:    "spec.defaultGateway", wantLost: []string{webUnannounced},
	},
	"the default gateway becomes that of the other family, and carries both": {
		given: gateway,
		apply: `peer router: {myASN: 64512, peerASN: 64513, defaultGateway: IPv6, dualStackAddressFamily: true}`,
	},
	"the default gateway becomes an address of the same family": {
		given: gateway,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
	},
	"the default gateway becomes an address of the other family": {
		given: gateway,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: "2001:db8:ffff::1"}`,
		at:    "spec.peerAddress", wantLost: []string{webUnannounced},
	},
	"the peer moves from an address to an interface, which carries both families": {
		given: routed + `advertisement all: {}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, interface: eth1}`,
	},
	"the peer moves from an interface to an address of the other family": {
		given: link,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: "2001:db8:ffff::1"}`,
		at:    "spec.peerAddress", wantLost: []string{webUnannounced},
	},
	"the peer moves from an interface to the default gateway of the other family": {
		given: link,
		apply: `peer router: {myASN: 64512, peerASN: 64513, defaultGateway: IPv6}`,
		at:    "spec.defaultGateway", wantLost: []string{webUnannounced},
	},
	"the peer moves from an address to an interface, and to fewer nodes": {
		given: routed + `advertisement all: {nodeSelectors: [{matchLabels: {rack: a}}]}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, interface: eth1, nodeSelectors: [{matchLabels: {rack: b}}]}`,
		at:    "spec.nodeSelectors", wantLost: []string{webUnannounced},
	},
	"the peer moves to another address of its family, and to fewer nodes": {
		given: routed + `advertisement all: {nodeSelectors: [{matchLabels: {rack: a}}]}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.253, nodeSelectors: [{matchLabels: {rack: b}}]}`,
		at:    "spec.nodeSelectors", wantLost: []string{webUnannounced},
	},
	"the peer on an interface is narrowed to a node that the advertisement leaves out": {
		given: link,
		apply: `peer router: {myASN: 64512, peerASN: 64513, interface: eth1, nodeSelectors: [{matchLabels: {rack: c}}]}`,
		at:    "spec.nodeSelectors", wantLost: []string{webUnannounced},
		wantWarnings: []string{noPeerNodeWarning("router")},
	},
	"the peer moves to another interface, VRF and ASN": {
		given: link,
		apply: `peer router: {myASN: 64512, localASN: 64999, dynamicASN: external, interface: eth2, vrf: red, ttlSecurityHops: 1}`,
	},
	"the peer moves to another address": {
		given: routed + `advertisement all: {}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.253}`,
	},
	"the peer is narrowed to a node that the advertisement leaves out": {
		given: routed + `advertisement all: {nodeSelectors: [{matchLabels: {rack: a}}]}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, nodeSelectors: [{matchLabels: {rack: b}}]}`,
		at:    "spec.nodeSelectors", wantLost: []string{webUnannounced},
	},
	"the peer is narrowed to one of two nodes": {
		given: routed + `advertisement all: {}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, nodeSelectors: [{matchLabels: {rack: b}}]}`,
	},

	"the pool is relabelled out of its advertisement": {
		given: routed + `advertisement gold: {ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}`,
		apply: `pool a: {addresses: [198.51.100.0/24], labels: {tier: silver}}`,
		at:    "metadata.labels", wantLost: []string{webUnannounced},
		wantWarnings: []string{unannouncedWarning("a")},
	},
	"the pool loses the label that its advertisement selects": {
		given: routed + `
			advertisement gold: {ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}
			advertisement db: {serviceSelectors: [{matchLabels: {app: db}}]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
		at:    "metadata.labels", wantLost: []string{webUnannounced},
	},
	"the pool is relabelled into another advertisement": {
		given: routed + `
			advertisement gold: {ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}
			advertisement silver: {ipAddressPoolSelectors: [{matchLabels: {tier: silver}}]}`,
		apply: `pool a: {addresses: [198.51.100.0/24], labels: {tier: silver}}`,
	},
	"the pool is relabelled, but named as well": {
		given: routed + `advertisement gold: {ipAddressPools: [a], ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
	},
	"the pool is relabelled and shrunk: who loses the address is not told of the route too": {
		given: routed + `
			advertisement gold: {ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}
			service default/db: {holds: [198.51.100.200], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/25]}`,
		at:    "spec.addresses", wantLost: []string{"default/db cannot own 198.51.100.200", webUnannounced},
		wantWarnings: []string{unannouncedWarning("a")},
	},
	"the pool is relabelled and grows: it is the labels that take the route": {
		given: routed + `advertisement gold: {ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}`,
		apply: `pool a: {addresses: [198.51.100.0/24, 203.0.113.0/24]}`,
		at:    "metadata.labels", wantLost: []string{webUnannounced},
		wantWarnings: []string{unannouncedWarning("a")},
	},
	"the pool shrinks below what its advertisement aggregates to": {
		given: routed + `advertisement net: {aggregationLength: 24}`,
		apply: `pool a: {addresses: [198.51.100.0/25], labels: {tier: gold}}`,
		wantErrors: []string{
			poolTooSmall(0, "net", 24, 25, "198.51.100.0/25"),
		},
		at: "spec.addresses", wantLost: []string{webUnannounced},
	},
	"the advertisement aggregates to more than the pool": {
		given: routed + `advertisement net: {aggregationLength: 24}`,
		apply: `advertisement net: {aggregationLength: 23}`,
		wantErrors: []string{
			aggregatesTooMuch("aggregationLength", "a", 23, 24, "198.51.100.0/24"),
		},
		at: "spec.aggregationLength", wantLost: []string{webUnannounced},
	},

	"of a pool that is gone, the advertisement that names it is deleted": {
		given: `
			advertisement named: {ipAddressPools: [gone]}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			service default/web: {holds: [198.51.100.1], from: [gone]}`,
		remove: "advertisement named",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"of a pool that is gone, the advertisement of everything is deleted": {
		given: `
			advertisement all: {}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			service default/web: {holds: [198.51.100.1], from: [gone]}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
	"of a pool that is gone, an advertisement by label announced nothing": {
		given: `
			advertisement gold: {ipAddressPoolSelectors: [{matchLabels: {tier: gold}}, {}]}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			service default/web: {holds: [198.51.100.1], from: [gone]}`,
		remove: "advertisement gold",
	},
	"an address in no pool that nobody recorded is another's to announce": {
		given: `
			advertisement all: {}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			service default/web: {holds: [198.51.100.1]}`,
		remove: "advertisement all",
	},
	"an address that its pool has come to avoid is still announced with the pool": {
		given: `
			advertisement gold: {ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			pool a: {addresses: [198.51.100.0/24], avoidBuggyIPs: true, labels: {tier: gold}}
			service default/web: {holds: [198.51.100.0], from: [a]}`,
		remove: "advertisement gold",
		at:     "metadata.name", wantLost: []string{"default/web not announced at 198.51.100.0"},
	},
	"an address that another pool has by now is announced with that": {
		given: routed + `
			advertisement named: {ipAddressPools: [gone]}
			advertisement all: {ipAddressPools: [a]}
			service default/db: {holds: [198.51.100.2], from: [gone]}`,
		remove: "advertisement named",
	},
	"a new pool takes an address away from who announces it": {
		given: `
			advertisement named: {ipAddressPools: [gone]}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			service default/web: {holds: [198.51.100.1], from: [gone]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
		at:    "spec.addresses", wantLost: []string{webUnannounced},
		wantWarnings: []string{unannouncedWarning("a")},
	},

	"overridden, an advertisement is deleted with a warning": {
		given:        routed + `advertisement all: {disruption: true}`,
		remove:       "advertisement all",
		wantLost:     []string{webUnannounced},
		wantWarnings: []string{disruptionWarning(webUnannounced)},
	},
	"overridden, an advertisement is narrowed with a warning": {
		given:        routed + `advertisement all: {}`,
		apply:        `advertisement all: {disruption: true, serviceSelectors: [{matchLabels: {app: db}}]}`,
		wantLost:     []string{webUnannounced},
		wantWarnings: []string{disruptionWarning(webUnannounced)},
	},
	"overridden, a peer is deleted with a warning": {
		given: `
			advertisement all: {}
			peer router: {disruption: true, myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			pool a: {addresses: [198.51.100.0/24]}
			service default/web: {holds: [198.51.100.1], from: [a]}`,
		remove:       "peer router",
		wantLost:     []string{webUnannounced},
		wantWarnings: []string{disruptionWarning(webUnannounced)},
	},
	"overridden, a pool is relabelled with a warning": {
		given:        routed + `advertisement gold: {ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}`,
		apply:        `pool a: {disruption: true, addresses: [198.51.100.0/24]}`,
		wantLost:     []string{webUnannounced},
		wantWarnings: []string{disruptionWarning(webUnannounced), unannouncedWarning("a")},
	},
	"overridden on another object, nothing is excused": {
		given: `
			advertisement all: {}
			peer router: {disruption: true, myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			pool a: {disruption: true, addresses: [198.51.100.0/24]}
			service default/web: {holds: [198.51.100.1], from: [a]}`,
		remove: "advertisement all",
		at:     "metadata.name", wantLost: []string{webUnannounced},
	},
}
