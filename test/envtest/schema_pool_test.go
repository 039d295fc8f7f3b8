// SPDX-License-Identifier: Apache-2.0

package envtest_test

import "testing"

// What the schema says of values in several of the manifests.
const (
	malformed = "invalid CIDR or invalid IP range: write a prefix such as 198.51.100.0/24 or a range such as 198.51.100.10-198.51.100.20, without zones and without IPv4 addresses written as IPv6"
	unusable  = "includes addresses that no router forwards: unspecified, loopback, multicast, broadcast or IPv6 link-local; leave them out"
	backwards = "invalid IP range: the start IP is after the end IP; exchange them"
)

func TestIPAddressPoolSchema(t *testing.T) {
	t.Parallel()
	poolKind().test(t, map[string]manifest{
		"the tutorial's pool":                  {spec: `spec: {addresses: [198.51.100.0/24]}`},
		"every field":                          {spec: `spec: {addresses: [198.51.100.0/24], autoAssign: false, avoidBuggyIPs: true, serviceAllocation: {priority: 50, namespaces: [a, b], namespaceSelectors: [{matchLabels: {tier: gold}}], serviceSelectors: [{matchExpressions: [{key: app, operator: In, values: [nginx]}]}]}}`},
		"zero values":                          {spec: `spec: {addresses: [198.51.100.0/24], autoAssign: true, avoidBuggyIPs: false, serviceAllocation: {priority: 0, namespaces: [], namespaceSelectors: [], serviceSelectors: []}}`},
		"host bits":                            {spec: `spec: {addresses: [198.51.100.7/24, "2001:db8::7/64"]}`},
		"ranges of both families":              {spec: `spec: {addresses: [10.0.0.9-10.0.1.2, "10.1.0.1 - 10.1.0.9", "2001:db8::1-2001:db8::ff", "2001:DB8:1::A - 2001:db8:1::f"]}`},
		"a range of one address":               {spec: `spec: {addresses: [10.0.0.9-10.0.0.9]}`},
		"addresses that some forward":          {spec: `spec: {addresses: [169.254.0.0/16, 240.0.0.0/5, 100.64.0.0/10, 0.0.0.1-0.0.0.9]}`},
		"a range whose last octet falls":       {spec: `spec: {addresses: [9.255.255.255-10.0.0.0, 10.0.0.200-10.0.1.100, 10.9.0.9-10.10.0.8]}`},
		"no spec":                              {spec: ``, refused: []string{`spec: Required value`}},
		"no addresses field":                   {spec: `spec: {autoAssign: true}`, refused: []string{`spec.addresses: Required value`}},
		"an empty list of addresses":           {spec: `spec: {addresses: []}`, refused: []string{`spec.addresses: Invalid value: 0: spec.addresses in body should have at least 1 items`}},
		"a field that does not exist":          {spec: `spec: {addresses: [10.0.0.0/24], protocol: bgp}`, refused: []string{`IPAddressPool in version "v1beta1" cannot be handled as a IPAddressPool: strict decoding error: unknown field "spec.protocol"`}, schemaOnly: true},
		"a word as address":                    {spec: `spec: {addresses: [pool]}`, refused: []string{`spec.addresses[0]: Invalid value: "pool": ` + malformed}},
		"an empty address":                     {spec: `spec: {addresses: [""]}`, refused: []string{`spec.addresses[0]: Invalid value: "": ` + malformed}},
		"an address without prefix length":     {spec: `spec: {addresses: [10.0.0.1]}`, refused: []string{`spec.addresses[0]: Invalid value: "10.0.0.1": ` + malformed}},
		"a prefix too long":                    {spec: `spec: {addresses: [10.0.0.0/33]}`, refused: []string{`spec.addresses[0]: Invalid value: "10.0.0.0/33": ` + malformed}},
		"the second of three is malformed":     {spec: `spec: {addresses: [10.0.0.0/24, 10.0.1.0/240, 10.0.2.0/24]}`, refused: []string{`spec.addresses[1]: Invalid value: "10.0.1.0/240": ` + malformed}},
		"an octet with a leading zero":         {spec: `spec: {addresses: [10.0.01.0/24]}`, refused: []string{`spec.addresses[0]: Invalid value: "10.0.01.0/24": ` + malformed}},
		"IPv4 written as IPv6":                 {spec: `spec: {addresses: ["::ffff:10.0.0.0/120"]}`, refused: []string{`spec.addresses[0]: Invalid value: "::ffff:10.0.0.0/120": ` + malformed}},
		"a zone":                               {spec: `spec: {addresses: ["fe80::1%eth0/128"]}`, refused: []string{`spec.addresses[0]: Invalid value: "fe80::1%eth0/128": ` + malformed}},
		"a prefix with spaces":                 {spec: `spec: {addresses: [" 10.0.0.0/24"]}`, refused: []string{`spec.addresses[0]: Invalid value: " 10.0.0.0/24": ` + malformed}},
		"a range without end":                  {spec: `spec: {addresses: [10.0.0.1-]}`, refused: []string{`spec.addresses[0]: Invalid value: "10.0.0.1-": ` + malformed}},
		"a range with a short end":             {spec: `spec: {addresses: [10.0.0.1-9]}`, refused: []string{`spec.addresses[0]: Invalid value: "10.0.0.1-9": ` + malformed}},
		"a range of three":                     {spec: `spec: {addresses: [10.0.0.1-10.0.0.2-10.0.0.3]}`, refused: []string{`spec.addresses[0]: Invalid value: "10.0.0.1-10.0.0.2-10.0.0.3": ` + malformed}},
		"a range of prefixes":                  {spec: `spec: {addresses: [10.0.0.0/24-10.0.1.0/24]}`, refused: []string{`spec.addresses[0]: Invalid value: "10.0.0.0/24-10.0.1.0/24": ` + malformed}},
		"a range of both families":             {spec: `spec: {addresses: ["10.0.0.1-2001:db8::1"]}`, refused: []string{`spec.addresses[0]: Invalid value: "10.0.0.1-2001:db8::1": invalid IP range: start and end must both be IPv4 or both be IPv6`}},
		"a range backwards in the last octet":  {spec: `spec: {addresses: [10.0.0.20-10.0.0.10]}`, refused: []string{`spec.addresses[0]: Invalid value: "10.0.0.20-10.0.0.10": ` + backwards}},
		"a range backwards in the first octet": {spec: `spec: {addresses: [11.0.0.1-10.9.9.9]}`, refused: []string{`spec.addresses[0]: Invalid value: "11.0.0.1-10.9.9.9": ` + backwards}},
		"loopback":                             {spec: `spec: {addresses: [127.1.2.0/24]}`, refused: []string{`spec.addresses[0]: Invalid value: "127.1.2.0/24": ` + unusable}},
		"a prefix around loopback":             {spec: `spec: {addresses: [96.0.0.0/3]}`, refused: []string{`spec.addresses[0]: Invalid value: "96.0.0.0/3": ` + unusable}},
		"a range around loopback":              {spec: `spec: {addresses: [126.0.0.0-128.0.0.1]}`, refused: []string{`spec.addresses[0]: Invalid value: "126.0.0.0-128.0.0.1": ` + unusable}},
		"a range around multicast":             {spec: `spec: {addresses: [223.0.0.0-240.0.0.1]}`, refused: []string{`spec.addresses[0]: Invalid value: "223.0.0.0-240.0.0.1": ` + unusable}},
		"everything": {spec: `spec: {addresses: [0.0.0.0/0, "::/0"]}`, refused: []string{
			`spec.addresses[0]: Invalid value: "0.0.0.0/0": ` + unusable,
			`spec.addresses[1]: Invalid value: "::/0": ` + unusable,
		}},
		"multicast": {spec: `spec: {addresses: [239.0.0.1-239.0.0.9, "ff05::/64"]}`, refused: []string{
			`spec.addresses[0]: Invalid value: "239.0.0.1-239.0.0.9": ` + unusable,
			`spec.addresses[1]: Invalid value: "ff05::/64": ` + unusable,
		}},
		"the broadcast address": {spec: `spec: {addresses: [255.255.255.0/24]}`, refused: []string{`spec.addresses[0]: Invalid value: "255.255.255.0/24": ` + unusable}},
		"IPv6 link-local": {spec: `spec: {addresses: ["fe80::/64", "fe80::1-fe80::9"]}`, refused: []string{
			`spec.addresses[0]: Invalid value: "fe80::/64": ` + unusable,
			`spec.addresses[1]: Invalid value: "fe80::1-fe80::9": ` + unusable,
		}},
		"IPv6 loopback":                     {spec: `spec: {addresses: ["::1/128"]}`, refused: []string{`spec.addresses[0]: Invalid value: "::1/128": ` + unusable}},
		"a word for true":                   {spec: `spec: {addresses: [10.0.0.0/24], autoAssign: "true"}`, refused: []string{`spec.autoAssign: Invalid value: "string": spec.autoAssign in body must be of type boolean: "string"`}},
		"an address that is no list":        {spec: `spec: {addresses: 10.0.0.0/24}`, refused: []string{`spec.addresses: Invalid value: "string": spec.addresses in body must be of type array: "string"`}},
		"a negative priority":               {spec: `spec: {addresses: [10.0.0.0/24], serviceAllocation: {priority: -1}}`, refused: []string{`spec.serviceAllocation.priority: Invalid value: -1: spec.serviceAllocation.priority in body should be greater than or equal to 0`}},
		"a namespace twice":                 {spec: `spec: {addresses: [10.0.0.0/24], serviceAllocation: {namespaces: [a, b, a]}}`, parserOnly: `spec.serviceAllocation.namespaces[2]: Duplicate value: "a": duplicate definition of namespaces "a"; remove one`},
		"a selector twice":                  {spec: `spec: {addresses: [10.0.0.0/24], serviceAllocation: {serviceSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}}`, parserOnly: `spec.serviceAllocation.serviceSelectors[1]: Duplicate value: "a=b": duplicate definition of serviceSelectors "a=b"; remove one`},
		"a selector with an unknown field":  {spec: `spec: {addresses: [10.0.0.0/24], serviceAllocation: {serviceSelectors: [{labels: {a: b}}]}}`, refused: []string{`IPAddressPool in version "v1beta1" cannot be handled as a IPAddressPool: strict decoding error: unknown field "spec.serviceAllocation.serviceSelectors[0].labels"`}, schemaOnly: true},
		"ranges that overlap":               {spec: `spec: {addresses: [10.0.0.0/24, 10.0.0.9-10.0.0.20]}`, parserOnly: `spec.addresses[1]: Invalid value: "10.0.0.9-10.0.0.20": CIDR "10.0.0.9-10.0.0.20" in pool "example" overlaps with already defined CIDR "10.0.0.0/24"; list each address once`},
		"an IPv6 range backwards":           {spec: `spec: {addresses: ["2001:db8::9-2001:db8::1"]}`, parserOnly: `spec.addresses[0]: Invalid value: "2001:db8::9-2001:db8::1": invalid IP range "2001:db8::9-2001:db8::1": start IP "2001:db8::9" is after the end IP "2001:db8::1"; exchange them`},
		"an unknown operator in a selector": {spec: `spec: {addresses: [10.0.0.0/24], serviceAllocation: {serviceSelectors: [{matchExpressions: [{key: a, operator: Is}]}]}}`, parserOnly: `spec.serviceAllocation.serviceSelectors[0]: Invalid value: "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Is\"}]}": invalid label selector: "Is" is not a valid label selector operator`},
	})
}
