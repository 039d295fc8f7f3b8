// SPDX-License-Identifier: Apache-2.0

package envtest_test

import "testing"

func TestBFDProfileSchema(t *testing.T) {
	t.Parallel()
	invalid := func(name, value string) []string {
		return []string{"spec." + name + ": Invalid value: " + value}
	}
	profileKind().test(t, map[string]manifest{
		"no spec":       {spec: ``},
		"an empty spec": {spec: `spec: {}`},
		"everything set": {spec: `spec: {receiveInterval: 179, transmitInterval: 180, detectMultiplier: 4, echoInterval: 62, echoMode: false,
			passiveMode: true, minimumTtl: 250}`},
		"the least values":   {spec: `spec: {receiveInterval: 10, transmitInterval: 10, detectMultiplier: 2, echoInterval: 10, minimumTtl: 1}`},
		"the highest values": {spec: `spec: {receiveInterval: 60000, transmitInterval: 60000, detectMultiplier: 255, echoInterval: 60000, minimumTtl: 254}`},
		"nulls, which mean the defaults": {spec: `spec: {receiveInterval: null, transmitInterval: null, detectMultiplier: null, echoInterval: null,
			echoMode: null, passiveMode: null, minimumTtl: null}`},
		"a receive interval too short":       {spec: `spec: {receiveInterval: 9}`, refused: invalid("receiveInterval", "9: spec.receiveInterval in body should be greater than or equal to 10")},
		"a receive interval too long":        {spec: `spec: {receiveInterval: 60001}`, refused: invalid("receiveInterval", "60001: spec.receiveInterval in body should be less than or equal to 60000")},
		"a transmit interval of 0":           {spec: `spec: {transmitInterval: 0}`, refused: invalid("transmitInterval", "0: spec.transmitInterval in body should be greater than or equal to 10")},
		"a transmit interval too long":       {spec: `spec: {transmitInterval: 60001}`, refused: invalid("transmitInterval", "60001: spec.transmitInterval in body should be less than or equal to 60000")},
		"a multiplier of 1":                  {spec: `spec: {detectMultiplier: 1}`, refused: invalid("detectMultiplier", "1: spec.detectMultiplier in body should be greater than or equal to 2")},
		"a multiplier too high":              {spec: `spec: {detectMultiplier: 256}`, refused: invalid("detectMultiplier", "256: spec.detectMultiplier in body should be less than or equal to 255")},
		"an echo interval too short":         {spec: `spec: {echoInterval: 9}`, refused: invalid("echoInterval", "9: spec.echoInterval in body should be greater than or equal to 10")},
		"an echo interval too long":          {spec: `spec: {echoInterval: 60001}`, refused: invalid("echoInterval", "60001: spec.echoInterval in body should be less than or equal to 60000")},
		"a minimum TTL of 0":                 {spec: `spec: {minimumTtl: 0}`, refused: invalid("minimumTtl", "0: spec.minimumTtl in body should be greater than or equal to 1")},
		"a minimum TTL of a connected peer":  {spec: `spec: {minimumTtl: 255}`, refused: invalid("minimumTtl", "255: spec.minimumTtl in body should be less than or equal to 254")},
		"a negative interval":                {spec: `spec: {receiveInterval: -1}`, refused: invalid("receiveInterval", "-1: spec.receiveInterval in body should be greater than or equal to 10")},
		"an interval as a duration":          {spec: `spec: {receiveInterval: 300ms}`, refused: invalid("receiveInterval", `"string": spec.receiveInterval in body must be of type integer: "string"`)},
		"a mode that is no boolean":          {spec: `spec: {passiveMode: "yes"}`, refused: invalid("passiveMode", `"string": spec.passiveMode in body must be of type boolean: "string"`)},
		"a field that is written in another": {spec: `spec: {minimumTTL: 254}`, schemaOnly: true, refused: []string{`BFDProfile in version "v1beta1" cannot be handled as a BFDProfile: strict decoding error: unknown field "spec.minimumTTL"`}},
	})
}
