// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/conformance"
)

// alone is set in the environment of a process that runs one test.
const alone = "GOBGP_TEST_ALONE"

// elsewhere runs the test in a process of its own if the race detector is on, and reports whether it did: servers of tests
// that run at a time would have the race that the package's documentation tells of. Otherwise it does nothing.
func elsewhere(t *testing.T) bool {
	t.Helper()
	return raceDetector && apart(t)
}

// apart runs the test in a process of its own, with a network of its own, as there may be but one speaker with BFD on a node, and reports whether
// it did: the test is to go on if it did not, as it is in that process.
func apart(t *testing.T) bool {
	t.Helper()
	if os.Getenv(alone) != "" {
		return false
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(t.Name(), "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	cmd := bgptest.Apart(t.Context(), program, "-test.v", "-test.run", strings.Join(parts, "/"))
	// That the variable is asked for has Go know that the result depends on it: else it takes an earlier one from its cache, and nothing is seen.
	cmd.Env = append(cmd.Environ(), alone+"=1", conformance.FileVariable+"="+os.Getenv(conformance.FileVariable))
	out, err := cmd.CombinedOutput()
	if err != nil || !slices.Contains(strings.Split(string(out), "\n"), "PASS") {
		t.Errorf("in a process of its own: %v\n%s", err, out)
	}
	return true
}
