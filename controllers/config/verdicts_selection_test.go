// SPDX-License-Identifier: Apache-2.0

package config_test

// selected has services in two namespaces, with labels of their own and of their namespaces.
const selected = announced + `
	namespace shop: {labels: {team: red, env: prod}}
	namespace lab: {labels: {team: blue}}
	service shop/web: {holds: [198.51.100.1], from: [a], labels: {app: web, tier: gold}}
	service shop/db: {holds: [198.51.100.2], from: [a], labels: {app: db}}
	service lab/web: {holds: [198.51.100.3], from: [a], labels: {app: web}}
`

// open has a pool for everybody.
const open = selected + "pool a: {addresses: [198.51.100.0/24]}\n"

// selectionCases are about serviceAllocation, where addresses are in use.
var selectionCases = map[string]verdictCase{
	"the pool is given to a namespace": {
		given: open,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop]}}`,
		at:    "spec.serviceAllocation", wantLost: []string{"lab/web cannot own 198.51.100.3"},
	},
	"the pool is given to both namespaces": {
		given: open,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop, lab]}}`,
	},
	"the pool is given to one namespace by name, to the other by label": {
		given: open,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop], namespaceSelectors: [{matchLabels: {team: blue}}]}}`,
	},
	"the pool is given to namespaces of a team": {
		given: open,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaceSelectors: [{matchLabels: {team: red}}]}}`,
		at:    "spec.serviceAllocation", wantLost: []string{"lab/web cannot own 198.51.100.3"},
	},
	"the pool is given to namespaces of either team": {
		given: open,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaceSelectors: [
			{matchExpressions: [{key: team, operator: In, values: [red, blue]}]}]}}`,
	},
	"the pool is given to namespaces that are not for production": {
		given: open,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaceSelectors: [
			{matchExpressions: [{key: env, operator: NotIn, values: [prod]}]}]}}`,
		at: "spec.serviceAllocation", wantLost: []string{"shop/db cannot own 198.51.100.2", "shop/web cannot own 198.51.100.1"},
	},
	"a namespace that is unknown has no labels": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			service gone/web: {holds: [198.51.100.1], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaceSelectors: [{matchLabels: {team: red}}]}}`,
		at:    "spec.serviceAllocation", wantLost: []string{"gone/web cannot own 198.51.100.1"},
	},
	"the pool is given to services with a label": {
		given: open,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {serviceSelectors: [{matchLabels: {app: web}}]}}`,
		at:    "spec.serviceAllocation", wantLost: []string{"shop/db cannot own 198.51.100.2"},
	},
	"the pool is given to services with one label or another": {
		given: open,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {serviceSelectors: [{matchLabels: {app: web}}, {matchLabels: {app: db}}]}}`,
	},
	"the pool is given to services with two labels": {
		given: open,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {serviceSelectors: [{matchLabels: {app: web, tier: gold}}]}}`,
		at:    "spec.serviceAllocation", wantLost: []string{"lab/web cannot own 198.51.100.3", "shop/db cannot own 198.51.100.2"},
	},
	"both the namespace and the service must match": {
		given: open,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop], serviceSelectors: [{matchLabels: {app: web}}]}}`,
		at:    "spec.serviceAllocation", wantLost: []string{"lab/web cannot own 198.51.100.3", "shop/db cannot own 198.51.100.2"},
	},
	"a selector with nothing in it selects everything": {
		given: open,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaceSelectors: [{}], serviceSelectors: [{}]}}`,
	},
	"an allocation with nothing in it admits everybody": {
		given: open,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {}}`,
	},
	"the allocation is removed": {
		given: selected + `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {priority: 1, namespaces: [shop, lab]}}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
	},
	"a namespace is taken from the allocation": {
		given: selected + `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {priority: 1, namespaces: [shop, lab]}}`,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {priority: 1, namespaces: [lab]}}`,
		at:    "spec.serviceAllocation", wantLost: []string{"shop/db cannot own 198.51.100.2", "shop/web cannot own 198.51.100.1"},
	},
	"a namespace is taken from the allocation that had not been served": {
		given: selected + `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop, lab, default]}}`,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [lab, shop]}}`,
	},
	"the last namespace is taken from the allocation, which opens it": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop]}}
			service shop/web: {holds: [198.51.100.1], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: []}}`,
	},
	"who was not admitted before is not asked": {
		given: selected + `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop]}}`,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop], priority: 3}}`,
	},
	"who was not admitted before is not asked when others are": {
		given: selected + `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop]}}`,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop], serviceSelectors: [{matchLabels: {app: web}}]}}`,
		at:    "spec.serviceAllocation", wantLost: []string{"shop/db cannot own 198.51.100.2"},
	},
	"who requests the pool by name is to be admitted too": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24], autoAssign: false}
			service shop/web: {holds: [198.51.100.1], from: [a], requests: a}`,
		apply: `pool a: {addresses: [198.51.100.0/24], autoAssign: false, serviceAllocation: {namespaces: [lab]}}`,
		at:    "spec.serviceAllocation", wantLost: []string{"shop/web cannot own 198.51.100.1"},
	},
	"two losses for two causes are told together": {
		given: open,
		apply: `pool a: {addresses: [198.51.100.0/31], serviceAllocation: {namespaces: [lab]}}`,
		at:    "spec.addresses",
		wantLost: []string{
			"lab/web cannot own 198.51.100.3", "shop/db cannot own 198.51.100.2", "shop/web cannot own 198.51.100.1",
		},
	},
	"overridden, a loss by selection is a warning": {
		given:        open,
		apply:        `pool a: {disruption: true, addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop]}}`,
		wantLost:     []string{"lab/web cannot own 198.51.100.3"},
		wantWarnings: []string{disruptionWarning("lab/web cannot own 198.51.100.3")},
	},
	"a higher priority draws an overlapping pool's addresses to itself": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			pool b: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop]}}
			service lab/web: {holds: [198.51.100.1], from: [a]}`,
		apply: `pool b: {addresses: [198.51.100.0/24], serviceAllocation: {priority: 1, namespaces: [shop]}}`,
		at:    "spec.serviceAllocation", wantLost: []string{"lab/web cannot own 198.51.100.1"},
		wantWarnings: []string{
			stale(overlap(0, "198.51.100.0/24", "b", "198.51.100.0/24", "a"), "Invalid value", `"198.51.100.0/24"`),
		},
	},
}
