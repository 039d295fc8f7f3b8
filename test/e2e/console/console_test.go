// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/test/e2e/console"
)

func TestParseReadsCommandsAndWhatTheyPrint(t *testing.T) {
	t.Parallel()
	document := strings.Join([]string{
		"# Title", "", "```sh", "$ not this one", "```", "```console", "$ one", "1", "2", "$ two \\", "> --more", "$ three", "```", "$ nor this",
	}, "\n")
	got, err := console.Parse(document, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []console.Step{
		{Line: 7, Command: "one", Want: []string{"1", "2"}},
		{Line: 10, Command: "two \\\n--more"},
		{Line: 12, Command: "three"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseTakesTheBlocksOfOneWay(t *testing.T) {
	t.Parallel()
	document := strings.Join([]string{
		"```console", "$ both", "```", "```console rail", "$ by rail", "```", "```console road", "$ by road", "```", "```consolerail", "$ no", "```",
	}, "\n")
	got, err := console.Parse(document, "rail")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]console.Step{{Line: 2, Command: "both"}, {Line: 5, Command: "by rail"}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"output before any command": "```console\n1\n```",
		"a block left open":         "```console\n$ one",
	} {
		if _, err := console.Parse(document, ""); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		want    []string
		printed string
		matches bool
	}{
		"nothing wanted":                        {nil, "anything", true},
		"the same":                              {[]string{"a b"}, "a b\n", true},
		"other spacing":                         {[]string{"NAME   AGE"}, "NAME AGE  \n", true},
		"another word":                          {[]string{"a b"}, "a c\n", false},
		"a line more":                           {[]string{"a"}, "a\nb\n", false},
		"a line less":                           {[]string{"a", "b"}, "a\n", false},
		"an ellipsis within a line":             {[]string{"pod-…  Running"}, "pod-x7z Running\n", true},
		"an ellipsis does not cross lines":      {[]string{"a…z"}, "a\nz\n", false},
		"an ellipsis for lines":                 {[]string{"a", "…", "z"}, "a\nb\nc\nz\n", true},
		"an ellipsis for no line":               {[]string{"a", "…", "z"}, "a\nz\n", true},
		"an ellipsis for lines, but no end":     {[]string{"a", "…", "z"}, "a\nb\n", false},
		"characters that patterns give meaning": {[]string{"a.(b)"}, "a.(b)\n", true},
		"a dot is a dot":                        {[]string{"a.b"}, "axb\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := (console.Step{Want: test.want}).Matches(test.printed); got != test.matches {
				t.Errorf("Matches(%q) = %v", test.printed, got)
			}
		})
	}
}

func runner(ctx context.Context, t *testing.T) *console.Runner {
	t.Helper()
	// The shell is closed in the cleanup, when the test's context is over already.
	shell, err := console.Start(context.WithoutCancel(ctx), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := shell.Close(); err != nil {
			t.Error(err)
		}
	})
	return &console.Runner{Shell: shell, Patience: 10 * time.Second, Pause: 10 * time.Millisecond, Log: t.Logf}
}

func TestTheShellKeepsItsStateBetweenCommands(t *testing.T) {
	t.Parallel()
	r := runner(t.Context(), t)
	for _, step := range []console.Step{
		{Command: "export COLOUR=blue; cd /"},
		{Command: "echo $COLOUR; pwd", Want: []string{"blue", "/"}},
		{Command: "printf 'no newline'", Want: []string{"no newline"}},
		{Command: "cat", Want: []string{""}},
		{Command: "echo 'error: no such pool' >&2; false", Want: []string{"error: no such pool"}},
	} {
		if err := r.Run(t.Context(), step); err != nil {
			t.Error(err)
		}
	}
}

func TestAFailingStepIsAnError(t *testing.T) {
	t.Parallel()
	r := runner(t.Context(), t)
	for name, step := range map[string]console.Step{
		"a failing command":              {Command: "false"},
		"a success where it should fail": {Command: "echo error: x", Want: []string{"error: x"}},
		"another output":                 {Command: "echo 1", Want: []string{"2"}},
	} {
		if err := r.Run(t.Context(), step); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestALookIsRepeatedUntilItShowsWhatIsExpected(t *testing.T) {
	t.Parallel()
	r := runner(t.Context(), t)
	step := console.Step{Command: "for i in x; do echo x >> file; wc -l < file; done", Want: []string{"3"}}
	if err := r.Run(t.Context(), step); err != nil {
		t.Error(err)
	}
}

func TestAMakeOfTheDocumentIsNobodysChild(t *testing.T) {
	t.Setenv("MAKELEVEL", "1")
	t.Setenv("MAKEFLAGS", "w")
	r := runner(t.Context(), t)
	if err := r.Run(t.Context(), console.Step{Command: `echo "$MAKELEVEL$MAKEFLAGS."`, Want: []string{"."}}); err != nil {
		t.Error(err)
	}
}
