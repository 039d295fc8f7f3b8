// SPDX-License-Identifier: Apache-2.0

package config_test

// coloured has an alias in use and one that is not.
const coloured = `
	community colours: {communities: [{name: blue, value: "64512:1"}, {name: red, value: "64512:2"}]}
	advertisement all: {communities: [blue]}
`

// communityCases are about aliases, and what advertisements use of them.
var communityCases = map[string]verdictCase{
	"aliases are defined": {
		given: coloured,
		apply: `community more: {communities: [{name: green, value: "0:65535"}, {name: large, value: "large:4294967295:0:1"}]}`,
	},
	"no alias is defined": {
		given: coloured,
		apply: `community none: {communities: []}`,
	},
	"a value of one number": {
		given:      coloured,
		apply:      `community more: {communities: [{name: green, value: "64512"}]}`,
		wantErrors: []string{`spec.communities[0].value: invalid community format: "64512"; write "a:b", "large:a:b:c", "rt:a:b", "soo:a:b", "bandwidth:a:b" or a well-known name such as "no-export"`},
	},
	"a value that is a well-known name": {
		given: coloured,
		apply: `community more: {communities: [{name: green, value: no-export}, {name: no-peer, value: "64512:7"}, {name: leaf, value: "rt:64512:1"}]}`,
	},
	"a value that is no well-known name": {
		given:      coloured,
		apply:      `community more: {communities: [{name: green, value: no-import}]}`,
		wantErrors: []string{`spec.communities[0].value: invalid community format: "no-import"; write "a:b", "large:a:b:c", "rt:a:b", "soo:a:b", "bandwidth:a:b" or a well-known name such as "no-export"`},
	},
	"a number out of range": {
		given: coloured,
		apply: `community more: {communities: [{name: green, value: "64512:1"}, {name: pink, value: "65536:1"}]}`,
		wantErrors: []string{
			`spec.communities[1].value: invalid community value: invalid section "65536" of community "65536:1": must be a number from 0 to 65535`,
		},
	},
	"a large community without its marker": {
		given: coloured,
		apply: `community more: {communities: [{name: green, value: "1:2:3:4"}]}`,
		wantErrors: []string{
			`spec.communities[0].value: invalid marker for large community "1:2:3:4": expected community to be of format large:a:b:c`,
		},
	},
	"a name that looks like a value": {
		given:      coloured,
		apply:      `community more: {communities: [{name: "1:2", value: "1:2"}]}`,
		wantErrors: []string{`spec.communities[0].name: must not have a colon, which would make it a value`},
	},
	"no name": {
		given:      coloured,
		apply:      `community more: {communities: [{name: "", value: "1:2"}]}`,
		wantErrors: []string{`spec.communities[0].name: an alias needs a name`},
	},
	"one name twice": {
		given:      coloured,
		apply:      `community more: {communities: [{name: green, value: "1:2"}, {name: green, value: "1:3"}]}`,
		wantErrors: []string{`spec.communities[1].name: duplicate definition of community "green"; remove one`},
	},
	"a name that another defines": {
		given:      coloured,
		apply:      `community more: {communities: [{name: green, value: "1:2"}, {name: red, value: "64512:2"}]}`,
		wantErrors: []string{duplicateAlias(1, "red", "colours")},
	},
	"two names that others define": {
		given: coloured + `community warm: {communities: [{name: yellow, value: "1:1"}]}`,
		apply: `community more: {communities: [{name: yellow, value: "1:2"}, {name: red, value: "64512:2"}, {name: blue, value: "64512:2"}]}`,
		wantErrors: []string{
			duplicateAlias(1, "red", "colours"), duplicateAlias(2, "blue", "colours"), duplicateAlias(0, "yellow", "warm"),
		},
	},
	"a name that only a bad community defines": {
		given: coloured + `community bad: {communities: [{name: green, value: nonsense}]}`,
		apply: `community more: {communities: [{name: green, value: "1:2"}]}`,
	},
	"a name that slipped in twice": {
		given: coloured + `community more: {communities: [{name: red, value: "1:2"}]}`,
		apply: `community more: {communities: [{name: red, value: "1:2"}, {name: green, value: "1:3"}]}`,
		wantWarnings: []string{
			stale(duplicateAlias(0, "red", "colours"), "Duplicate value", `"red"`),
		},
	},
	"a name that slipped in twice and has moved in the list": {
		given: coloured + `community more: {communities: [{name: red, value: "1:2"}]}`,
		apply: `community more: {communities: [{name: green, value: "1:3"}, {name: red, value: "1:2"}]}`,
		wantWarnings: []string{
			stale(duplicateAlias(1, "red", "colours"), "Duplicate value", `"red"`),
		},
	},
	"a value changes": {
		given: coloured,
		apply: `community colours: {communities: [{name: blue, value: "64512:9"}, {name: red, value: "64512:2"}]}`,
	},
	"an alias is removed that nobody uses": {
		given: coloured,
		apply: `community colours: {communities: [{name: blue, value: "64512:1"}]}`,
	},
	"an alias is removed that an advertisement uses": {
		given:        coloured,
		apply:        `community colours: {communities: [{name: red, value: "64512:2"}]}`,
		wantWarnings: []string{usedAlias("blue", "all")},
	},
	"an alias is renamed that an advertisement uses": {
		given:        coloured,
		apply:        `community colours: {communities: [{name: azure, value: "64512:1"}, {name: red, value: "64512:2"}]}`,
		wantWarnings: []string{usedAlias("blue", "all")},
	},
	"aliases are removed that advertisements use": {
		given: coloured + `advertisement second: {communities: [red, blue], peers: [x]}`,
		apply: `community colours: {communities: []}`,
		wantWarnings: []string{
			usedAlias("blue", "all"), usedAlias("blue", "second"), usedAlias("red", "second"),
		},
	},
	"a community is deleted that an advertisement uses": {
		given:        coloured,
		remove:       "community colours",
		wantWarnings: []string{usedAlias("blue", "all")},
	},
	"a well-known name that a community gave another value is deleted": {
		given: routed + `
			community colours: {communities: [{name: no-export, value: "64512:1"}]}
			advertisement all: {communities: [no-export]}`,
		remove: "community colours",
	},
	"a community is deleted that nobody uses": {
		given:  coloured + `community more: {communities: [{name: green, value: "1:2"}]}`,
		remove: "community more",
	},
	"a community is deleted whose alias another defines too": {
		given:  coloured + `community more: {communities: [{name: blue, value: "1:2"}]}`,
		remove: "community colours",
	},
	"a community is deleted whose alias only a bad one defines too": {
		given:        coloured + `community more: {communities: [{name: blue, value: nonsense}]}`,
		remove:       "community colours",
		wantWarnings: []string{usedAlias("blue", "all")},
	},
	"a community is deleted that only a bad advertisement uses": {
		given: `
			community colours: {communities: [{name: blue, value: "64512:1"}]}
			advertisement all: {communities: [blue], aggregationLength: 99}`,
		remove: "community colours",
	},
	"a bad community is deleted": {
		given: `
			community bad: {communities: [{name: blue, value: nonsense}]}
			advertisement all: {communities: [blue]}`,
		remove: "community bad",
	},
	"a bad community is mended": {
		given: `
			community bad: {communities: [{name: blue, value: nonsense}]}
			advertisement all: {communities: [blue]}`,
		apply: `community bad: {communities: [{name: blue, value: "64512:1"}]}`,
	},
	"a bad community is mended without the alias in use": {
		given: `
			community bad: {communities: [{name: blue, value: nonsense}]}
			advertisement all: {communities: [blue]}`,
		apply: `community bad: {communities: [{name: red, value: "64512:1"}]}`,
	},
	"an alias in use is removed with the override, though no service needs it": {
		given: `
			community tints: {disruption: true, communities: [{name: blue, value: "64512:1"}]}
			advertisement all: {communities: [blue]}`,
		remove:       "community tints",
		wantWarnings: []string{usedAlias("blue", "all")},
	},
	"a community is deleted by which a service was announced": {
		given:        routed + coloured,
		remove:       "community colours",
		wantWarnings: []string{usedAlias("blue", "all")},
		at:           "metadata.name", wantLost: []string{webUnannounced},
	},
	"the override excuses the deletion of a community by which a service was announced": {
		given: routed + `
			community tints: {disruption: true, communities: [{name: blue, value: "64512:1"}]}
			advertisement all: {communities: [blue]}`,
		remove:       "community tints",
		wantLost:     []string{webUnannounced},
		wantWarnings: []string{usedAlias("blue", "all"), disruptionWarning(webUnannounced)},
	},
	"an alias is removed by which a service was announced": {
		given:        routed + coloured,
		apply:        `community colours: {communities: [{name: red, value: "64512:2"}]}`,
		wantWarnings: []string{usedAlias("blue", "all")},
		at:           "spec.communities", wantLost: []string{webUnannounced},
	},
	"a community is deleted by which a service was announced, and it is announced by another advertisement too": {
		given:        routed + coloured + `advertisement plain: {}`,
		remove:       "community colours",
		wantWarnings: []string{usedAlias("blue", "all")},
	},
}

// elsewhereInUse has a pool outside of the product's namespace that once gave somebody an address.
const elsewhereInUse = announced + `
	pool a: {namespace: default, addresses: [198.51.100.0/24]}
	service default/web: {holds: [198.51.100.1], from: [a]}
`

// boundaryCases are about what is not looked at, and where objects belong.
var boundaryCases = map[string]verdictCase{
	"a pool elsewhere": {
		given:      announced,
		apply:      `pool a: {namespace: default, addresses: [198.51.100.0/24]}`,
		wantErrors: []string{elsewhere},
	},
	"a peer elsewhere": {
		given:      announced,
		apply:      `peer a: {namespace: default, myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
		wantErrors: []string{elsewhere},
	},
	"an advertisement elsewhere": {
		given:      announced,
		apply:      `advertisement a: {namespace: default}`,
		wantErrors: []string{elsewhere},
	},
	"a community elsewhere": {
		given:      announced,
		apply:      `community a: {namespace: kube-system}`,
		wantErrors: []string{elsewhere},
	},
	"elsewhere, that is all that is said": {
		given:      announced + `pool b: {addresses: [198.51.100.0/24]}`,
		apply:      `pool a: {namespace: default, addresses: [198.51.100.0/24, nonsense]}`,
		wantErrors: []string{elsewhere},
	},
	"elsewhere, an update is refused too": {
		given:      announced + `pool a: {namespace: default, addresses: [198.51.100.0/24]}`,
		apply:      `pool a: {namespace: default, addresses: [203.0.113.0/24]}`,
		wantErrors: []string{elsewhere},
	},
	"elsewhere, a deletion is nobody's business": {
		given:  elsewhereInUse,
		remove: "pool a",
	},
	"elsewhere, an object on its way out is let go": {
		given: announced + `pool a: {namespace: default, addresses: [198.51.100.0/24]}`,
		apply: `pool a: {namespace: default, deleting: true, addresses: [nonsense]}`,
	},
	"an update that changes nothing of a bad pool": {
		given: announced + `pool a: {addresses: [nonsense]}`,
		apply: `pool a: {addresses: [nonsense]}`,
	},
	"an update of other annotations only": {
		given: `
			pool a: {addresses: [198.51.100.0/24]}
			pool b: {addresses: [198.51.100.0/24]}`,
		apply: `pool a: {annotations: {example.org/team: red}, addresses: [198.51.100.0/24]}`,
	},
	"an update that changes nothing of a pool that is suspicious": {
		given: `pool a: {addresses: [198.51.100.0/24], labels: {tier: gold}}`,
		apply: `pool a: {addresses: [198.51.100.0/24], labels: {tier: gold}}`,
	},
	"an update of the override is looked at": {
		given:        `pool web: {addresses: [198.51.100.0/24]}`,
		apply:        `pool web: {disruption: true, addresses: [198.51.100.0/24]}`,
		wantWarnings: []string{unannouncedWarning("web")},
	},
	"an update of labels is looked at": {
		given:        `pool a: {addresses: [198.51.100.0/24]}`,
		apply:        `pool a: {addresses: [198.51.100.0/24], labels: {tier: gold}}`,
		wantWarnings: []string{unannouncedWarning("a")},
	},
	"a pool on its way out may become anything": {
		given: announced + `
			pool a: {deleting: true, addresses: [198.51.100.0/24]}
			service default/web: {holds: [198.51.100.1], from: [a]}`,
		apply: `pool a: {deleting: true, addresses: [203.0.113.0/24], labels: {tier: gold}}`,
	},
	"a peer on its way out may become anything": {
		given: two + `peer router: {deleting: true, myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
		apply: `peer router: {deleting: true, myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254}`,
	},
	"an update that changes nothing of a duplicate peer": {
		given: two + `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254, password: sesame}`,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254, password: sesame}`,
	},
	"a community of the product's own namespace by another name": {
		given: `community a: {communities: []}`,
		apply: `community b: {communities: [{name: blue, value: "1:2"}]}`,
	},
}
