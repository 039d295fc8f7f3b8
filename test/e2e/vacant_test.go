// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"os/exec"
	"strings"
	"testing"

	"metallb.io/metallb/test/playground"
)

// A playground that cannot be made must not take away what is in its way.
func TestAPlaygroundLeavesANetworkNamespaceOfSomebodyElseAlone(t *testing.T) {
	alone(t)
	ip := func(args ...string) {
		t.Helper()
		if text, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v\n%s", args, err, text)
		}
	}
	ip("netns", "add", playground.RackNamespace)
	if _, err := playground.Up(t.Context(), playground.Config{}); err == nil || !strings.Contains(err.Error(), "may be somebody's") {
		t.Errorf("got %v", err)
	}
	ip("netns", "delete", playground.RackNamespace) // which fails if it is gone
}
