// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/internal/process"
)

// defaults are the options that are not set.
func defaults() options {
	return options{
		leaderElect: true, webhookMode: "enabled", webhookPort: 9443,
		webhookService: "metallb-webhook-service", webhookSecret: "metallb-webhook-cert",
		webhookConfiguration: "metallb-webhook-configuration",
	}
}

func TestOptionsAreRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args                 []string
		want                 func(*options)
		wantServes, wantWork bool
		wantLease            string
	}{
		"by default": {want: func(*options) {}, wantServes: true, wantWork: true, wantLease: "metallb-controller"},
		"one of one": {
			args: []string{"--leader-elect=false"}, want: func(o *options) { o.leaderElect = false }, wantServes: true, wantWork: true,
		},
		"with no webhook": {
			args: []string{"--webhook-mode=disabled"}, want: func(o *options) { o.webhookMode = "disabled" },
			wantWork: true, wantLease: "metallb-controller",
		},
		"with nothing but the webhook": {
			args: []string{"--webhook-mode=onlywebhook"}, want: func(o *options) { o.webhookMode = "onlywebhook" },
			wantServes: true, wantLease: "metallb-webhook",
		},
		"with nothing but the webhook and a certificate from elsewhere": {
			args: []string{"--webhook-mode=onlywebhook", "--disable-cert-rotation"},
			want: func(o *options) { o.webhookMode, o.disableRotation = "onlywebhook", true }, wantServes: true,
		},
		"with names and a port of its own": {
			args: []string{"--webhook-port=8443", "--cert-service-name=hook", "--webhook-secret-name=hook.cert", "--webhook-configuration-name=hooks"},
			want: func(o *options) {
				o.webhookPort, o.webhookService, o.webhookSecret, o.webhookConfiguration = 8443, "hook", "hook.cert", "hooks"
			},

			wantServes: true, wantWork: true, wantLease: "metallb-controller",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got options
			flags := flag.NewFlagSet("controller", flag.ContinueOnError)
			got.Register(flags)
			if err := flags.Parse(tc.args); err != nil {
				t.Fatal(err)
			}
			want := defaults()
			tc.want(&want)
			if err := got.Complete(&process.Settings{}, nil); err != nil || got != want {
				t.Errorf("options %+v, error %v; want %+v", got, err, want)
			}
			if got.servesWebhook() != tc.wantServes || got.reconciles() != tc.wantWork || got.lease() != tc.wantLease {
				t.Errorf("serves %t, reconciles %t, lease %q", got.servesWebhook(), got.reconciles(), got.lease())
			}
		})
	}
}

func TestWrongOptionsAreRefusedInOneLine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"an unknown mode": {[]string{"--webhook-mode=on"}, "--webhook-mode=on: must be enabled, disabled or onlywebhook"},
		"a webhook in the way of the debug endpoint": {
			[]string{"--webhook-port=7475"}, "--webhook-port=7475 and --debug-bind-address=127.0.0.1:7475 use the same port; choose different ports",
		},
		"a certificate of no webhook": {
			[]string{"--webhook-mode=disabled", "--disable-cert-rotation"},
			"--disable-cert-rotation: has no effect with --webhook-mode=disabled; remove it",
		},
		"no port":         {[]string{"--webhook-port=0"}, "--webhook-port=0: must be 1 to 65535; to serve no webhook set --webhook-mode=disabled"},
		"a port too high": {[]string{"--webhook-port=65536"}, "--webhook-port=65536: must be 1 to 65535; to serve no webhook set --webhook-mode=disabled"},
		"the port of the metrics": {
			[]string{"--webhook-port=7472"}, "--webhook-port=7472 and --metrics-bind-address=:7472 use the same port; choose different ports",
		},
		"the port of the probes, at one address": {
			[]string{"--health-probe-bind-address=127.0.0.1:9443"},
			"--webhook-port=9443 and --health-probe-bind-address=127.0.0.1:9443 use the same port; choose different ports",
		},
		"a name of no Service": {
			[]string{"--cert-service-name=a.b"}, "--cert-service-name=a.b: is not the name of a Service such as metallb-webhook-service",
		},
		"a name of no Secret": {
			[]string{"--webhook-secret-name="}, "--webhook-secret-name=: is not the name of a Secret such as metallb-webhook-cert",
		},
		"a name of no object": {
			[]string{"--webhook-configuration-name=A"}, "--webhook-configuration-name=A: is not the name of an object such as metallb-webhook-configuration",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			status := newProgram().Main(t.Context(), tc.args, func(string) string { return "" }, &stdout, &stderr)
			if diff := cmp.Diff("controller: "+tc.want+"\n", stderr.String()); diff != "" || status != 2 || stdout.Len() > 0 {
				t.Errorf("exit status %d, want 2; stdout %q, stderr (-want +got):\n%s", status, stdout.String(), diff)
			}
		})
	}
}
