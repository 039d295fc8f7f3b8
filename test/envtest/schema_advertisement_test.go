// SPDX-License-Identifier: Apache-2.0

package envtest_test

import "testing"

// What the schema says of values in several of the manifests.
const (
	wrongFormatOrAlias = wrongFormat + ", or the name of an alias"
)

func TestBGPAdvertisementSchema(t *testing.T) {
	t.Parallel()
	advertisementKind().test(t, map[string]manifest{
		"no spec":                                  {spec: ``},
		"an empty spec":                            {spec: `spec: {}`},
		"every field":                              {spec: `spec: {aggregationLength: 24, aggregationLengthV6: 64, localPref: 100, asPathPrepend: 2, med: 10, weightByEndpoints: true, communities: ["64512:100", "large:64512:1:2", no-advertise, "rt:64512:1", "soo:192.0.2.1:2", "bandwidth:64512:125000000"], ipAddressPools: [a, b], ipAddressPoolSelectors: [{matchLabels: {tier: gold}}], nodeSelectors: [{matchLabels: {rack: a}}], peers: [rack]}`},
		"zero values":                              {spec: `spec: {localPref: 0, asPathPrepend: 0, med: 0, weightByEndpoints: false, communities: [], ipAddressPools: [], ipAddressPoolSelectors: [], nodeSelectors: [], peers: [], serviceSelectors: []}`},
		"service selectors with default lengths":   {spec: `spec: {serviceSelectors: [{matchLabels: {app: nginx}}], aggregationLength: 32, aggregationLengthV6: 128}`},
		"service selectors alone":                  {spec: `spec: {serviceSelectors: [{matchLabels: {app: nginx}}]}`},
		"no service selectors and a length":        {spec: `spec: {serviceSelectors: [], aggregationLength: 24}`},
		"the largest values":                       {spec: `spec: {localPref: 4294967295, asPathPrepend: 10, med: 4294967295, communities: ["65535:65535", "large:4294967295:4294967295:4294967295", "rt:65535:4294967295", "soo:4294967295:65535", "rt:255.255.255.255:65535", "bandwidth:65535:999999999999"]}`},
		"communities with leading zeros":           {spec: `spec: {communities: ["00001:00002"]}`},
		"service selectors with an IPv4 length":    {spec: `spec: {serviceSelectors: [{matchLabels: {app: nginx}}], aggregationLength: 24}`, refused: []string{`spec.aggregationLength: Forbidden: serviceSelectors and aggregationLength are mutually exclusive, both cannot be set; remove one`}},
		"service selectors with an IPv6 length":    {spec: `spec: {serviceSelectors: [{}], aggregationLengthV6: 64}`, refused: []string{`spec.aggregationLengthV6: Forbidden: serviceSelectors and aggregationLengthV6 are mutually exclusive, both cannot be set; remove one`}},
		"an IPv4 length of 0":                      {spec: `spec: {aggregationLength: 0}`, refused: []string{`spec.aggregationLength: Invalid value: 0: spec.aggregationLength in body should be greater than or equal to 1`}},
		"an IPv4 length of 33":                     {spec: `spec: {aggregationLength: 33}`, refused: []string{`spec.aggregationLength: Invalid value: 33: spec.aggregationLength in body should be less than or equal to 32`}},
		"an IPv6 length of 129":                    {spec: `spec: {aggregationLengthV6: 129}`, refused: []string{`spec.aggregationLengthV6: Invalid value: 129: spec.aggregationLengthV6 in body should be less than or equal to 128`}},
		"a negative local preference":              {spec: `spec: {localPref: -1}`, refused: []string{`spec.localPref: Invalid value: -1: spec.localPref in body should be greater than or equal to 0`}},
		"a local preference too large":             {spec: `spec: {localPref: 4294967296}`, refused: []string{`spec.localPref: Invalid value: 4294967296: spec.localPref in body should be less than or equal to 4294967295`}},
		"a negative AS path prepend":               {spec: `spec: {asPathPrepend: -1}`, refused: []string{`spec.asPathPrepend: Invalid value: -1: spec.asPathPrepend in body should be greater than or equal to 0`}},
		"an AS path prepended too often":           {spec: `spec: {asPathPrepend: 11}`, refused: []string{`spec.asPathPrepend: Invalid value: 11: spec.asPathPrepend in body should be less than or equal to 10`}},
		"an AS path longer than there are any":     {spec: `spec: {asPathPrepend: 256}`, refused: []string{`spec.asPathPrepend: Invalid value: 256: spec.asPathPrepend in body should be less than or equal to 10`}},
		"an empty community":                       {spec: `spec: {communities: [""]}`, refused: []string{`spec.communities[0]: Invalid value: "": spec.communities[0] in body should be at least 1 chars long`}},
		"a section too large":                      {spec: `spec: {communities: ["64512:65536"]}`, refused: []string{`spec.communities[0]: Invalid value: "64512:65536": ` + wrongSection}},
		"a section too long":                       {spec: `spec: {communities: ["000001:1"]}`, refused: []string{`spec.communities[0]: Invalid value: "000001:1": ` + wrongSection}},
		"three sections":                           {spec: `spec: {communities: ["1:2:3"]}`, refused: []string{`spec.communities[0]: Invalid value: "1:2:3": ` + wrongFormatOrAlias}},
		"a large community with two sections":      {spec: `spec: {communities: ["large:1:2"]}`, refused: []string{`spec.communities[0]: Invalid value: "large:1:2": ` + wrongFormatOrAlias}},
		"a large section too large":                {spec: `spec: {communities: ["large:1:2:4294967296"]}`, refused: []string{`spec.communities[0]: Invalid value: "large:1:2:4294967296": ` + wrongSection}},
		"another marker":                           {spec: `spec: {communities: ["extended:1:2:3"]}`, refused: []string{`spec.communities[0]: Invalid value: "extended:1:2:3": ` + wrongMarker}},
		"the smallest ASN of 32 bits":              {spec: `spec: {communities: ["rt:65536:65535"]}`},
		"leading zeros in an extended community":   {spec: `spec: {communities: ["rt:0000000001:0000000002"]}`},
		"an ASN too large":                         {spec: `spec: {communities: ["rt:4294967296:1"]}`, refused: []string{`spec.communities[0]: Invalid value: "rt:4294967296:1": ` + wrongRoute}},
		"a number too large for a route target":    {spec: `spec: {communities: ["rt:1:4294967296"]}`, refused: []string{`spec.communities[0]: Invalid value: "rt:1:4294967296": ` + wrongRoute}},
		"a number too large for an ASN of 32 bits": {spec: `spec: {communities: ["soo:65536:65536"]}`, refused: []string{`spec.communities[0]: Invalid value: "soo:65536:65536": ` + wrongRoute}},
		"a number too long for an ASN of 32 bits":  {spec: `spec: {communities: ["soo:65536:000001"]}`, refused: []string{`spec.communities[0]: Invalid value: "soo:65536:000001": ` + wrongRoute}},
		"a number too large for an address":        {spec: `spec: {communities: ["rt:192.0.2.1:65536"]}`, refused: []string{`spec.communities[0]: Invalid value: "rt:192.0.2.1:65536": ` + wrongRoute}},
		"an octet too large":                       {spec: `spec: {communities: ["rt:192.0.2.256:1"]}`, refused: []string{`spec.communities[0]: Invalid value: "rt:192.0.2.256:1": ` + wrongRoute}},
		"an octet with a leading zero":             {spec: `spec: {communities: ["rt:192.0.2.01:1"]}`, refused: []string{`spec.communities[0]: Invalid value: "rt:192.0.2.01:1": ` + wrongRoute}},
		"three octets":                             {spec: `spec: {communities: ["rt:192.0.2:1"]}`, refused: []string{`spec.communities[0]: Invalid value: "rt:192.0.2:1": ` + wrongRoute}},
		"no number":                                {spec: `spec: {communities: ["soo:1:"]}`, refused: []string{`spec.communities[0]: Invalid value: "soo:1:": ` + wrongRoute}},
		"a bandwidth too long":                     {spec: `spec: {communities: ["bandwidth:1:1000000000000"]}`, refused: []string{`spec.communities[0]: Invalid value: "bandwidth:1:1000000000000": ` + wrongBandwidth}},
		"a bandwidth with a unit":                  {spec: `spec: {communities: ["bandwidth:1:1G"]}`, refused: []string{`spec.communities[0]: Invalid value: "bandwidth:1:1G": ` + wrongBandwidth}},
		"another marker of an extended community":  {spec: `spec: {communities: ["target:1:2"]}`, refused: []string{`spec.communities[0]: Invalid value: "target:1:2": ` + wrongFormatOrAlias}},
		"an extended community with four sections": {spec: `spec: {communities: ["rt:1:2:3"]}`, refused: []string{`spec.communities[0]: Invalid value: "rt:1:2:3": ` + wrongMarker}},
		"a community twice":                        {spec: `spec: {communities: ["1:2", "1:2"]}`, parserOnly: `spec.communities[1]: Duplicate value: "1:2": duplicate definition of communities "1:2"; remove one`},
		"a pool that is null":                      {spec: `spec: {ipAddressPools: [null]}`, refused: []string{`spec.ipAddressPools[0]: Invalid value: "null": spec.ipAddressPools[0] in body must be of type string: "null"`}, schemaOnly: true},
		"a pool twice":                             {spec: `spec: {ipAddressPools: [a, a]}`, parserOnly: `spec.ipAddressPools[1]: Duplicate value: "a": duplicate definition of ipAddressPools "a"; remove one`},
		"a peer twice":                             {spec: `spec: {peers: [a, b, a]}`, parserOnly: `spec.peers[2]: Duplicate value: "a": duplicate definition of peers "a"; remove one`},
		"a node selector twice":                    {spec: `spec: {nodeSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}`, parserOnly: `spec.nodeSelectors[1]: Duplicate value: "a=b": duplicate definition of nodeSelectors "a=b"; remove one`},
		"a node selector twice, in other words":    {spec: `spec: {nodeSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}, matchExpressions: []}]}`, parserOnly: `spec.nodeSelectors[1]: Duplicate value: "a=b": duplicate definition of nodeSelectors "a=b"; remove one`},
	})
}
