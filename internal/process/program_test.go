// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"metallb.io/metallb/internal/version"
)

func environment(pairs map[string]string) func(string) string {
	return func(key string) string { return pairs[key] }
}

// colour is the setting of a program for tests.
type colour struct{ name string }

func (c *colour) Register(flags *flag.FlagSet) {
	flags.StringVar(&c.name, "colour", "red", "`name` of a colour")
}

func (c *colour) Complete(_ *Settings, getenv func(string) string) error {
	if c.name == "none" || getenv("COLOUR") == "none" {
		return errors.New("--colour=none: must be a colour")
	}
	return nil
}

func painter() *Program {
	return &Program{
		Name: "painter", Purpose: "Paints.", Options: &colour{}, Variables: []Variable{{"COLOUR", "colour of the paint"}},
		Moved: map[string]string{"mix": `"mixer mix"`},
		Run:   func(context.Context, *rest.Config, *Settings) error { return errors.New("out of paint") },
	}
}

func TestWrongSettingsAreRefusedInOneLine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args        []string
		environment map[string]string
		want        string
	}{
		"an unknown flag":             {args: []string{"--nope"}, want: "flag provided but not defined: -nope; see --help"},
		"an argument":                 {args: []string{"start"}, want: `unexpected argument "start": settings are flags, see --help`},
		"a command that has moved":    {args: []string{"mix", "-f", "red"}, want: `"mix" is not a command of this program any more; run "mixer mix"`},
		"an unknown level":            {args: []string{"--log-level=loud"}, want: "--log-level=loud: must be all, debug, info, warn, error or none"},
		"an address without a port":   {args: []string{"--metrics-bind-address=localhost"}, want: "--metrics-bind-address=localhost: must be host:port, :port or 0"},
		"a port that is none":         {args: []string{"--health-probe-bind-address=:70000"}, want: "--health-probe-bind-address=:70000: must be host:port, :port or 0"},
		"the port 0":                  {args: []string{"--health-probe-bind-address=:0"}, want: "--health-probe-bind-address=:0: must be host:port, :port or 0"},
		"one address for both":        {args: []string{"--metrics-bind-address=:7473"}, want: "--metrics-bind-address=:7473 and --health-probe-bind-address=:7473 use the same port; choose different ports"},
		"an address within the other": {args: []string{"--metrics-bind-address=[::]:1", "--health-probe-bind-address=[::1]:1"}, want: "--metrics-bind-address=[::]:1 and --health-probe-bind-address=[::1]:1 use the same port; choose different ports"},
		"a class that is none":        {args: []string{"--lb-class=a b"}, want: "--lb-class=a b: is not a loadBalancerClass such as example.com/name"},
		"a certificate without TLS": {
			args: []string{"--metrics-cert-dir=/nowhere", "--metrics-secure=false"},
			want: "--metrics-cert-dir=/nowhere: has no effect with --metrics-secure=false; remove one of them",
		},
		"a certificate that is missing": {
			args: []string{"--metrics-cert-dir=/nowhere"},
			want: "--metrics-cert-dir=/nowhere: must have a certificate in tls.crt and its key in tls.key: open /nowhere/tls.crt: no such file or directory",
		},
		"the program's own flag":     {args: []string{"--colour=none"}, want: "--colour=none: must be a colour"},
		"the program's own variable": {environment: map[string]string{"COLOUR": "none"}, want: "--colour=none: must be a colour"},
		"an unknown format":          {args: []string{"--log-format=xml"}, want: "--log-format=xml: must be json or console"},
		"a debug endpoint for others": {
			args: []string{"--debug-bind-address=:9"},
			want: "--debug-bind-address=:9: must be a loopback address such as 127.0.0.1:9 or [::1]:9, or 0 to switch it off",
		},
		"a debug endpoint for neighbours": {
			args: []string{"--debug-bind-address=192.0.2.1:9"},
			want: "--debug-bind-address=192.0.2.1:9: must be a loopback address such as 127.0.0.1:9 or [::1]:9, or 0 to switch it off",
		},
		"a debug endpoint without a port": {
			args: []string{"--debug-bind-address=127.0.0.1"}, want: "--debug-bind-address=127.0.0.1: must be host:port, :port or 0",
		},
		"a debug endpoint in the way of metrics": {
			args: []string{"--debug-bind-address=127.0.0.1:7472"},
			want: "--debug-bind-address=127.0.0.1:7472 and --metrics-bind-address=:7472 use the same port; choose different ports",
		},
		"a debug endpoint in the way of probes": {
			args: []string{"--debug-bind-address=[::1]:9", "--health-probe-bind-address=[::1]:9"},
			want: "--debug-bind-address=[::1]:9 and --health-probe-bind-address=[::1]:9 use the same port; choose different ports",
		},
		"a flag that is called otherwise here": {
			args: []string{"--port=7472"}, want: "--port: unknown flag; set --metrics-bind-address=:PORT; see --help",
		},
		"a flag of MetalLB's ciphers": {
			args: []string{"--tls-min-version=VersionTLS13"},
			want: "--tls-min-version: unknown flag; TLS 1.2 and later are served, with Go's choice of ciphers; remove it; see --help",
		},
		"neither true nor false": {args: []string{"--metrics-secure=maybe"}, want: "--metrics-secure=maybe: must be true or false"},
		"a certificate without metrics": {
			args: []string{"--metrics-cert-dir=/nowhere", "--metrics-bind-address=0"},
			want: "--metrics-cert-dir=/nowhere: has no effect with --metrics-bind-address=0; remove one of them",
		},
		"a namespace that is none, as a flag": {
			args: []string{"--namespace=A/B"}, want: "--namespace=A/B: is not the name of a namespace such as metallb-system",
		},
		"a value of the environment that is none": {
			environment: map[string]string{"METALLB_METRICS_SECURE": "maybe"}, want: "METALLB_METRICS_SECURE=maybe: must be true or false",
		},
		"a value of the environment that is not allowed": {
			environment: map[string]string{"METALLB_LOG_LEVEL": "loud"}, want: "METALLB_LOG_LEVEL=loud: must be all, debug, info, warn, error or none",
		},
		"a value of the environment that contradicts a flag": {
			args: []string{"--metrics-bind-address=:9"}, environment: map[string]string{"METALLB_HEALTH_PROBE_BIND_ADDRESS": ":9"},
			want: "--metrics-bind-address=:9 and METALLB_HEALTH_PROBE_BIND_ADDRESS=:9 use the same port; choose different ports",
		},
		"a namespace that is none": {
			environment: map[string]string{"METALLB_NAMESPACE": "A/B"},
			want:        "METALLB_NAMESPACE=A/B: is not the name of a namespace such as metallb-system",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, tc.args, environment(tc.environment), tc.want)
		})
	}
}

// refused runs the painter, which must end with exit status 2 and only that line.
func refused(t *testing.T, args []string, getenv func(string) string, want string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := painter().Main(t.Context(), args, getenv, &stdout, &stderr); status != 2 {
		t.Errorf("exit status %d, want 2", status)
	}
	if diff := cmp.Diff("painter: "+want+"\n", stderr.String()); diff != "" || stdout.Len() > 0 {
		t.Errorf("stdout %q, stderr (-want +got):\n%s", stdout.String(), diff)
	}
}

func TestAClusterThatCannotBeReachedIsRefused(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("a: b: c"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ kubeconfig, want string }{
		"no file named":            {"", "no Kubernetes cluster: run in a pod, or set KUBECONFIG to a kubeconfig file"},
		"a file that is not there": {"/nowhere", "KUBECONFIG=/nowhere: no such file, or no cluster in it"},
		"a file that is broken": {
			broken, "KUBECONFIG=" + broken + `: error loading config file "` + broken + `": yaml: mapping values are not allowed in this context`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", tc.kubeconfig)
			refused(t, nil, os.Getenv, tc.want)
		})
	}
}

func TestAProgramThatFailsSaysSoInItsLog(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	content := `{"clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}],"contexts":[{"name":"c","context":{"cluster":"c"}}],"current-context":"c"}`
	if err := os.WriteFile(kubeconfig, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", kubeconfig)
	var stdout, stderr bytes.Buffer
	getenv := environment(map[string]string{"KUBECONFIG": kubeconfig, "METALLB_NAMESPACE": "lb"})
	if status := painter().Main(t.Context(), []string{"--colour=blue"}, getenv, &stdout, &stderr); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	want := []map[string]any{
		{
			"level": "info", "msg": "starting", "program": "painter", "version": "dev", "namespace": "lb",
			"settings": map[string]any{"--colour": "blue", "KUBECONFIG": kubeconfig, "METALLB_NAMESPACE": "lb"},
		},
		{"level": "error", "msg": "stopping because of an error", "error": "out of paint"},
	}
	if diff := cmp.Diff(want, lines(t, stderr.String())); diff != "" || stdout.Len() > 0 {
		t.Errorf("stdout %q, log (-want +got):\n%s", stdout.String(), diff)
	}
}

func TestHelpNamesEveryFlagAndVariable(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if status := painter().Main(t.Context(), []string{"--help"}, environment(nil), &stdout, &stderr); status != 0 || stderr.Len() > 0 {
		t.Errorf("exit status %d, want 0; stderr %q", status, stderr.String())
	}
	for _, word := range []string{
		"painter [flags]", "Paints.", "  --colour=name, METALLB_COLOUR\n        name of a colour (default red)\n", "--health-probe-bind-address=", "--lb-class=",
		"--debug-bind-address=address, METALLB_DEBUG_BIND_ADDRESS\n", "--log-format=", "--log-level=", "--metrics-bind-address=", "--metrics-cert-dir=", "--metrics-secure, METALLB_METRICS_SECURE\n", "--version\n", "  COLOUR\n", "  KUBECONFIG\n", "  --namespace=name, METALLB_NAMESPACE\n",
	} {
		if !strings.Contains(stdout.String(), word) {
			t.Errorf("the help does not contain %q:\n%s", word, stdout.String())
		}
	}
}

func TestTheVersionNeedsNoOtherSettings(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	status := painter().Main(t.Context(), []string{"--version", "--colour=none"}, environment(nil), &stdout, &stderr)
	if status != 0 || stdout.String() != "painter dev ("+version.Details()+")\n" || stderr.Len() > 0 {
		t.Errorf("exit status %d, stdout %q, stderr %q", status, stdout.String(), stderr.String())
	}
}

func TestSettingsAreRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args        []string
		environment map[string]string
		want        Settings
	}{
		"the defaults": {
			want: Settings{Namespace: "metallb-system", metricsAddress: ":7472", metricsSecure: true, probeAddress: ":7473", logLevel: "info", given: map[string]string{}},
		},
		"all of them": {
			args:        []string{"--metrics-bind-address=0", "--metrics-secure=false", "--health-probe-bind-address=127.0.0.1:9", "--log-level=debug", "--lb-class=example.com/bgp"},
			environment: map[string]string{"METALLB_NAMESPACE": "lb"},
			want: Settings{
				Namespace: "lb", Class: "example.com/bgp", metricsAddress: "0", probeAddress: "127.0.0.1:9", logLevel: "debug", level: -1,
				given: map[string]string{
					"--metrics-bind-address": "0", "--metrics-secure": "false", "--health-probe-bind-address": "127.0.0.1:9", "--log-level": "debug",
					"--lb-class": "example.com/bgp", "METALLB_NAMESPACE": "lb",
				},
			},
		},
		"a flag before the environment": {
			args:        []string{"--log-level=debug", "--metrics-secure=true"},
			environment: map[string]string{"METALLB_LOG_LEVEL": "loud", "METALLB_METRICS_SECURE": "false", "METALLB_LB_CLASS": "example.com/bgp", "METALLB_VERSION": "true"},
			want: Settings{
				Namespace: "metallb-system", Class: "example.com/bgp", metricsAddress: ":7472", metricsSecure: true, probeAddress: ":7473", logLevel: "debug", level: -1,
				given: map[string]string{"--log-level": "debug", "--metrics-secure": "true", "METALLB_LB_CLASS": "example.com/bgp"},
			},
		},
		"the most talkative": {
			args: []string{"--log-level=all"},
			want: Settings{
				Namespace: "metallb-system", metricsAddress: ":7472", metricsSecure: true, probeAddress: ":7473", logLevel: "all", level: levelAll,
				given: map[string]string{"--log-level": "all"},
			},
		},
		"diagnostics": {
			args: []string{"--log-format=console", "--debug-bind-address=localhost:9", "--health-probe-bind-address=127.0.0.2:9"},
			want: Settings{
				Namespace: "metallb-system", metricsAddress: ":7472", metricsSecure: true, probeAddress: "127.0.0.2:9", logLevel: "info",
				diagnostics: diagnostics{logFormat: "console", debugAddress: "localhost:9"},
				given: map[string]string{
					"--log-format": "console", "--debug-bind-address": "localhost:9", "--health-probe-bind-address": "127.0.0.2:9",
				},
			},
		},
		"nothing served": {
			args: []string{"--metrics-bind-address=0", "--health-probe-bind-address=0"},
			want: Settings{
				Namespace: "metallb-system", metricsAddress: "0", metricsSecure: true, probeAddress: "0", logLevel: "info",
				given: map[string]string{"--metrics-bind-address": "0", "--health-probe-bind-address": "0"},
			},
		},
		"one port of two hosts": {
			args: []string{"--metrics-bind-address=127.0.0.1:9", "--health-probe-bind-address=127.0.0.2:9"},
			want: Settings{
				Namespace: "metallb-system", metricsAddress: "127.0.0.1:9", metricsSecure: true, probeAddress: "127.0.0.2:9", logLevel: "info",
				given: map[string]string{"--metrics-bind-address": "127.0.0.1:9", "--health-probe-bind-address": "127.0.0.2:9"},
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.want.diagnostics == (diagnostics{}) {
				tc.want.diagnostics = diagnostics{logFormat: "json", debugAddress: "0"}
			}
			got, err := painter().parse(tc.args, environment(tc.environment))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tc.want, got, cmp.AllowUnexported(Settings{}, diagnostics{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
