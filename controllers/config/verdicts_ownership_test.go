// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"strings"
)

// inUse is a pool with two addresses in use.
const inUse = announced + `
	pool a: {addresses: [198.51.100.0/24]}
	service default/nginx: {holds: [198.51.100.0], from: [a]}
	service shop/web: {holds: [198.51.100.200], from: [a]}
`

// webs returns n services, web01 and so on, with an address each of pool a, from 198.51.100.1.
func webs(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "service default/web%02d: {holds: [198.51.100.%d], from: [a]}\n", i, i)
	}
	return b.String()
}

// allOf returns the impacts on all webs, which lose their addresses.
func allOf(n int) []string {
	impacts := make([]string, 0, n)
	for i := 1; i <= n; i++ {
		impacts = append(impacts, fmt.Sprintf("default/web%02d cannot own 198.51.100.%d", i, i))
	}
	return impacts
}

// ownershipCases are about the ranges of pools whose addresses are in use.
var ownershipCases = map[string]verdictCase{
	"the tutorial's change of its pool": {
		given: announced + `
			pool my-ip-space: {addresses: [198.51.100.0/24]}
			service default/nginx: {holds: [198.51.100.0], from: [my-ip-space]}`,
		apply: `pool my-ip-space: {addresses: [198.51.100.0/24], avoidBuggyIPs: true}`,
		wantErrors: []string{
			`spec.avoidBuggyIPs: new config not compatible with assigned IPs: service "default/nginx" cannot own "198.51.100.0" under new config`,
		},
		wantLost: []string{"default/nginx cannot own 198.51.100.0"},
	},
	"the tutorial's change after the service has moved": {
		given: announced + `
			pool my-ip-space: {addresses: [198.51.100.0/24]}
			service default/nginx: {holds: [198.51.100.1], from: [my-ip-space]}`,
		apply: `pool my-ip-space: {addresses: [198.51.100.0/24], avoidBuggyIPs: true}`,
	},
	"a range is added": {
		given: inUse,
		apply: `pool a: {addresses: [198.51.100.0/24, 203.0.113.0/24, "2001:db8::/112"]}`,
	},
	"a range is written in two halves": {
		given: inUse,
		apply: `pool a: {addresses: [198.51.100.128/25, 198.51.100.0-198.51.100.127]}`,
	},
	"autoAssign is switched off": {
		given: inUse,
		apply: `pool a: {addresses: [198.51.100.0/24], autoAssign: false}`,
	},
	"a priority is given": {
		given: inUse,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {priority: 7}}`,
	},
	"labels are given": {
		given: inUse,
		apply: `pool a: {addresses: [198.51.100.0/24], labels: {tier: gold}}`,
	},
	"the override alone is given": {
		given: inUse,
		apply: `pool a: {disruption: true, addresses: [198.51.100.0/24]}`,
	},
	"a range shrinks to what is in use": {
		given: inUse,
		apply: `pool a: {addresses: [198.51.100.0-198.51.100.200]}`,
	},
	"a range shrinks below one of two addresses": {
		given: inUse,
		apply: `pool a: {addresses: [198.51.100.0/25]}`,
		at:    "spec.addresses", wantLost: []string{"shop/web cannot own 198.51.100.200"},
	},
	"a range shrinks from its beginning": {
		given: inUse,
		apply: `pool a: {addresses: [198.51.100.1-198.51.100.255]}`,
		at:    "spec.addresses", wantLost: []string{"default/nginx cannot own 198.51.100.0"},
	},
	"a range is replaced by another": {
		given: inUse,
		apply: `pool a: {addresses: [203.0.113.0/24]}`,
		at:    "spec.addresses", wantLost: []string{"default/nginx cannot own 198.51.100.0", "shop/web cannot own 198.51.100.200"},
	},
	"one range of two is removed that is in use": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24, 203.0.113.0/24]}
			service default/nginx: {holds: [203.0.113.9], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
		at:    "spec.addresses", wantLost: []string{"default/nginx cannot own 203.0.113.9"},
	},
	"one range of two is removed that is not in use": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24, 203.0.113.0/24]}
			service default/nginx: {holds: [203.0.113.9], from: [a]}`,
		apply: `pool a: {addresses: [203.0.113.0/24]}`,
	},
	"an IPv6 range shrinks below an address in use": {
		given: announced + `
			pool a: {addresses: ["2001:db8::/112"]}
			service default/nginx: {holds: ["2001:db8::1:0"], from: [a]}
			service default/web: {holds: ["2001:db8::ffff"], from: [a]}`,
		apply: `pool a: {addresses: ["2001:db8::/120"]}`,
		at:    "spec.addresses", wantLost: []string{"default/web cannot own 2001:db8::ffff"},
	},
	"a dual-stack service loses one of its addresses": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24, "2001:db8::/112"]}
			service default/web: {holds: [198.51.100.7, "2001:db8::7"], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
		at:    "spec.addresses", wantLost: []string{"default/web cannot own 2001:db8::7"},
	},
	"a dual-stack service loses both of its addresses": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24, "2001:db8::/112"]}
			service default/web: {holds: ["2001:db8::7", 198.51.100.7], from: [a]}`,
		remove: "pool a",
		at:     "metadata.name", wantLost: []string{"default/web cannot own 198.51.100.7", "default/web cannot own 2001:db8::7"},
	},
	"a dual-stack service keeps the address of the other pool": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			pool b: {addresses: ["2001:db8::/112"]}
			service default/web: {holds: [198.51.100.7, "2001:db8::7"], from: [a, b]}`,
		remove: "pool b",
		at:     "metadata.name", wantLost: []string{"default/web cannot own 2001:db8::7"},
	},
	"addresses that routers might mistake are avoided, but nobody has one": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24, "2001:db8::/112"]}
			service default/web: {holds: [198.51.100.1, "2001:db8::"], from: [a]}
			service default/db: {holds: [198.51.100.254, "2001:db8::ff"], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/24, "2001:db8::/112"], avoidBuggyIPs: true}`,
	},
	"addresses that routers might mistake are avoided at both ends": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/23]}
			service default/web: {holds: [198.51.100.255], from: [a]}
			service default/db: {holds: [198.51.101.0], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/23], avoidBuggyIPs: true}`,
		at:    "spec.avoidBuggyIPs", wantLost: []string{"default/db cannot own 198.51.101.0", "default/web cannot own 198.51.100.255"},
	},
	"addresses are avoided no longer": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24], avoidBuggyIPs: true}
			service default/web: {holds: [198.51.100.1], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
	},
	"a pool is deleted": {
		given:  inUse,
		remove: "pool a",
		at:     "metadata.name", wantLost: []string{"default/nginx cannot own 198.51.100.0", "shop/web cannot own 198.51.100.200"},
	},
	"a pool beside those in use is deleted": {
		given:  inUse + `pool b: {addresses: [203.0.113.0/24]}`,
		remove: "pool b",
	},
	"a pool is renamed, first the new name": {
		given: inUse,
		apply: `pool b: {addresses: [198.51.100.0/24]}`,
		wantErrors: []string{
			overlap(0, "198.51.100.0/24", "b", "198.51.100.0/24", "a"),
		},
	},
	"an address passes to another pool that slipped in": {
		given: inUse + `pool b: {addresses: [198.51.100.0/24]}`,
		apply: `pool a: {addresses: [203.0.113.0/24]}`,
	},
	"an address passes to another pool that does not want the service": {
		given: inUse + `pool b: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [shop]}}`,
		apply: `pool a: {addresses: [203.0.113.0/24]}`,
		at:    "spec.addresses", wantLost: []string{"default/nginx cannot own 198.51.100.0"},
	},
	"services that share an address are both named": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			service shop/web: {holds: [198.51.100.0], from: [a]}
			service default/dns: {holds: [198.51.100.0], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/24], avoidBuggyIPs: true}`,
		at:    "spec.avoidBuggyIPs", wantLost: []string{"default/dns cannot own 198.51.100.0", "shop/web cannot own 198.51.100.0"},
	},
	"ten services are all named": {
		given: announced + "pool a: {addresses: [198.51.100.0/24]}\n" + webs(10),
		apply: `pool a: {addresses: [198.51.100.128/25]}`,
		at:    "spec.addresses", wantLost: allOf(10),
	},
	"of twelve services ten are named, and how many more": {
		given:    announced + "pool a: {addresses: [198.51.100.0/24]}\n" + webs(12),
		apply:    `pool a: {addresses: [198.51.100.128/25]}`,
		wantLost: allOf(12),
		wantErrors: []string{
			`spec.addresses: new config not compatible with assigned IPs: service "default/web01" cannot own "198.51.100.1" under new config, ` +
				`service "default/web02" cannot own "198.51.100.2" under new config, service "default/web03" cannot own "198.51.100.3" under new config, ` +
				`service "default/web04" cannot own "198.51.100.4" under new config, service "default/web05" cannot own "198.51.100.5" under new config, ` +
				`service "default/web06" cannot own "198.51.100.6" under new config, service "default/web07" cannot own "198.51.100.7" under new config, ` +
				`service "default/web08" cannot own "198.51.100.8" under new config, service "default/web09" cannot own "198.51.100.9" under new config, ` +
				`service "default/web10" cannot own "198.51.100.10" under new config, and 2 more`,
		},
	},
	"what was incompatible before refuses nothing": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/25]}
			service shop/web: {holds: [198.51.100.200], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/26]}`,
	},
	"what was incompatible before does not hide what is new": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/25]}
			service default/nginx: {holds: [198.51.100.100], from: [a]}
			service shop/web: {holds: [198.51.100.200], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/26]}`,
		at:    "spec.addresses", wantLost: []string{"default/nginx cannot own 198.51.100.100"},
	},
	"what was incompatible before does not keep its pool from being deleted": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/25]}
			service shop/web: {holds: [198.51.100.200], from: [a]}`,
		remove: "pool a",
	},
	"a pool that was bad is mended for what came from it": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24, nonsense]}
			service shop/web: {holds: [198.51.100.200], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
	},
	"a pool that was bad is mended, but not for what came from it": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24, nonsense]}
			service shop/web: {holds: [198.51.100.200], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/25]}`,
		at:    "spec.addresses", wantLost: []string{"shop/web cannot own 198.51.100.200"},
	},
	"a pool that was bad is deleted while in use": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24, nonsense]}
			service shop/web: {holds: [198.51.100.200], from: [a]}`,
		remove: "pool a",
		at:     "metadata.name", wantLost: []string{"shop/web cannot own 198.51.100.200"},
	},
	"a bad pool that stays bad does not keep another from being changed": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			pool bad: {addresses: [203.0.113.0/24, nonsense]}
			service shop/web: {holds: [203.0.113.200], from: [bad]}`,
		apply: `pool a: {addresses: [198.51.100.0/25]}`,
	},
	"a deleted pool comes back for what came from it": {
		given: announced + `service shop/web: {holds: [198.51.100.200], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/24]}`,
	},
	"a deleted pool comes back for other addresses": {
		given: announced + `service shop/web: {holds: [198.51.100.200], from: [a]}`,
		apply: `pool a: {addresses: [203.0.113.0/24]}`,
	},
	"an address that nobody recorded belongs to the pool that has it": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			service shop/web: {holds: [198.51.100.200]}`,
		apply: `pool a: {addresses: [198.51.100.0/25]}`,
		at:    "spec.addresses", wantLost: []string{"shop/web cannot own 198.51.100.200"},
	},
	"an address of another load balancer is no concern": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			service shop/web: {holds: [192.0.2.200]}`,
		remove: "pool a",
	},
	"a new pool around an address of another load balancer that it does not want": {
		given: announced + `service shop/web: {holds: [198.51.100.200]}`,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [default]}}`,
	},
	"a bad pool is mended around an address of another load balancer": {
		given: announced + `
			pool a: {addresses: [nonsense]}
			service shop/web: {holds: [198.51.100.200]}`,
		apply: `pool a: {addresses: [198.51.100.0/24], serviceAllocation: {namespaces: [default]}}`,
	},
	"the requested pool loses the address to another": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			pool b: {addresses: [198.51.100.0/24]}
			service shop/web: {holds: [198.51.100.200], from: [a], requests: a}`,
		remove: "pool a",
		at:     "metadata.name", wantLost: []string{"shop/web cannot own 198.51.100.200"},
	},
	"the requested pool shrinks above the address": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			service shop/web: {holds: [198.51.100.200], from: [a], requests: a}`,
		apply: `pool a: {addresses: [198.51.100.0/25]}`,
		at:    "spec.addresses", wantLost: []string{"shop/web cannot own 198.51.100.200"},
	},
	"a service that now requests another pool holds on to what no change takes": {
		given: announced + `
			pool a: {addresses: [198.51.100.0/24]}
			service shop/web: {holds: [198.51.100.200], from: [a], requests: b}`,
		apply: `pool a: {addresses: [198.51.100.0/25]}`,
	},
	"overridden, a loss is a warning for each service": {
		given:    inUse,
		apply:    `pool a: {disruption: true, addresses: [203.0.113.0/24]}`,
		wantLost: []string{"default/nginx cannot own 198.51.100.0", "shop/web cannot own 198.51.100.200"},
		wantWarnings: []string{
			disruptionWarning("default/nginx cannot own 198.51.100.0"), disruptionWarning("shop/web cannot own 198.51.100.200"),
		},
	},
	"overridden before, a pool is deleted with a warning for each service": {
		given: announced + `
			pool a: {disruption: true, addresses: [198.51.100.0/24]}
			service shop/web: {holds: [198.51.100.200], from: [a]}`,
		remove:       "pool a",
		wantLost:     []string{"shop/web cannot own 198.51.100.200"},
		wantWarnings: []string{disruptionWarning("shop/web cannot own 198.51.100.200")},
	},
	"overridden before but not now, a loss refuses the change": {
		given: announced + `
			pool a: {disruption: true, addresses: [198.51.100.0/24]}
			service shop/web: {holds: [198.51.100.200], from: [a]}`,
		apply: `pool a: {addresses: [198.51.100.0/25]}`,
		at:    "spec.addresses", wantLost: []string{"shop/web cannot own 198.51.100.200"},
	},
	"overridden, ten services are warned of, and how many more": {
		given:        announced + "pool a: {disruption: true, addresses: [198.51.100.0/24]}\n" + webs(12),
		remove:       "pool a",
		wantLost:     allOf(12),
		wantWarnings: append(disruptionWarnings(allOf(10)), "and 2 more"),
	},
	"overridden by another word than true": {
		given: inUse,
		apply: `pool a: {annotations: {metallb.io/allow-disruption: "yes"}, addresses: [198.51.100.0/25]}`,
		at:    "spec.addresses", wantLost: []string{"shop/web cannot own 198.51.100.200"},
	},
}
