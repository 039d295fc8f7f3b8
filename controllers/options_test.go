// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zapcore"
)

func environment(pairs map[string]string) func(string) string {
	return func(key string) string { return pairs[key] }
}

func TestOptionsOfThePlainCommand(t *testing.T) {
	t.Parallel()
	got, err := parseOptions(nil, environment(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := options{
		metricsAddress: ":7472", probeAddress: ":7473", leaderElect: true, logLevel: zapcore.InfoLevel,
		namespace: "metallb-system",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(options{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOptionsAreRead(t *testing.T) {
	t.Parallel()
	args := []string{
		"--metrics-bind-address=0", "--health-probe-bind-address=127.0.0.1:9", "--leader-elect=false", "--log-level=debug",
		"--lb-class=example.com/bgp", "--webhook-mode=disabled", "--version",
	}
	got, err := parseOptions(args, environment(map[string]string{"METALLB_NAMESPACE": "lb"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := options{
		metricsAddress: "0", probeAddress: "127.0.0.1:9", logLevel: zapcore.DebugLevel, class: "example.com/bgp",
		namespace: "lb", version: true,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(options{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWrongSettingsAreRefusedInOneLine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args        []string
		environment map[string]string
		want        string
	}{
		"an unknown flag":           {args: []string{"--nope"}, want: "controller: flag provided but not defined: -nope\n"},
		"an argument":               {args: []string{"start"}, want: "controller: unexpected argument \"start\": the controller takes flags only\n"},
		"a webhook":                 {args: []string{"--webhook-mode=enabled"}, want: "controller: --webhook-mode=enabled: this release has no webhook; leave the flag out or set it to disabled\n"},
		"an unknown webhook mode":   {args: []string{"--webhook-mode=on"}, want: "controller: --webhook-mode=on: must be enabled or disabled\n"},
		"an unknown level":          {args: []string{"--log-level=all"}, want: "controller: --log-level=all: must be debug, info, warn or error\n"},
		"an address without a port": {args: []string{"--metrics-bind-address=localhost"}, want: "controller: --metrics-bind-address=localhost: must be host:port, :port or 0\n"},
		"a port that is none":       {args: []string{"--health-probe-bind-address=:70000"}, want: "controller: --health-probe-bind-address=:70000: must be host:port, :port or 0\n"},
		"one address for both":      {args: []string{"--metrics-bind-address=:7473"}, want: "controller: --metrics-bind-address and --health-probe-bind-address are both :7473: choose two ports\n"},
		"a class that is none":      {args: []string{"--lb-class=a b"}, want: "controller: --lb-class=a b: is not a loadBalancerClass such as example.com/name\n"},
		"a namespace that is none": {
			environment: map[string]string{"METALLB_NAMESPACE": "A/B"},
			want:        "controller: METALLB_NAMESPACE=A/B: is not the name of a namespace\n",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			if status := run(t.Context(), tc.args, environment(tc.environment), &stdout, &stderr); status != 2 {
				t.Errorf("exit status %d, want 2", status)
			}
			if diff := cmp.Diff(tc.want, stderr.String()); diff != "" || stdout.Len() > 0 {
				t.Errorf("stdout %q, stderr (-want +got):\n%s", stdout.String(), diff)
			}
		})
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"--help"}, environment(nil), &stdout, &stderr); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
	for _, name := range []string{"metrics-bind-address", "health-probe-bind-address", "leader-elect", "webhook-mode", "log-level", "lb-class", "version"} {
		if !strings.Contains(stdout.String(), "-"+name) {
			t.Errorf("the help does not name --%s:\n%s", name, stdout.String())
		}
	}
}
