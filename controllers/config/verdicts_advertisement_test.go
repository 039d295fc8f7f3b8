// SPDX-License-Identifier: Apache-2.0

package config_test

// rack has two pools, two peers and two nodes, and nothing in use.
const rack = `
	node n1: {labels: {rack: a}}
	node n2: {labels: {rack: b}}
	peer tor-a: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254}
	peer tor-b: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.2.254}
	pool a: {addresses: [198.51.100.0/24], labels: {tier: gold}}
	pool b: {addresses: [203.0.113.0/28, "2001:db8::/112"], labels: {tier: silver}}
`

// advertisementCases are about advertisements by themselves, beside others, and beside the pools that they select.
var advertisementCases = map[string]verdictCase{
	"an advertisement is created": {
		given: rack,
		apply: `advertisement all: {}`,
	},
	"everything that an advertisement can have is allowed": {
		given: rack + `community colours: {communities: [{name: blue, value: "large:64512:1:1"}]}`,
		apply: `advertisement full: {aggregationLength: 24, aggregationLengthV6: 64, localPref: 4294967295, asPathPrepend: 10, communities: [blue, "64512:1"],
			ipAddressPools: [a], ipAddressPoolSelectors: [{matchLabels: {tier: gold}}], nodeSelectors: [{matchLabels: {rack: a}}], peers: [tor-a]}`,
	},
	"a length of IPv4 prefixes that there is not": {
		given:      rack,
		apply:      `advertisement all: {aggregationLength: 33}`,
		wantErrors: []string{`spec.aggregationLength: invalid aggregation length "33" for IPv4: must be from 1 to 32`},
	},
	"a length of IPv6 prefixes that there is not": {
		given:      rack,
		apply:      `advertisement all: {aggregationLengthV6: 0}`,
		wantErrors: []string{`spec.aggregationLengthV6: invalid aggregation length "0" for IPv6: must be from 1 to 128`},
	},
	"aggregation for some services only": {
		given: rack,
		apply: `advertisement all: {aggregationLength: 24, serviceSelectors: [{matchLabels: {app: web}}]}`,
		wantErrors: []string{
			`spec.aggregationLength: serviceSelectors and aggregationLength are mutually exclusive, both cannot be set in all; remove one`,
		},
	},
	"aggregation of IPv6 for some services only": {
		given: rack,
		apply: `advertisement all: {aggregationLength: 32, aggregationLengthV6: 64, serviceSelectors: [{matchLabels: {app: web}}]}`,
		wantErrors: []string{
			`spec.aggregationLengthV6: serviceSelectors and aggregationLengthV6 are mutually exclusive, both cannot be set in all; remove one`,
		},
	},
	"single addresses for some services only": {
		given: rack,
		apply: `advertisement all: {aggregationLength: 32, aggregationLengthV6: 128, serviceSelectors: [{matchLabels: {app: web}}]}`,
	},
	"a pool that is listed twice": {
		given:      rack,
		apply:      `advertisement all: {ipAddressPools: [a, a]}`,
		wantErrors: []string{`spec.ipAddressPools[1]: duplicate definition of ipAddressPools "a"; remove one`},
	},
	"a peer that is listed twice": {
		given:      rack,
		apply:      `advertisement all: {peers: [tor-a, tor-b, tor-a]}`,
		wantErrors: []string{`spec.peers[2]: duplicate definition of peers "tor-a"; remove one`},
	},
	"a community that is listed twice": {
		given:      rack,
		apply:      `advertisement all: {communities: ["64512:1", "64512:1"]}`,
		wantErrors: []string{`spec.communities[1]: duplicate definition of communities "64512:1"; remove one`},
	},
	"a community out of range": {
		given: rack,
		apply: `advertisement all: {communities: ["64512:65536"]}`,
		wantErrors: []string{
			`spec.communities[0]: invalid community "64512:65536" in BGP advertisement: ` +
				`invalid community value: invalid section "65536" of community "64512:65536": must be a number from 0 to 65535`,
		},
	},
	"a large community without its marker": {
		given: rack,
		apply: `advertisement all: {communities: ["1:2:3:4"]}`,
		wantErrors: []string{
			`spec.communities[0]: invalid community "1:2:3:4" in BGP advertisement: ` +
				`invalid marker for large community "1:2:3:4": expected community to be of format large:a:b:c`,
		},
	},
	"a node selector that cannot be": {
		given: rack,
		apply: `advertisement all: {nodeSelectors: [{matchExpressions: [{key: rack, operator: In}]}]}`,
		wantErrors: []string{
			`spec.nodeSelectors[0]: invalid label selector: values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty`,
		},
	},
	"a pool selector that is listed twice": {
		given: rack,
		apply: `advertisement all: {ipAddressPoolSelectors: [{matchLabels: {tier: gold}}, {matchLabels: {tier: gold}}]}`,
		wantErrors: []string{
			`spec.ipAddressPoolSelectors[1]: duplicate definition of ipAddressPoolSelectors "tier=gold"; remove one`,
		},
	},
	"a bad advertisement is deleted": {
		given:  rack + `advertisement all: {aggregationLength: 99}`,
		remove: "advertisement all",
	},
	"a bad advertisement is mended": {
		given: rack + `advertisement all: {aggregationLength: 99}`,
		apply: `advertisement all: {aggregationLength: 28}`,
	},

	"aggregation to more than a pool": {
		given: rack,
		apply: `advertisement all: {aggregationLength: 26}`,
		wantErrors: []string{
			aggregatesTooMuch("aggregationLength", "b", 26, 28, "203.0.113.0/28"),
		},
	},
	"aggregation to more than any pool": {
		given: rack,
		apply: `advertisement all: {aggregationLength: 20}`,
		wantErrors: []string{
			aggregatesTooMuch("aggregationLength", "a", 20, 24, "198.51.100.0/24"),
			aggregatesTooMuch("aggregationLength", "b", 20, 28, "203.0.113.0/28"),
		},
	},
	"aggregation to more than a pool, of IPv6": {
		given: rack,
		apply: `advertisement all: {aggregationLengthV6: 64}`,
		wantErrors: []string{
			aggregatesTooMuch("aggregationLengthV6", "b", 64, 112, "2001:db8::/112"),
		},
	},
	"aggregation to more than a pool that is not selected": {
		given: rack,
		apply: `advertisement all: {aggregationLength: 24, ipAddressPools: [a]}`,
	},
	"aggregation to more than a pool that comes to be selected": {
		given: rack + `advertisement net: {aggregationLength: 24, ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}`,
		apply: `advertisement net: {aggregationLength: 24, ipAddressPoolSelectors: [{matchLabels: {tier: gold}}], ipAddressPools: [b]}`,
		wantErrors: []string{
			aggregatesTooMuch("aggregationLength", "b", 24, 28, "203.0.113.0/28"),
		},
	},
	"aggregation to more than a pool that cannot be read": {
		given: rack + `pool bad: {addresses: [192.0.2.0/30, nonsense]}`,
		apply: `advertisement net: {aggregationLength: 24, ipAddressPools: [a, bad]}`,
	},
	"aggregation that has been too much all along": {
		given: rack + `advertisement net: {aggregationLength: 26}`,
		apply: `advertisement net: {aggregationLength: 26, localPref: 100}`,
		wantWarnings: []string{
			stale(aggregatesTooMuch("aggregationLength", "b", 26, 28, "203.0.113.0/28"), "Invalid value", "26"),
		},
	},
	"aggregation that has been too much becomes more": {
		given: rack + `advertisement net: {aggregationLength: 26}`,
		apply: `advertisement net: {aggregationLength: 25}`,
		wantErrors: []string{
			aggregatesTooMuch("aggregationLength", "b", 25, 28, "203.0.113.0/28"),
		},
	},

	"two local preferences for one pool": {
		given:      rack + `advertisement first: {localPref: 100, ipAddressPools: [a]}`,
		apply:      `advertisement second: {localPref: 200, ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}`,
		wantErrors: []string{`spec.localPref: ` + localPrefConflict(200, "first", 100, "a")},
	},
	"a local preference beside none": {
		given:      rack + `advertisement first: {ipAddressPools: [a]}`,
		apply:      `advertisement second: {localPref: 200, ipAddressPools: [a, b]}`,
		wantErrors: []string{`spec.localPref: ` + localPrefConflict(200, "first", 100, "a")},
	},
	"the default local preference beside none": {
		given: rack + `advertisement first: {ipAddressPools: [a]}`,
		apply: `advertisement second: {localPref: 100, ipAddressPools: [a, b]}`,
	},
	"two local preferences for two pools": {
		given: rack + `advertisement first: {localPref: 100}`,
		apply: `advertisement second: {localPref: 200}`,
		wantErrors: []string{
			`spec.localPref: ` + localPrefConflict(200, "first", 100, "a"),
			`spec.localPref: ` + localPrefConflict(200, "first", 100, "b"),
		},
	},
	"three local preferences": {
		given: rack + `
			advertisement first: {localPref: 100, ipAddressPools: [a]}
			advertisement second: {localPref: 200, ipAddressPools: [b]}`,
		apply: `advertisement third: {localPref: 300}`,
		wantErrors: []string{
			`spec.localPref: ` + localPrefConflict(300, "first", 100, "a"),
			`spec.localPref: ` + localPrefConflict(300, "second", 200, "b"),
		},
	},
	"equal local preferences": {
		given: rack + `advertisement first: {localPref: 100, ipAddressPools: [a]}`,
		apply: `advertisement second: {localPref: 100}`,
	},
	"two local preferences for different pools": {
		given: rack + `advertisement first: {localPref: 100, ipAddressPools: [a]}`,
		apply: `advertisement second: {localPref: 200, ipAddressPools: [b]}`,
	},
	"two local preferences to different peers": {
		given: rack + `advertisement first: {localPref: 100, peers: [tor-a]}`,
		apply: `advertisement second: {localPref: 200, peers: [tor-b]}`,
	},
	"two local preferences to a peer in common": {
		given:      rack + `advertisement first: {localPref: 100, ipAddressPools: [a], peers: [tor-a]}`,
		apply:      `advertisement second: {localPref: 200, ipAddressPools: [a], peers: [tor-b, tor-a]}`,
		wantErrors: []string{`spec.localPref: ` + localPrefConflict(200, "first", 100, "a")},
	},
	"two local preferences from different nodes": {
		given: rack + `advertisement first: {localPref: 100, nodeSelectors: [{matchLabels: {rack: a}}]}`,
		apply: `advertisement second: {localPref: 200, nodeSelectors: [{matchLabels: {rack: b}}]}`,
	},
	"two local preferences from a node in common": {
		given:      rack + `advertisement first: {localPref: 100, ipAddressPools: [a], nodeSelectors: [{matchLabels: {rack: a}}]}`,
		apply:      `advertisement second: {localPref: 200, ipAddressPools: [a]}`,
		wantErrors: []string{`spec.localPref: ` + localPrefConflict(200, "first", 100, "a")},
	},
	"two local preferences for prefixes of different lengths": {
		given: rack + `advertisement first: {localPref: 100, ipAddressPools: [a]}`,
		apply: `advertisement second: {localPref: 200, ipAddressPools: [a], aggregationLength: 24}`,
	},
	"two local preferences for prefixes of different lengths in one family": {
		given:      rack + `advertisement first: {localPref: 100, ipAddressPools: [b]}`,
		apply:      `advertisement second: {localPref: 200, ipAddressPools: [b], aggregationLength: 28}`,
		wantErrors: []string{`spec.localPref: ` + localPrefConflict(200, "first", 100, "b")},
	},
	"two local preferences for services that only they know": {
		given: rack + `advertisement first: {localPref: 100, serviceSelectors: [{matchLabels: {app: web}}]}`,
		apply: `advertisement second: {localPref: 200}`,
	},
	"two local preferences for a pool that cannot be read": {
		given: rack + `
			pool bad: {addresses: [nonsense]}
			advertisement first: {localPref: 100, ipAddressPools: [bad]}`,
		apply: `advertisement second: {localPref: 200, ipAddressPools: [bad]}`,
	},
	"two local preferences, one in an advertisement that cannot be read": {
		given: rack + `advertisement first: {localPref: 100, aggregationLength: 99}`,
		apply: `advertisement second: {localPref: 200}`,
	},
	"two local preferences without any node known": {
		given: `
			advertisement first: {localPref: 100, nodeSelectors: [{matchLabels: {rack: a}}]}
			pool a: {addresses: [198.51.100.0/24]}`,
		apply: `advertisement second: {localPref: 200}`,
	},
	"two local preferences everywhere without any node known": {
		given: `
			advertisement first: {localPref: 100}
			pool a: {addresses: [198.51.100.0/24]}`,
		apply:      `advertisement second: {localPref: 200}`,
		wantErrors: []string{`spec.localPref: ` + localPrefConflict(200, "first", 100, "a")},
	},
	"two local preferences that slipped in": {
		given: rack + `
			advertisement first: {localPref: 100, ipAddressPools: [a]}
			advertisement second: {localPref: 200, ipAddressPools: [a]}`,
		apply:        `advertisement second: {localPref: 200, ipAddressPools: [a], communities: ["64512:1"]}`,
		wantWarnings: []string{stale(`spec.localPref: `+localPrefConflict(200, "first", 100, "a"), "Invalid value", "200")},
	},
	"two local preferences that slipped in are solved": {
		given: rack + `
			advertisement first: {localPref: 100, ipAddressPools: [a]}
			advertisement second: {localPref: 200, ipAddressPools: [a]}`,
		apply: `advertisement second: {localPref: 200, ipAddressPools: [b]}`,
	},
	"two local preferences that slipped in do not concern a third advertisement": {
		given: rack + `
			advertisement first: {localPref: 100, ipAddressPools: [a]}
			advertisement second: {localPref: 200, ipAddressPools: [a]}`,
		apply: `advertisement third: {localPref: 300, ipAddressPools: [b]}`,
	},

	"an AS path that is too long": {
		given:      rack,
		apply:      `advertisement all: {asPathPrepend: 11}`,
		wantErrors: []string{`spec.asPathPrepend: invalid AS path prepend 11: must be from 0 to 10`},
	},
	"two lengths of AS path for one pool": {
		given:      rack + `advertisement first: {asPathPrepend: 1, ipAddressPools: [a]}`,
		apply:      `advertisement second: {asPathPrepend: 2, ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}`,
		wantErrors: []string{`spec.asPathPrepend: ` + prependConflict(2, "first", 1, "a")},
	},
	"an AS path that is prepended to beside one that is not": {
		given:      rack + `advertisement first: {asPathPrepend: 1, ipAddressPools: [a]}`,
		apply:      `advertisement second: {ipAddressPools: [a, b]}`,
		wantErrors: []string{`spec.asPathPrepend: ` + prependConflict(0, "first", 1, "a")},
	},
	"two lengths of AS path and two local preferences for two pools": {
		given: rack + `advertisement first: {localPref: 100}`,
		apply: `advertisement second: {localPref: 200, asPathPrepend: 2}`,
		wantErrors: []string{
			`spec.localPref: ` + localPrefConflict(200, "first", 100, "a"),
			`spec.asPathPrepend: ` + prependConflict(2, "first", 0, "a"),
			`spec.localPref: ` + localPrefConflict(200, "first", 100, "b"),
			`spec.asPathPrepend: ` + prependConflict(2, "first", 0, "b"),
		},
	},
	"equal lengths of AS path": {
		given: rack + `advertisement first: {asPathPrepend: 2, ipAddressPools: [a]}`,
		apply: `advertisement second: {asPathPrepend: 2}`,
	},
	"two lengths of AS path for different pools": {
		given: rack + `advertisement first: {asPathPrepend: 1, ipAddressPools: [a]}`,
		apply: `advertisement second: {asPathPrepend: 2, ipAddressPools: [b]}`,
	},
	"two lengths of AS path to different peers": {
		given: rack + `advertisement first: {asPathPrepend: 1, peers: [tor-a]}`,
		apply: `advertisement second: {asPathPrepend: 2, peers: [tor-b]}`,
	},
	"two lengths of AS path from different nodes": {
		given: rack + `advertisement first: {asPathPrepend: 1, nodeSelectors: [{matchLabels: {rack: a}}]}`,
		apply: `advertisement second: {asPathPrepend: 2, nodeSelectors: [{matchLabels: {rack: b}}]}`,
	},
	"two lengths of AS path for prefixes of different lengths": {
		given: rack + `advertisement first: {asPathPrepend: 1, ipAddressPools: [a]}`,
		apply: `advertisement second: {asPathPrepend: 2, ipAddressPools: [a], aggregationLength: 24}`,
	},
	"two lengths of AS path for services that only they know": {
		given: rack + `advertisement first: {asPathPrepend: 1, serviceSelectors: [{matchLabels: {app: web}}]}`,
		apply: `advertisement second: {asPathPrepend: 2}`,
	},
	"two lengths of AS path that slipped in": {
		given: rack + `
			advertisement first: {asPathPrepend: 1, ipAddressPools: [a]}
			advertisement second: {asPathPrepend: 2, ipAddressPools: [a]}`,
		apply:        `advertisement second: {asPathPrepend: 2, ipAddressPools: [a], communities: ["64512:1"]}`,
		wantWarnings: []string{stale(`spec.asPathPrepend: `+prependConflict(2, "first", 1, "a"), "Invalid value", "2")},
	},
	"two lengths of AS path that slipped in are solved": {
		given: rack + `
			advertisement first: {asPathPrepend: 1, ipAddressPools: [a]}
			advertisement second: {asPathPrepend: 2, ipAddressPools: [a]}`,
		apply: `advertisement second: {asPathPrepend: 1, ipAddressPools: [a], communities: ["64512:1"]}`,
	},

	"two MEDs for one pool": {
		given:      rack + `advertisement first: {med: 10, ipAddressPools: [a]}`,
		apply:      `advertisement second: {med: 20, ipAddressPools: [a, b]}`,
		wantErrors: []string{`spec.med: ` + medConflict(20, "first", 10, "a")},
	},
	"a MED of 0 beside none": {
		given:      rack + `advertisement first: {ipAddressPools: [a]}`,
		apply:      `advertisement second: {med: 0, ipAddressPools: [a]}`,
		wantErrors: []string{`spec.med: ` + medConflict(0, "first", "none", "a")},
	},
	"no MED beside one": {
		given:      rack + `advertisement first: {med: 10, ipAddressPools: [a]}`,
		apply:      `advertisement second: {ipAddressPools: [a]}`,
		wantErrors: []string{`spec.med: ` + medConflict("none", "first", 10, "a")},
	},
	"two MEDs to different peers": {
		given: rack + `advertisement first: {med: 10, peers: [tor-a]}`,
		apply: `advertisement second: {med: 20, peers: [tor-b]}`,
	},
	"weights of one pool beside none": {
		given: rack + `advertisement first: {ipAddressPools: [a]}`,
		apply: `advertisement second: {weightByEndpoints: true, ipAddressPools: [a]}`,
		wantErrors: []string{`spec.weightByEndpoints: invalid weightByEndpoints true: weightByEndpoints false was already set for the same type of BGP update ` +
			`by BGPAdvertisement "first": both announce pool "a" with one aggregation length; make weightByEndpoints equal, or select other pools, peers or nodes`},
	},
	"weights of aggregates of both families": {
		given: rack,
		apply: `advertisement all: {weightByEndpoints: true, ipAddressPools: [a], aggregationLength: 24, aggregationLengthV6: 64}`,
		wantWarnings: []string{`BGPAdvertisement "all" has spec.weightByEndpoints, which has no effect on aggregated routes; ` +
			`remove spec.aggregationLength and spec.aggregationLengthV6, or spec.weightByEndpoints`},
	},
	"weights of aggregates of one family": {
		given: rack,
		apply: `advertisement all: {weightByEndpoints: true, ipAddressPools: [a], aggregationLength: 24}`,
	},
	"weights for services that only they know": {
		given: rack + `advertisement first: {}`,
		apply: `advertisement second: {weightByEndpoints: true, serviceSelectors: [{matchLabels: {app: web}}]}`,
	},

	"a pool that is missing": {
		given:        rack,
		apply:        `advertisement some: {ipAddressPools: [a, c, d]}`,
		wantWarnings: []string{missingWarning("some", "IPAddressPool", "ipAddressPools", `"c", "d"`)},
	},
	"a pool that cannot be read is not missing": {
		given: rack + `pool bad: {addresses: [nonsense]}`,
		apply: `advertisement all: {ipAddressPools: [bad]}`,
	},
	"a peer that is missing": {
		given:        rack,
		apply:        `advertisement all: {peers: [tor-c, tor-a]}`,
		wantWarnings: []string{missingWarning("all", "BGPPeer", "peers", `"tor-c"`)},
	},
	"a peer that cannot be read is not missing": {
		given: rack + `peer bad: {myASN: 0}`,
		apply: `advertisement all: {peers: [bad]}`,
	},
	"an alias that nobody defines": {
		given:        rack + `community colours: {communities: [{name: red, value: "64512:1"}]}`,
		apply:        `advertisement some: {communities: [blue, red, green]}`,
		wantWarnings: []string{undefinedWarning("some", `"blue", "green"`)},
	},
	"well-known communities and extended ones": {
		given: rack,
		apply: `advertisement all: {communities: [no-export, graceful-shutdown, "rt:64512:1", "soo:192.0.2.1:2", "bandwidth:64512:125000000"]}`,
	},
	"an extended community that is none": {
		given: rack,
		apply: `advertisement all: {communities: ["rt:65536:65536"]}`,
		wantErrors: []string{`spec.communities[0]: invalid community "rt:65536:65536" in BGP advertisement: ` +
			`invalid community value: invalid section "65536" of community "rt:65536:65536": must be a number from 0 to 65535`},
	},
	"an alias that only a bad community defines": {
		given:        rack + `community colours: {communities: [{name: blue, value: "64512:99999"}]}`,
		apply:        `advertisement all: {communities: [blue]}`,
		wantWarnings: []string{undefinedWarning("all", `"blue"`)},
	},
	"node selectors that select no node": {
		given:        rack,
		apply:        `advertisement all: {nodeSelectors: [{matchLabels: {rack: c}}, {matchLabels: {rack: d}}]}`,
		wantWarnings: []string{noNodeWarning("all")},
	},
	"node selectors one of which selects a node": {
		given: rack,
		apply: `advertisement all: {nodeSelectors: [{matchLabels: {rack: c}}, {matchLabels: {rack: b}}]}`,
	},
	"an advertisement that is there already": {
		given:        rack + `advertisement first: {ipAddressPools: [a], localPref: 100, aggregationLength: 32}`,
		apply:        `advertisement second: {ipAddressPools: [a], localPref: 100}`,
		wantWarnings: []string{equalWarning("second", "first")},
	},
	"an advertisement that is there already but for its AS path": {
		given: rack + `advertisement first: {ipAddressPools: [a], serviceSelectors: [{matchLabels: {app: web}}]}`,
		apply: `advertisement second: {ipAddressPools: [a], serviceSelectors: [{matchLabels: {app: web}}], asPathPrepend: 1}`,
	},
	"an advertisement that is there already but for its MED": {
		given: rack + `advertisement first: {ipAddressPools: [a], serviceSelectors: [{matchLabels: {app: web}}]}`,
		apply: `advertisement second: {ipAddressPools: [a], serviceSelectors: [{matchLabels: {app: web}}], med: 0}`,
	},
	"an advertisement that is there already, in another order": {
		given:        rack + `advertisement first: {ipAddressPools: [a, b], peers: [tor-b, tor-a]}`,
		apply:        `advertisement second: {ipAddressPools: [b, a], peers: [tor-a, tor-b]}`,
		wantWarnings: []string{equalWarning("second", "first")},
	},
	"an advertisement that is almost there already": {
		given: rack + `advertisement first: {ipAddressPools: [a], communities: ["64512:1"]}`,
		apply: `advertisement second: {ipAddressPools: [a]}`,
	},
	"an advertisement of the same pool in larger prefixes of either family": {
		given: rack + `
			advertisement first: {ipAddressPools: [b]}
			advertisement larger: {ipAddressPools: [b], aggregationLength: 28}`,
		apply: `advertisement second: {ipAddressPools: [b], aggregationLength: 28, aggregationLengthV6: 112}`,
	},
	"an advertisement of the same pool from another node": {
		given: rack + `advertisement first: {ipAddressPools: [a], nodeSelectors: [{matchLabels: {rack: a}}]}`,
		apply: `advertisement second: {ipAddressPools: [a], nodeSelectors: [{matchLabels: {rack: b}}]}`,
	},
	"an advertisement of the same pool for other services": {
		given: rack + `advertisement first: {ipAddressPools: [a], serviceSelectors: [{matchLabels: {app: web}}]}`,
		apply: `advertisement second: {ipAddressPools: [a], serviceSelectors: [{matchLabels: {app: db}}]}`,
	},
	"an advertisement of pools with another label": {
		given: rack + `advertisement first: {ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]}`,
		apply: `advertisement second: {ipAddressPoolSelectors: [{matchLabels: {tier: silver}}]}`,
	},
	"everything that is suspicious is told at once": {
		given:        rack,
		apply:        `advertisement all: {ipAddressPools: [c], peers: [tor-c], communities: [blue], nodeSelectors: [{matchLabels: {rack: c}}]}`,
		wantWarnings: []string{missingWarning("all", "IPAddressPool", "ipAddressPools", `"c"`), missingWarning("all", "BGPPeer", "peers", `"tor-c"`), undefinedWarning("all", `"blue"`), noNodeWarning("all")},
	},
	"nothing is in use, so an advertisement is deleted": {
		given:  rack + `advertisement all: {}`,
		remove: "advertisement all",
	},
}
