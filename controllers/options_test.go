// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOneControllerOfSeveralIsActiveUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		want options
	}{
		"by default":      {want: options{leaderElect: true, webhookMode: "disabled"}},
		"told otherwise":  {args: []string{"--leader-elect=false"}, want: options{webhookMode: "disabled"}},
		"with no webhook": {args: []string{"--webhook-mode=disabled"}, want: options{leaderElect: true, webhookMode: "disabled"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got options
			flags := flag.NewFlagSet("controller", flag.ContinueOnError)
			got.Register(flags)
			if err := flags.Parse(tc.args); err != nil {
				t.Fatal(err)
			}
			if err := got.Complete(nil); err != nil || got != tc.want {
				t.Errorf("options %+v, error %v; want %+v", got, err, tc.want)
			}
		})
	}
}

func TestAWebhookIsRefusedInOneLine(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{
		"enabled": "controller: --webhook-mode=enabled: this release has no webhook; leave the flag out or set it to disabled\n",
		"on":      "controller: --webhook-mode=on: must be disabled, as this release has no webhook\n",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			status := newProgram().Main(t.Context(), []string{"--webhook-mode=" + mode}, func(string) string { return "" }, &stdout, &stderr)
			if diff := cmp.Diff(want, stderr.String()); diff != "" || status != 2 || stdout.Len() > 0 {
				t.Errorf("exit status %d, want 2; stdout %q, stderr (-want +got):\n%s", status, stdout.String(), diff)
			}
		})
	}
}
