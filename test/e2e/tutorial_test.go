// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"os"
	"testing"
	"time"

	"metallb.io/metallb/test/e2e/console"
)

// The tutorial makes and removes its own playground.
func TestTheTutorialWorksAsWritten(t *testing.T) {
	alone(t)
	follow(t, tutorial(t, "kustomize"))
}

// tutorial returns the steps of the tutorial for one way to install.
func tutorial(t *testing.T, way string) []console.Step {
	t.Helper()
	document, err := os.ReadFile("docs/tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	steps, err := console.Parse(string(document), way)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// follow runs the steps.
func follow(t *testing.T, steps []console.Step) {
	t.Helper()
	shell, err := console.Start(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	runner := console.Runner{Shell: shell, Patience: 60 * time.Second, Pause: 250 * time.Millisecond, Log: t.Logf}
	for _, step := range steps {
		if err := runner.Run(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	if err := shell.Close(); err != nil {
		t.Error(err)
	}
}
