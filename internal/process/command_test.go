// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ctrl "sigs.k8s.io/controller-runtime"
)

// mixer returns a painter that can also mix colours.
func mixer() *Program {
	p := painter()
	strict, from := false, ""
	p.Commands = []*Command{{
		Name: "mix", Arguments: "[-f PALETTE] COLOUR...", Purpose: "Mixes colours.", Details: "A COLOUR is a word.",
		Variables: []Variable{{"LIGHT", "light to see it by"}},
		Register: func(flags *flag.FlagSet) {
			flags.StringVar(&from, "f", "", "take them from `PALETTE`")
			flags.BoolVar(&strict, "strict", false, "take pure colours only")
		},
		Run: func(_ context.Context, call Call) (bool, error) {
			if len(call.Args) == 0 {
				return false, errors.New("no colours:\nname some")
			}
			fmt.Fprintln(call.Stdout, call.Args, strict, from, call.Namespace, call.Getenv("LIGHT"))
			return !strict, nil
		},
	}}
	return p
}

func TestACommandIsRunByItsName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args               []string
		environment        map[string]string
		wantStatus         int
		wantOut, wantError string
	}{
		"with arguments":            {args: []string{"red", "blue"}, environment: map[string]string{"LIGHT": "sun", "METALLB_NAMESPACE": "lb"}, wantOut: "[red blue] false  lb sun\n"},
		"flags among arguments":     {args: []string{"red", "-f", "x", "blue", "-", "--strict=false"}, wantOut: "[red blue -] false x metallb-system \n"},
		"no flags after --":         {args: []string{"red", "--", "-f", "--strict"}, wantOut: "[red -f --strict] false  metallb-system \n"},
		"something to object to":    {args: []string{"--strict", "pink"}, wantStatus: 1, wantOut: "[pink] true  metallb-system \n"},
		"an error of several lines": {wantStatus: 2, wantError: "painter mix: no colours: name some\n"},
		"an unknown flag":           {args: []string{"red", "--nope"}, wantStatus: 2, wantError: "painter mix: flag provided but not defined: -nope; see --help\n"},
		"a flag without its value":  {args: []string{"-f"}, wantStatus: 2, wantError: "painter mix: flag needs an argument: -f; see --help\n"},
		"a namespace that is none": {
			args: []string{"red"}, environment: map[string]string{"METALLB_NAMESPACE": "A/B"}, wantStatus: 2,
			wantError: "painter mix: METALLB_NAMESPACE=A/B: is not the name of a namespace such as metallb-system\n",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			status := mixer().Main(t.Context(), append([]string{"mix"}, tc.args...), environment(tc.environment), &stdout, &stderr)
			if status != tc.wantStatus || stdout.String() != tc.wantOut || stderr.String() != tc.wantError {
				t.Errorf("exit status %d, stdout %q, stderr %q; want %d, %q, %q", status, stdout.String(), stderr.String(), tc.wantStatus, tc.wantOut, tc.wantError)
			}
		})
	}
}

// TestMain runs a command in place of the tests if the environment says so.
func TestMain(m *testing.M) {
	if os.Getenv("WAIT") == "" {
		os.Exit(m.Run())
	}
	p := mixer()
	p.Commands[0].Run = func(_ context.Context, call Call) (bool, error) {
		fmt.Fprintln(call.Stdout, "waiting")
		_, err := io.ReadAll(os.Stdin)
		return true, err
	}
	os.Exit(p.Main(ctrl.SetupSignalHandler(), []string{"mix"}, os.Getenv, os.Stdout, os.Stderr))
}

func TestACommandThatWaitsForItsInputEndsWhenItIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0])
	command.Env = append(os.Environ(), "WAIT=1")
	if _, err := command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "waiting\n" || err != nil {
		t.Errorf("it says %q, %v", line, err)
	}
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := command.Wait(); err == nil || err.Error() != "signal: interrupt" {
		t.Errorf("it ended with %v", err)
	}
}

func TestACommandHasAHelpOfItsOwn(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	status := mixer().Main(t.Context(), []string{"mix", "--help"}, environment(nil), &stdout, &stderr)
	want := `Usage: painter mix [-f PALETTE] COLOUR...

Mixes colours.

A COLOUR is a word.

Flags:
  -f PALETTE
        take them from PALETTE
  --strict
        take pure colours only

Environment:
  LIGHT
        light to see it by
  METALLB_NAMESPACE
        namespace of the configuration; if unset, the namespace of the pod or, outside of a pod, metallb-system
`
	if diff := cmp.Diff(want, stdout.String()); diff != "" || status != 0 || stderr.Len() > 0 {
		t.Errorf("exit status %d, stderr %q, help (-want +got):\n%s", status, stderr.String(), diff)
	}
}

func TestTheHelpListsTheCommands(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	mixer().Main(t.Context(), []string{"--help"}, environment(nil), &stdout, &stderr)
	want := `Usage: painter [flags]
       painter mix [-f PALETTE] COLOUR...

Paints.

Commands (run one with --help to learn more):
  mix
        Mixes colours.

Flags:
`
	if !strings.HasPrefix(stdout.String(), want) {
		t.Errorf("help:\n%s\nwant first:\n%s", stdout.String(), want)
	}
}

func TestWhatIsNoCommandIsRefused(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"another word": {"paint"}, "a command after flags": {"--colour=blue", "mix"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			status := mixer().Main(t.Context(), args, environment(nil), &stdout, &stderr)
			want := fmt.Sprintf("painter: unexpected argument %q: write a command (mix) first; settings are flags, see --help\n", args[len(args)-1])
			if status != 2 || stderr.String() != want {
				t.Errorf("exit status %d, stderr %q, want %q", status, stderr.String(), want)
			}
		})
	}
}

func TestAKubeconfigIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{
		"clusters": `{"clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}]}`,
		"contexts": `{"contexts":[{"name":"c","context":{"cluster":"c"}}],"current-context":"c"}`,
		"broken":   "a: b: c",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	both := path("clusters") + string(os.PathListSeparator) + path("contexts")
	if config, err := ReadKubeconfig(both); err != nil || config.Host != "http://127.0.0.1:1" || config.QPS != -1 {
		t.Errorf("%s: got %+v, %v", both, config, err)
	}
	for name, want := range map[string]string{
		path("nowhere"): "KUBECONFIG=" + path("nowhere") + ": no such file, or no cluster in it",
		path("broken"):  "KUBECONFIG=" + path("broken") + `: error loading config file "` + path("broken") + `": yaml: mapping values are not allowed in this context`,
	} {
		if _, err := ReadKubeconfig(name); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
