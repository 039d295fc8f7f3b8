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
	document, err := os.ReadFile("../../docs/tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	steps, err := console.Parse(string(document), "kustomize")
	if err != nil {
		t.Fatal(err)
	}
	before := machine(t)
	shell, err := console.Start(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	removePlaygroundAfter(t)
	runner := console.Runner{Shell: shell, Patience: 60 * time.Second, Pause: 250 * time.Millisecond, Log: t.Logf}
	for _, step := range steps {
		if err := runner.Run(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	if err := shell.Close(); err != nil {
		t.Error(err)
	}
	sameMachine(t, before)
}
