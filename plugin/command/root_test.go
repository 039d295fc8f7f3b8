// SPDX-License-Identifier: Apache-2.0

//go:build unix

package command_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"metallb.io/metallb/plugin/command"
)

func TestWithoutACommandTheHelpIsShown(t *testing.T) {
	t.Parallel()
	got := run(t, "")
	for _, want := range []string{"Ask the load balancer how it fares, and why.", "  kubectl metallb [command]\n", "\n  status ", "\n  validate ", "\n  migrate ", "\n  completion "} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("there is no %q in the help:\n%s", want, got.stdout)
		}
	}
	if got.status != 0 || got.stderr != "" {
		t.Errorf("exit status %d, standard error %q", got.status, got.stderr)
	}
}

func TestAnUnknownCommandIsRefused(t *testing.T) {
	t.Parallel()
	got := run(t, "", "statsu")
	if got.status != 1 || got.stdout != "" || !strings.HasPrefix(got.stderr, `error: unknown command "statsu" for "kubectl metallb"`) {
		t.Errorf("got %+v", got)
	}
}

func TestTheVersionIsSaid(t *testing.T) {
	t.Parallel()
	if got := run(t, "", "--version"); got.status != 0 || !strings.HasPrefix(got.stdout, "kubectl metallb version dev (revision ") {
		t.Errorf("got %+v", got)
	}
}

// kubectl completes by what this prints.
func TestCommandsFlagsAndFormatsAreCompleted(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"sta": "status\t", "status --out": "--output\t", "status -o ": "yaml\n", "validate -f ": "yaml\n"} {
		got := run(t, "", append([]string{cobra.ShellCompRequestCmd}, strings.Split(word, " ")...)...)
		if got.status != 0 || !strings.Contains(got.stdout, want) {
			t.Errorf("%q: got %+v, want %q", word, got, want)
		}
	}
}

func TestEveryCommandIsExplained(t *testing.T) {
	t.Parallel()
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: in short: %q", c.CommandPath(), c.Short)
		}
		for _, child := range c.Commands() {
			look(child)
		}
	}
	look(command.New(func(string) string { return "" }, genericiooptions.IOStreams{}))
}
