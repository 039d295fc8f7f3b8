// SPDX-License-Identifier: Apache-2.0

package config_test

// announced lets every address of either family be announced.
const announced = `
	advertisement all: {}
	peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
	peer router6: {myASN: 64512, peerASN: 64513, peerAddress: "2001:db8:ffff::1"}
`

// poolCases are about what a pool says by itself, and what is suspicious about it.
var poolCases = map[string]verdictCase{
	"a pool is created": {
		given: announced,
		apply: `pool a: {addresses: [198.51.100.0/24, "2001:db8::/112", 203.0.113.10-203.0.113.20]}`,
	},
	"everything that a pool can have is allowed": {
		given: announced,
		apply: `pool a: {addresses: [198.51.100.0/24], autoAssign: false, avoidBuggyIPs: true, labels: {tier: gold}, serviceAllocation: {
			priority: 1, namespaces: [shop], namespaceSelectors: [{matchLabels: {team: red}}], serviceSelectors: [{matchLabels: {app: web}}]}}`,
	},
	"prefixes that do not begin where they are written": {
		given: announced,
		apply: `pool a: {addresses: [203.0.113.200/28, 203.0.113.5/32, 198.51.100.0/24, "2001:db8::7/112", "2001:db8:1::7/128"]}`,
		wantWarnings: []string{
			`IPAddressPool "a" has 203.0.113.200/28 in spec.addresses, which contains all addresses from 203.0.113.192 to 203.0.113.207; ` +
				`write 203.0.113.192/28 if you want these, or 203.0.113.200-203.0.113.215`,
			`IPAddressPool "a" has 2001:db8::7/112 in spec.addresses, which contains all addresses from 2001:db8:: to 2001:db8::ffff; ` +
				`write 2001:db8::/112 if you want these, or 2001:db8::7-2001:db8::1:6`,
		},
	},
	"a prefix that would end behind the last address": {
		given: announced,
		apply: `pool a: {addresses: [223.255.255.255/8]}`,
		wantWarnings: []string{
			`IPAddressPool "a" has 223.255.255.255/8 in spec.addresses, which contains all addresses from 223.0.0.0 to 223.255.255.255; ` +
				`write 223.0.0.0/8 if you want these, or 223.255.255.255/32`,
		},
	},
	"a pool without addresses": {
		given:      announced,
		apply:      `pool a: {addresses: []}`,
		wantErrors: []string{"spec.addresses: pool has no prefixes defined; list at least one prefix or range of addresses"},
	},
	"an address without prefix length": {
		given: announced,
		apply: `pool a: {addresses: [198.51.100.0]}`,
		wantErrors: []string{
			`spec.addresses[0]: invalid CIDR "198.51.100.0": no prefix length; for one address write "198.51.100.0/32"`,
		},
	},
	"something that is no address": {
		given: announced,
		apply: `pool a: {addresses: [198.51.100.0/24, nonsense]}`,
		wantErrors: []string{
			`spec.addresses[1]: invalid CIDR "nonsense": write a prefix such as "198.51.100.0/24" or a range such as "198.51.100.10-198.51.100.20"`,
		},
	},
	"a prefix length that is too long": {
		given: announced,
		apply: `pool a: {addresses: [198.51.100.0/33]}`,
		wantErrors: []string{
			`spec.addresses[0]: invalid CIDR "198.51.100.0/33": the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6`,
		},
	},
	"a range that ends before it starts": {
		given: announced,
		apply: `pool a: {addresses: [198.51.100.20-198.51.100.10]}`,
		wantErrors: []string{
			`spec.addresses[0]: invalid IP range "198.51.100.20-198.51.100.10": start IP "198.51.100.20" is after the end IP "198.51.100.10"; exchange them`,
		},
	},
	"a range from one family to the other": {
		given: announced,
		apply: `pool a: {addresses: ["198.51.100.20-2001:db8::1"]}`,
		wantErrors: []string{
			`spec.addresses[0]: invalid IP range "198.51.100.20-2001:db8::1": start and end must both be IPv4 or both be IPv6`,
		},
	},
	"a range without end": {
		given: announced,
		apply: `pool a: {addresses: [198.51.100.20-]}`,
		wantErrors: []string{
			`spec.addresses[0]: invalid IP range "198.51.100.20-": invalid end IP "": "" is not an IP address`,
		},
	},
	"addresses that no router forwards": {
		given: announced,
		apply: `pool a: {addresses: [224.0.0.0/24]}`,
		wantErrors: []string{
			`spec.addresses[0]: "224.0.0.0/24" includes multicast addresses (224.0.0.0/4), which no router forwards; leave it out`,
		},
	},
	"an IPv4 address written as IPv6": {
		given: announced,
		apply: `pool a: {addresses: ["::ffff:198.51.100.0/120"]}`,
		wantErrors: []string{
			`spec.addresses[0]: invalid CIDR "::ffff:198.51.100.0/120": "::ffff:198.51.100.0" is an IPv4 address written as IPv6; write "198.51.100.0"`,
		},
	},
	"an address with a zone": {
		given: announced,
		apply: `pool a: {addresses: ["fe80::1%eth0/128"]}`,
		wantErrors: []string{
			`spec.addresses[0]: invalid CIDR "fe80::1%eth0/128": "fe80::1%eth0" has a zone; write the address without "%eth0"`,
		},
	},
	"two faults at once are both told": {
		given: announced,
		apply: `pool a: {addresses: [127.0.0.0/8, 198.51.100.0/24], serviceAllocation: {priority: -1}}`,
		wantErrors: []string{
			`spec.addresses[0]: "127.0.0.0/8" includes loopback addresses (127.0.0.0/8), which no router forwards; leave it out`,
			"spec.serviceAllocation.priority: must be 0 or more: 1 comes first, 0 last",
		},
	},
	"a pool that overlaps itself": {
		given: announced,
		apply: `pool a: {addresses: [198.51.100.0/24, 198.51.100.128/25]}`,
		wantErrors: []string{
			`spec.addresses[1]: CIDR "198.51.100.128/25" in pool "a" overlaps with already defined CIDR "198.51.100.0/24"; list each address once`,
		},
	},
	"a range that is listed twice": {
		given: announced,
		apply: `pool a: {addresses: ["2001:db8::/112", 198.51.100.0/24, "2001:db8::/112"]}`,
		wantErrors: []string{
			`spec.addresses[2]: CIDR "2001:db8::/112" in pool "a" overlaps with already defined CIDR "2001:db8::/112"; list each address once`,
		},
	},
	"a namespace that is listed twice": {
		given: announced,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop, web, shop]}}`,
		wantErrors: []string{
			`spec.serviceAllocation.namespaces[2]: duplicate definition of namespaces "shop"; remove one`,
		},
	},
	"a namespace selector that is listed twice": {
		given: announced,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaceSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}}`,
		wantErrors: []string{
			`spec.serviceAllocation.namespaceSelectors[1]: duplicate definition of namespaceSelectors "a=b"; remove one`,
		},
	},
	"a service selector with an unknown operator": {
		given: announced,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {serviceSelectors: [{matchExpressions: [{key: a, operator: Near}]}]}}`,
		wantErrors: []string{
			`spec.serviceAllocation.serviceSelectors[0]: invalid label selector: "Near" is not a valid label selector operator`,
		},
	},
	"a bad pool is mended": {
		given: announced + `pool a: {addresses: [198.51.100.0/33]}`,
		apply: `pool a: {addresses: [198.51.100.0/32]}`,
	},
	"a bad pool that stays bad is refused, whatever else changes": {
		given: announced + `pool a: {addresses: [198.51.100.0/33]}`,
		apply: `pool a: {addresses: [198.51.100.0/33], autoAssign: false}`,
		wantErrors: []string{
			`spec.addresses[0]: invalid CIDR "198.51.100.0/33": the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6`,
		},
	},
	"a bad pool is deleted": {
		given:  announced + `pool a: {addresses: [198.51.100.0/33]}`,
		remove: "pool a",
	},
	"a good pool becomes bad, which says nothing of services": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			service default/web: {holds: [198.51.100.0], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/33]}`,
		wantErrors: []string{
			`spec.addresses[0]: invalid CIDR "198.51.100.0/33": the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6`,
		},
	},
	"the override does not excuse what cannot be read": {
		given: announced,
		apply: `pool a: {disruption: true, addresses: [nonsense/24]}`,
		wantErrors: []string{
			`spec.addresses[0]: invalid CIDR "nonsense/24": "nonsense" is not an IP address`,
		},
	},

	"a pool that nobody announces": {
		given:        `pool b: {addresses: [203.0.113.0/24]}`,
		apply:        `pool a: {addresses: [198.51.100.0/24]}`,
		wantWarnings: []string{unannouncedWarning("a")},
	},
	"a pool that only other pools' advertisements leave out": {
		given: `
			advertisement named: {ipAddressPools: [b]}
			advertisement labelled: {ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}
			pool b: {addresses: [203.0.113.0/24]}`,
		apply:        `pool a: {addresses: [198.51.100.0/24], labels: {tier: silver}}`,
		wantWarnings: []string{unannouncedWarning("a")},
	},
	"a pool that an advertisement selects by label": {
		given: `advertisement labelled: {ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}`,
		apply: `pool a: {addresses: [198.51.100.0/24], labels: {tier: gold}}`,
	},
	"a pool that an advertisement named before it existed": {
		given: `advertisement named: {ipAddressPools: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
	},
	"a pool that only a bad advertisement would announce": {
		given:        `advertisement bad: {aggregationLength: 99}`,
		apply:        `pool a: {addresses: [198.51.100.0/24]}`,
		wantWarnings: []string{unannouncedWarning("a")},
	},
	"a pool that contains a node's own address": {
		given: announced + `
			node n1: {addresses: [172.30.0.1]}
			node n2: {addresses: ["2001:db8::2", 172.30.0.2]}`,
		apply:        `pool a: {addresses: [172.30.0.2-172.30.0.9]}`,
		wantWarnings: []string{ownAddressWarning("a", "172.30.0.2", "n2")},
	},
	"a pool that contains a node's IPv6 address": {
		given:        announced + `node n2: {addresses: ["2001:db8::2", 172.30.0.2]}`,
		apply:        `pool a: {addresses: ["2001:db8::/64"]}`,
		wantWarnings: []string{ownAddressWarning("a", "2001:db8::2", "n2")},
	},
	"a pool beside the nodes' own addresses": {
		given: announced + `node n1: {addresses: [172.30.0.1]}`,
		apply: `pool a: {addresses: [172.30.0.2-172.30.0.9]}`,
	},
	"a pool is deleted that an advertisement names": {
		given: announced + `
			advertisement named: {ipAddressPools: [a, b]}
			pool a: {addresses: [198.51.100.0/24]}
			pool b: {addresses: [203.0.113.0/24]}`,
		remove:       "pool a",
		wantWarnings: []string{namedWarning("named", "a")},
	},
	"a pool is deleted that nobody names": {
		given:  announced + `pool a: {addresses: [198.51.100.0/24]}`,
		remove: "pool a",
	},
	"the last advertisement leaves a pool by its labels, which nobody uses": {
		given: `
			advertisement labelled: {ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			pool a: {addresses: [198.51.100.0/24], labels: {tier: gold}}`,
		apply:        `pool a: {addresses: [198.51.100.0/24], labels: {tier: silver}}`,
		wantWarnings: []string{unannouncedWarning("a")},
	},
}

// overlapCases are about a pool beside other pools and the advertisements that select it.
var overlapCases = map[string]verdictCase{
	"within another pool": {
		given: announced + `pool a: {addresses: [198.51.100.0/24]}`,
		apply: `pool b: {addresses: [198.51.100.128/25]}`,
		wantErrors: []string{
			overlap(0, "198.51.100.128/25", "b", "198.51.100.0/24", "a"),
		},
	},
	"around another pool": {
		given: announced + `pool b: {addresses: [198.51.100.128/25]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
		wantErrors: []string{
			overlap(0, "198.51.100.0/24", "a", "198.51.100.128/25", "b"),
		},
	},
	"equal to another pool": {
		given: announced + `pool b: {addresses: ["2001:db8::/112"]}`,
		apply: `pool a: {addresses: ["2001:db8::/112"]}`,
		wantErrors: []string{
			overlap(0, "2001:db8::/112", "a", "2001:db8::/112", "b"),
		},
	},
	"one address in common with another pool": {
		given: announced + `pool a: {addresses: [198.51.100.0/28]}`,
		apply: `pool b: {addresses: [203.0.113.0/24, 198.51.100.15-198.51.100.20]}`,
		wantErrors: []string{
			overlap(1, "198.51.100.15-198.51.100.20", "b", "198.51.100.0/28", "a"),
		},
	},
	"right beside another pool": {
		given: announced + `pool a: {addresses: [198.51.100.0/28]}`,
		apply: `pool b: {addresses: [198.51.100.16/28, 198.51.99.0-198.51.99.255]}`,
	},
	"two pools in the way are both named": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/28]}
			pool b: {addresses: [198.51.100.16/28]}`,
		apply: `pool c: {addresses: [198.51.100.0/24]}`,
		wantErrors: []string{
			overlap(0, "198.51.100.0/24", "c", "198.51.100.0/28", "a"),
			overlap(0, "198.51.100.0/24", "c", "198.51.100.16/28", "b"),
		},
	},
	"each range in the way of another is named": {
		given: announced + `pool a: {addresses: [198.51.100.0/28, 203.0.113.0/28]}`,
		apply: `pool b: {addresses: [203.0.113.0/24, 198.51.100.0/24]}`,
		wantErrors: []string{
			overlap(0, "203.0.113.0/24", "b", "203.0.113.0/28", "a"),
			overlap(1, "198.51.100.0/24", "b", "198.51.100.0/28", "a"),
		},
	},
	"a pool grows into another": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/25]}
			pool b: {addresses: [198.51.100.128/25]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
		wantErrors: []string{
			overlap(0, "198.51.100.0/24", "a", "198.51.100.128/25", "b"),
		},
	},
	"a pool shrinks to make room for another": {
		given: announced + `pool a: {addresses: [198.51.100.0/24]}`,
		apply: `pool a: {addresses: [198.51.100.0/25]}`,
	},
	"a pool that cannot be read is in nobody's way": {
		given: announced + `pool bad: {addresses: [198.51.100.0/24, nonsense]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
	},
	"the override does not excuse an overlap": {
		given: announced + `pool a: {addresses: [198.51.100.0/24]}`,
		apply: `pool b: {disruption: true, addresses: [198.51.100.0/24]}`,
		wantErrors: []string{
			overlap(0, "198.51.100.0/24", "b", "198.51.100.0/24", "a"),
		},
	},
	"an overlap that slipped in does not keep the next edit out": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			pool b: {addresses: [198.51.100.0/24]}`,
		apply: `pool b: {addresses: [198.51.100.0/24], autoAssign: false}`,
		wantWarnings: []string{
			stale(overlap(0, "198.51.100.0/24", "b", "198.51.100.0/24", "a"), "Invalid value", `"198.51.100.0/24"`),
		},
	},
	"an overlap that slipped in does not concern a third pool": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			pool b: {addresses: [198.51.100.0/24]}`,
		apply: `pool c: {addresses: [203.0.113.0/24]}`,
	},
	"an overlap that slipped in is solved by halves": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			pool b: {addresses: [198.51.100.0/24, 203.0.113.0/24]}
			pool c: {addresses: [203.0.113.0/24]}`,
		apply: `pool b: {addresses: [203.0.113.0/24]}`,
		wantWarnings: []string{
			stale(overlap(0, "203.0.113.0/24", "b", "203.0.113.0/24", "c"), "Invalid value", `"203.0.113.0/24"`),
		},
	},
	"an overlap that slipped in is solved by halves, by a smaller range": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/23]}
			pool b: {addresses: [198.51.100.0/25]}
			pool c: {addresses: [198.51.101.0/25]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
		wantWarnings: []string{
			stale(overlap(0, "198.51.100.0/24", "a", "198.51.100.0/25", "b"), "Invalid value", `"198.51.100.0/24"`),
		},
	},
	"an overlap that slipped in is written in other ranges": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/25, 198.51.100.128/25]}
			pool b: {addresses: [198.51.100.0/24]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
		wantWarnings: []string{
			stale(overlap(0, "198.51.100.0/24", "a", "198.51.100.0/24", "b"), "Invalid value", `"198.51.100.0/24"`),
		},
	},
	"an overlap that slipped in grows": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/25]}
			pool b: {addresses: [198.51.100.0/24]}`,
		apply: `pool a: {addresses: [198.51.100.0-198.51.100.128]}`,
		wantErrors: []string{
			overlap(0, "198.51.100.0-198.51.100.128", "a", "198.51.100.0/24", "b"),
		},
	},
	"an overlap that slipped in grows into another range of the same pool": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/25]}
			pool b: {addresses: [198.51.100.0/24, 203.0.113.0/24]}`,
		apply: `pool a: {addresses: [198.51.100.0/25, 203.0.113.0/25]}`,
		wantErrors: []string{
			overlap(1, "203.0.113.0/25", "a", "203.0.113.0/24", "b"),
		},
		wantWarnings: []string{
			stale(overlap(0, "198.51.100.0/25", "a", "198.51.100.0/24", "b"), "Invalid value", `"198.51.100.0/25"`),
		},
	},
	"an overlap that slipped in does not excuse a new one": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			pool b: {addresses: [198.51.100.0/24]}
			pool c: {addresses: [203.0.113.0/24]}`,
		apply: `pool b: {addresses: [198.51.100.0/24, 203.0.113.0/24]}`,
		wantErrors: []string{
			overlap(1, "203.0.113.0/24", "b", "203.0.113.0/24", "c"),
		},
		wantWarnings: []string{
			stale(overlap(0, "198.51.100.0/24", "b", "198.51.100.0/24", "a"), "Invalid value", `"198.51.100.0/24"`),
		},
	},
	"an overlap that slipped in is solved by deletion": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			pool b: {addresses: [198.51.100.0/24]}
			service default/web: {holds: [198.51.100.1], from: [b]}`,
		remove: "pool b",
	},

	"too small for an advertisement that aggregates": {
		given: announced + `advertisement net: {aggregationLength: 26}`,
		apply: `pool a: {addresses: [1.1.1.0/28]}`,
		wantErrors: []string{
			poolTooSmall(0, "net", 26, 28, "1.1.1.0/28"),
		},
	},
	"too small for an advertisement that aggregates IPv6": {
		given: announced + `advertisement net6: {aggregationLengthV6: 64}`,
		apply: `pool a: {addresses: [1.1.1.0/28, "2001:db8::/112"]}`,
		wantErrors: []string{
			poolTooSmall(1, "net6", 64, 112, "2001:db8::/112"),
		},
	},
	"a pool gets a range that is too small for an advertisement": {
		given: announced + `
			advertisement net: {aggregationLength: 24, ipAddressPools: [a]}
			pool a: {addresses: [198.51.100.0/24]}`,
		apply: `pool a: {addresses: [198.51.100.0/24, 203.0.113.1-203.0.113.254]}`,
		wantErrors: []string{
			poolTooSmall(1, "net", 24, 26, "203.0.113.1-203.0.113.254"),
		},
	},
	"a relabelled pool is too small for the advertisement that selects it": {
		given: announced + `
			advertisement net: {aggregationLength: 24, ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}
			pool a: {addresses: [198.51.100.0/25]}`,
		apply: `pool a: {addresses: [198.51.100.0/25], labels: {tier: gold}}`,
		wantErrors: []string{
			poolTooSmall(0, "net", 24, 25, "198.51.100.0/25"),
		},
	},
	"too small for an advertisement of other pools": {
		given: announced + `
			advertisement net: {aggregationLength: 24, ipAddressPools: [b]}
			pool b: {addresses: [203.0.113.0/24]}`,
		apply: `pool a: {addresses: [198.51.100.0/25]}`,
	},
	"as large as the advertisement's prefixes": {
		given: announced + `advertisement net: {aggregationLength: 24, aggregationLengthV6: 112}`,
		apply: `pool a: {addresses: [198.51.100.0/24, "2001:db8::/112"]}`,
	},
	"too small in both families": {
		given: announced + `advertisement net: {aggregationLength: 24, aggregationLengthV6: 64}`,
		apply: `pool a: {addresses: [198.51.100.0/25, "2001:db8::/112"]}`,
		wantErrors: []string{
			poolTooSmall(0, "net", 24, 25, "198.51.100.0/25"),
			poolTooSmall(1, "net", 64, 112, "2001:db8::/112"),
		},
	},
	"too small in both families, and mended in one": {
		given: announced + `
			advertisement net: {aggregationLength: 24, aggregationLengthV6: 64}
			pool a: {addresses: [198.51.100.0/25, "2001:db8::/112"]}`,
		apply: `pool a: {addresses: [198.51.100.0/24, "2001:db8::/112"]}`,
		wantWarnings: []string{
			stale(poolTooSmall(1, "net", 64, 112, "2001:db8::/112"), "Invalid value", `"2001:db8::/112"`),
		},
	},
	"too small, and a little larger": {
		given: announced + `
			advertisement net: {aggregationLength: 24}
			pool a: {addresses: [198.51.100.0/26]}`,
		apply: `pool a: {addresses: [198.51.100.0/25]}`,
		wantWarnings: []string{
			stale(poolTooSmall(0, "net", 24, 25, "198.51.100.0/25"), "Invalid value", `"198.51.100.0/25"`),
		},
	},
	"a pool that has been too small all along": {
		given: announced + `
			advertisement net: {aggregationLength: 24}
			pool a: {addresses: [198.51.100.0/25]}`,
		apply: `pool a: {addresses: [198.51.100.0/25], avoidBuggyIPs: true}`,
		wantWarnings: []string{
			stale(poolTooSmall(0, "net", 24, 25, "198.51.100.0/25"), "Invalid value", `"198.51.100.0/25"`),
		},
	},
	"a relabelled pool gets two local preferences": {
		given: `
			advertisement gold: {localPref: 200, ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}
			advertisement rack: {localPref: 100, ipAddressPoolSelectors: [{matchLabels: {rack: a}}]}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			pool a: {addresses: [198.51.100.0/24], labels: {tier: gold}}`,
		apply: `pool a: {addresses: [198.51.100.0/24], labels: {tier: gold, rack: a}}`,
		wantErrors: []string{
			`metadata.labels: BGPAdvertisement "rack": ` + localPrefConflict(100, "gold", 200, "a"),
		},
	},
	"a relabelled pool gets two lengths of AS path": {
		given: `
			advertisement gold: {asPathPrepend: 2, ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}
			advertisement rack: {ipAddressPoolSelectors: [{matchLabels: {rack: a}}]}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			pool a: {addresses: [198.51.100.0/24], labels: {tier: gold}}`,
		apply: `pool a: {addresses: [198.51.100.0/24], labels: {tier: gold, rack: a}}`,
		wantErrors: []string{
			`metadata.labels: BGPAdvertisement "rack": ` + prependConflict(0, "gold", 2, "a"),
		},
	},
	"a pool with an IPv6 range gets two local preferences": {
		given: `
			advertisement one: {localPref: 200, aggregationLength: 24}
			advertisement two: {localPref: 100}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
			pool a: {addresses: [198.51.100.0/24]}`,
		apply: `pool a: {addresses: [198.51.100.0/24, "2001:db8::/112"]}`,
		wantErrors: []string{
			`spec.addresses: BGPAdvertisement "two": ` + localPrefConflict(100, "one", 200, "a"),
		},
	},
}
