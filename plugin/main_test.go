// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"strings"
	"testing"
)

// What serves in a cluster would make the plugin nearly twice as large.
func TestNothingThatServesInAClusterIsLinked(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dependency := range strings.Lines(string(out)) {
		for _, server := range []string{"k8s.io/apiserver/", "google.golang.org/grpc", "sigs.k8s.io/controller-runtime/pkg/manager", "metallb.io/metallb/internal/process"} {
			if strings.HasPrefix(dependency, server) {
				t.Errorf("it has %s", strings.TrimSpace(dependency))
			}
		}
	}
	if !strings.Contains(string(out), "metallb.io/metallb/plugin/command\n") {
		t.Errorf("the list is not complete:\n%s", out)
	}
}
