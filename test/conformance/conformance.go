// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"os"
	"testing"
)

// FileVariable names the file to which tests that pass add what they have seen, a line each; they add nothing if it is not set.
const FileVariable = "CONFORMANCE_FILE"

// Routers, families and kinds of sessions.
const (
	BIRD     = "BIRD"
	FRR      = "FRR"
	IPv4     = "IPv4"
	IPv6     = "IPv6"
	External = "external"
	Internal = "internal"
)

// Cell is what a test is about.
type Cell struct {
	Feature string `json:"feature"`
	// Router is BIRD or FRR, Family that of the routes, Kind External or Internal.
	Router string `json:"router"`
	Family string `json:"family"`
	Kind   string `json:"kind"`
}

// Seen adds the cell when the test has passed.
func Seen(tb testing.TB, c Cell) {
	tb.Helper()
	file := os.Getenv(FileVariable)
	if file == "" {
		return
	}
	tb.Cleanup(func() {
		if tb.Failed() || tb.Skipped() {
			return
		}
		if err := add(file, c); err != nil {
			tb.Errorf("what was seen of %s cannot be kept: %v", c.Feature, err)
		}
	})
}

// add appends a line in one write, since the tests of several processes do.
func add(file string, c Cell) error {
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
