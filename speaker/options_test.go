// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"strings"
	"testing"
	"time"
)

func TestParseOptions(t *testing.T) {
	t.Parallel()
	defaults := options{
		node: "node-1", namespace: "metallb-system", metrics: ":7472", health: ":7473", logLevel: "info", drain: time.Second,
	}
	tests := map[string]struct {
		args    []string
		env     map[string]string
		want    func(*options)
		wantErr string
	}{
		"the node's name is all that is needed": {env: map[string]string{"METALLB_NODE_NAME": "node-1"}, want: func(*options) {}},
		"everything can be said": {
			args: []string{"--metrics-bind-address=0", "--health-probe-bind-address=0", "--log-level=debug", "--lb-class=example.com/x", "--shutdown-delay=0"},
			env:  map[string]string{"METALLB_NODE_NAME": "node-1", "METALLB_NAMESPACE": "lb"},
			want: func(o *options) {
				*o = options{node: "node-1", namespace: "lb", class: "example.com/x", metrics: "0", health: "0", logLevel: "debug"}
			},
		},
		"the version needs nothing": {
			args: []string{"--version"},
			want: func(o *options) { o.node, o.version = "", true },
		},
		"without the node's name": {wantErr: "METALLB_NODE_NAME is not set"},
		"a flag that is none":     {args: []string{"--leader-elect"}, wantErr: "flag provided but not defined: -leader-elect; see --help"},
		"an argument":             {args: []string{"start"}, wantErr: `unexpected argument "start"`},
		"a negative delay": {
			args: []string{"--shutdown-delay=-1s"}, env: map[string]string{"METALLB_NODE_NAME": "node-1"}, wantErr: "must be 0 or more",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseOptions(tc.args, func(key string) string { return tc.env[key] }, t.Output())
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Errorf("error %v, want %q", err, tc.wantErr)
				}
				return
			}
			want := defaults
			tc.want(&want)
			if err != nil || got != want {
				t.Errorf("options %+v, error %v; want %+v", got, err, want)
			}
		})
	}
}

func TestHelpNamesTheEnvironmentAndEveryFlag(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	_, err := parseOptions([]string{"--help"}, func(string) string { return "" }, &out)
	if !errors.Is(err, flag.ErrHelp) {
		t.Errorf("error %v, want %v", err, flag.ErrHelp)
	}
	for _, word := range []string{"METALLB_NODE_NAME", "METALLB_NAMESPACE", "KUBECONFIG", "-lb-class", "-shutdown-delay", "-version"} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("help does not mention %s:\n%s", word, out.String())
		}
	}
}

func TestALogLevelThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := newLogger("loud"); err == nil || !strings.Contains(err.Error(), `--log-level "loud"`) {
		t.Errorf("error %v", err)
	}
	for _, level := range []string{"all", "debug", "info", "warn", "error", "none"} {
		logger, err := newLogger(level)
		if err != nil {
			t.Errorf("level %s: %v", level, err)
		}
		if debug := level == "all" || level == "debug"; logger.V(1).Enabled() != debug {
			t.Errorf("level %s: debug messages are enabled: %t", level, !debug)
		}
	}
}
