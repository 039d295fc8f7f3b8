// SPDX-License-Identifier: Apache-2.0

package envtest_test

import (
	"fmt"
	"strings"
	"testing"
)

// What the schema says of values in several of the manifests.
const (
	wrongMarker    = "invalid marker for large community: expected community to be of format large:a:b:c"
	wrongFormat    = "invalid community format: write a:b, large:a:b:c, rt:a:b, soo:a:b, bandwidth:a:b or a well-known name"
	wrongSection   = "invalid community value: invalid section: must be a number from 0 to 65535, or to 4294967295 in a large community"
	wrongRoute     = "invalid community value: invalid section: in rt:a:b and soo:a:b, a must be an ASN or an IPv4 address, and b a number from 0 to 65535, or to 4294967295 if a is from 0 to 65535"
	wrongBandwidth = "invalid community value: invalid section: in bandwidth:a:b, a must be an ASN from 0 to 65535, and b bytes per second from 0 to 999999999999"
)

func TestCommunitySchema(t *testing.T) {
	t.Parallel()
	communityKind().test(t, map[string]manifest{
		"no spec":            {spec: ``},
		"both kinds":         {spec: `spec: {communities: [{name: no-advertise, value: "65535:65282"}, {name: far, value: "large:1:2:3"}]}`},
		"no aliases":         {spec: `spec: {communities: []}`},
		"a name twice":       {spec: `spec: {communities: [{name: a, value: "1:2"}, {name: a, value: "1:3"}]}`, refused: []string{`spec.communities: Invalid value: duplicate definition of community: a name is defined twice; remove one`}},
		"a name three times": {spec: `spec: {communities: [{name: b, value: "1:2"}, {name: a, value: "1:2"}, {name: a, value: "1:2"}, {name: a, value: "1:2"}]}`, refused: []string{`spec.communities: Invalid value: duplicate definition of community: a name is defined twice; remove one`}},
		"a value twice":      {spec: `spec: {communities: [{name: a, value: "1:2"}, {name: b, value: "1:2"}]}`},
		"as many long names as the schema compares": {spec: longAliases(128, 253)},
		"as many names as there may be":             {spec: longAliases(256, 253)},
		"a name twice, among more than the schema compares": {
			spec:       strings.Replace(longAliases(129, 3), `"128"`, `"007"`, 1),
			parserOnly: `spec.communities[128].name: Duplicate value: "007": duplicate definition of community "007"; remove one`,
		},
		"no name":                     {spec: `spec: {communities: [{value: "1:2"}]}`, refused: []string{`spec.communities[0].name: Required value`}},
		"an empty name":               {spec: `spec: {communities: [{name: "", value: "1:2"}]}`, refused: []string{`spec.communities[0].name: Invalid value: "": spec.communities[0].name in body should be at least 1 chars long`}},
		"a name with a colon":         {spec: `spec: {communities: [{name: "1:3", value: "1:2"}]}`, refused: []string{`spec.communities[0].name: Invalid value: "1:3": must not have a colon, which would make it a value`}},
		"no value":                    {spec: `spec: {communities: [{name: a}]}`, refused: []string{`spec.communities[0].value: Required value`}},
		"an empty value":              {spec: `spec: {communities: [{name: a, value: ""}]}`, refused: []string{`spec.communities[0].value: Invalid value: "": ` + wrongFormat}},
		"the mark of stale routes":    {spec: `spec: {communities: [{name: a, value: "65535:6"}]}`, parserOnly: `spec.communities[0].value: Invalid value: "65535:6": invalid community value: "65535:6" is LLGR_STALE (RFC 9494): routers would not be sent the route; remove it`},
		"a value that is a name":      {spec: `spec: {communities: [{name: a, value: no-import}]}`, refused: []string{`spec.communities[0].value: Invalid value: "no-import": ` + wrongFormat}},
		"well-known names":            {spec: `spec: {communities: [{name: a, value: no-export}, {name: b, value: no-advertise}, {name: c, value: no-export-subconfed}, {name: d, value: no-peer}, {name: e, value: graceful-shutdown}, {name: f, value: blackhole}, {name: g, value: accept-own}, {name: h, value: no-llgr}]}`},
		"extended communities":        {spec: `spec: {communities: [{name: a, value: "rt:64512:4294967295"}, {name: b, value: "rt:4200000000:65535"}, {name: c, value: "soo:192.0.2.1:65535"}, {name: d, value: "bandwidth:65535:999999999999"}]}`},
		"no route target":             {spec: `spec: {communities: [{name: a, value: "rt:65536:65536"}]}`, refused: []string{`spec.communities[0].value: Invalid value: "rt:65536:65536": ` + wrongRoute}},
		"no bandwidth":                {spec: `spec: {communities: [{name: a, value: "bandwidth:65536:1"}]}`, refused: []string{`spec.communities[0].value: Invalid value: "bandwidth:65536:1": ` + wrongBandwidth}},
		"a value too large":           {spec: `spec: {communities: [{name: a, value: "65536:0"}]}`, refused: []string{`spec.communities[0].value: Invalid value: "65536:0": ` + wrongSection}},
		"a section with eight digits": {spec: `spec: {communities: [{name: a, value: "99999999:1"}]}`, refused: []string{`spec.communities[0].value: Invalid value: "99999999:1": ` + wrongSection}},
		"another marker":              {spec: `spec: {communities: [{name: a, value: "lar:123:9999:123"}]}`, refused: []string{`spec.communities[0].value: Invalid value: "lar:123:9999:123": ` + wrongMarker}},
		"three sections":              {spec: `spec: {communities: [{name: a, value: "1:2:3"}]}`, refused: []string{`spec.communities[0].value: Invalid value: "1:2:3": ` + wrongFormat}},
	})
}

// longAliases returns a spec of that many aliases, whose names have that many characters.
func longAliases(count, length int) string {
	var b strings.Builder
	b.WriteString("spec: {communities: [")
	for i := range count {
		fmt.Fprintf(&b, `{name: "%0*d", value: "64512:1"}, `, length, i)
	}
	b.WriteString("]}")
	return b.String()
}
